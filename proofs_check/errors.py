"""The one exception that the command line shows as a single line, and what becomes one."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

# A failing write names no file: these can only mean the output.
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class InputError(ValueError):
    """What is wrong with the user's input and how to mend it, in one line.

    Examples
    --------
    >>> raise InputError("x.npy does not exist; check the path")
    Traceback (most recent call last):
    proofs_check.errors.InputError: x.npy does not exist; check the path
    """


@contextmanager
def one_line() -> Iterator[None]:
    """What the libraries refuse becomes the one line that the command line shows.

    Raises
    ------
    InputError
        In place of a ValueError or an OSError.

    Examples
    --------
    >>> with one_line():
    ...     open("no.toml")
    Traceback (most recent call last):
    proofs_check.errors.InputError: no.toml: No such file or directory; check the path
    """
    try:
        yield
    except InputError:
        raise
    except ValueError as error:
        raise InputError(str(error)) from error
    except OSError as error:
        if error.errno in FULL:
            raise InputError("the disk is full; make room, and go on with --resume if there is a checkpoint") from error
        raise InputError(f"{error.filename or 'a file'}: {error.strerror or error}; check the path") from error

"""The one exception that the command line shows as a single line."""


class InputError(ValueError):
    """What is wrong with the user's input and how to mend it, in one line.

    Examples
    --------
    >>> raise InputError("x.npy does not exist; check the path")
    Traceback (most recent call last):
    proofs_check.errors.InputError: x.npy does not exist; check the path
    """

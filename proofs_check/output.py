"""Output folders: all files of a run appear together, or none does."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from proofs_check.errors import InputError


@contextmanager
def complete_folder(out: str | Path, names: Sequence[str]) -> Iterator[Path]:
    """Yield a temporary folder; on success its files move into `out`, on failure nothing remains.

    Parameters
    ----------
    out
        Folder, made if missing. That it can be written is found out on entry, before any long computation.
    names
        Files that will be written.

    Raises
    ------
    InputError
        The folder cannot be made or written.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as base:
    ...     with complete_folder(Path(base) / "new", ["a.txt"]) as folder:
    ...         _ = (folder / "a.txt").write_text("done")
    ...     (Path(base) / "new" / "a.txt").read_text()
    'done'
    """
    out = Path(out)
    made: list[Path] = []
    temporary = None
    try:
        try:
            if out.exists() and not out.is_dir():
                raise InputError(f"{out} is a file; name a folder with --out")
            taken = [name for name in names if (out / name).is_dir()]
            if taken:
                raise InputError(f"{out / taken[0]} is a folder where a file has to go; name another folder with --out")
            missing = [p for p in (out, *out.parents) if not p.exists()]
            for folder in reversed(missing):
                folder.mkdir()
                made.append(folder)
            temporary = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=out))
            yield temporary
            for name in names:
                os.replace(temporary / name, out / name)
            made.clear()
        except OSError as error:
            if not str(error.filename or out).startswith(str(out)):
                raise
            reason = error.strerror or str(error)
            raise InputError(f"{out} cannot be written: {reason}; name another folder with --out") from error
    finally:
        if temporary:
            shutil.rmtree(temporary, ignore_errors=True)
        for folder in reversed(made):
            if folder.exists() and not any(folder.iterdir()):
                folder.rmdir()

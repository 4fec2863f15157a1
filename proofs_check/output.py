"""Output: all files of a run appear together, or none does; a file is replaced at once."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from proofs_check.errors import FULL, InputError


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
        with _explained(out):
            if out.exists() and not out.is_dir():
                raise InputError(f"{out} is a file; name a folder with --out")
            taken = [name for name in names if (out / name).is_dir()]
            if taken:
                raise InputError(f"{out / taken[0]} is a folder where a file has to go; name another folder with --out")
            for folder in reversed([p for p in (out, *out.parents) if not p.exists()]):
                folder.mkdir()
                made.append(folder)
            temporary = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=out))
        with _explained(out, temporary):
            yield temporary
        with _explained(out):
            for name in names:
                os.replace(temporary / name, out / name)
        made.clear()
    finally:
        if temporary:
            shutil.rmtree(temporary, ignore_errors=True)
        for folder in reversed(made):
            if folder.exists() and not any(folder.iterdir()):
                folder.rmdir()


def replace_text(path: Path, text: str) -> None:
    """Write a text file all at once: its readers see the old content or the new one, never half of it.

    Raises
    ------
    OSError
        The folder cannot be written.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as base:
    ...     replace_text(Path(base) / "a.txt", "done")
    ...     [p.read_text() for p in Path(base).iterdir()]
    ['done']
    """
    from nonlinear.files import replace

    replace(path, text.encode())


@contextmanager
def _explained(out: Path, inside: Path | None = None) -> Iterator[None]:
    """Turn an OSError into one about the output; with `inside`, only one that the files in there caused."""
    try:
        yield
    except OSError as error:
        if inside and error.errno not in FULL and inside not in Path(str(error.filename)).parents:
            raise
        raise InputError(
            f"{out} cannot be written: {error.strerror or error}; name another folder with --out"
        ) from error

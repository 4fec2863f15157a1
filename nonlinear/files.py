"""Files that several processes share: where they are kept, replaced at once, locked."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def cache_dir() -> Path:
    """Folder of everything that is computed once: $CONCEPT_ALIGNMENT_CACHE, else ~/.cache/concept-alignment.

    Examples
    --------
    >>> cache_dir().is_absolute() or "CONCEPT_ALIGNMENT_CACHE" in os.environ
    True
    """
    return Path(os.environ.get("CONCEPT_ALIGNMENT_CACHE") or Path.home() / ".cache" / "concept-alignment")


def replace(path: Path, content: bytes) -> None:
    """Write a file all at once: its readers see the old content or the new one, never half of it.

    Raises
    ------
    OSError
        The folder cannot be written, or the disk is full; the old content is still there then.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as base:
    ...     replace(Path(base) / "a.txt", b"done")
    ...     [p.read_text() for p in Path(base).iterdir()]
    ['done']
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".unfinished-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, path.stat().st_mode if path.exists() else 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def locked(path: Path, wait: bool = True) -> Iterator[None]:
    """Hold the lock of a file, which the system releases when the process ends, however it ends.

    Raises
    ------
    BlockingIOError
        Another process holds it, and `wait` is false.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as base, locked(Path(base) / "a.lock"):
    ...     print("alone")
    alone
    """
    with path.open("w", encoding="utf-8") as file:
        if os.name == "posix":
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield

"""A file is replaced at once: its readers see the old content or the new one, never half of it."""

import os
import tempfile
from pathlib import Path


def replace(path: Path, content: bytes) -> None:
    """Write a file all at once.

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

"""Where a pretrained model is: a folder here, or one of the Hugging Face hub, fetched into its cache."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# What a tower needs; code and pickled weights are never fetched, nor what lies in subfolders.
FILES = ["model*.safetensors", "model.safetensors.index.json", "*.json", "*.txt", "*.model"]
MISSING = "embed needs transformers and Pillow; run: pip install 'concept-alignment[embed]'"


def check_installed() -> None:
    """Raise ValueError unless the extra `embed` is installed.

    Examples
    --------
    >>> import sys
    >>> from unittest.mock import patch
    >>> with patch.dict(sys.modules, {"transformers": None, "PIL": None}):
    ...     try:
    ...         check_installed()
    ...     except ValueError as error:
    ...         str(error).startswith(MISSING)
    True
    """
    try:
        import PIL  # noqa: F401
        import transformers  # noqa: F401
    except ImportError as error:
        raise ValueError(f"{MISSING} ({error})") from error


def find(model: str, revision: str | None = None) -> tuple[Path, str | None]:
    """Folder of a model, and its commit where it is from the hub. The network is used for a name that is no path only.

    Parameters
    ----------
    model
        A folder that save_pretrained made, or a name on the hub, as "facebook/dinov2-small".
    revision
        Branch, tag or commit on the hub.

    Raises
    ------
    ValueError
        Neither a folder nor a model that can be fetched.

    Examples
    --------
    >>> find(".")
    (PosixPath('.'), None)
    """
    path = Path(model).expanduser()
    if path.exists() or path.is_symlink():
        if not path.is_dir():
            raise ValueError(f"{model} is no folder; pass the one that holds config.json and model.safetensors")
        if revision is not None:
            raise ValueError(f"{model} is a folder here and has no revision {revision!r}; leave it out")
        return path, None
    if path.is_absolute() or model.startswith((".", "~")) or model.count("/") > 1 or "\\" in model:
        raise ValueError(f"{model} does not exist; check the path")
    from huggingface_hub import snapshot_download

    try:
        folder = snapshot_download(model, revision=revision, allow_patterns=FILES, ignore_patterns=["*/*"])
    except (OSError, ValueError) as error:  # what the hub's client and its transport raise derives from these
        raise ValueError(
            f"{model} is neither a folder here nor a model that the Hugging Face hub gave "
            f"({type(error).__name__}: {first_line(error)}); check the name and the network"
        ) from error
    return Path(folder), Path(folder).name


def contents(folder: Path) -> str:
    """SHA-256 of the names and bytes of a model's files.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as base:
    ...     contents(Path(base))[:8]
    'e3b0c442'
    """
    digest = hashlib.sha256()
    for path in sorted({p for pattern in FILES for p in folder.glob(pattern) if p.is_file()}):
        with path.open("rb") as file:
            digest.update(path.name.encode() + b"\0" + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def first_line(error: BaseException) -> str:
    r"""First line of an error's message, at most 200 characters.

    Examples
    --------
    >>> first_line(ValueError("short\nlong"))
    'short'
    """
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


@contextmanager
def quiet() -> Iterator[None]:
    """Without the reports and bars of transformers: what matters of them becomes an error here.

    Examples
    --------
    >>> from transformers.utils import logging
    >>> with quiet():
    ...     logging.get_verbosity() == logging.ERROR, logging.is_progress_bar_enabled()
    (True, False)
    """
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()

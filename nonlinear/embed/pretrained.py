"""Models, image processors and tokenizers of a folder, through transformers' Auto classes; nothing is fetched here."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from nonlinear.config import environment
from nonlinear.embed.loading import first_line

# Code that lies beside a model is not run, and nothing is looked up on the network.
CLOSED = {"local_files_only": True, "trust_remote_code": False}
UNLIMITED = 10**6  # tokenizers without a limit have 10^30


def versions(device: str = "cpu") -> dict[str, str]:
    """Everything beside model and data that the bits of a row may depend on.

    Examples
    --------
    >>> sorted(versions())
    ['cpu', 'numpy', 'pillow', 'tokenizers', 'torch', 'transformers']
    """
    import PIL
    import tokenizers
    import transformers

    return environment(device) | {
        "transformers": transformers.__version__, "tokenizers": tokenizers.__version__, "pillow": PIL.__version__,
    }  # fmt: skip


def read_model(name: str, folder: Path, dtype: torch.dtype) -> tuple[Any, set[str]]:
    """The model of a folder, and the names of the weights that its checkpoint lacks.

    Parameters
    ----------
    name
        For errors.

    Raises
    ------
    ValueError
        No safetensors there, an unknown architecture, a damaged file.

    Examples
    --------
    >>> read_model("mine", Path("no-such-folder"), torch.float32)
    Traceback (most recent call last):
    ValueError: mine holds no model.safetensors; save the model with save_pretrained
    """
    if not any(folder.glob("model*.safetensors")):
        if any(folder.glob("*.bin")):
            raise ValueError(f"{name} holds pickled weights (.bin) only, which may run code; save it as safetensors")
        raise ValueError(f"{name} holds no model.safetensors; save the model with save_pretrained")
    from transformers import AutoModel

    with _explained(name, "no model that transformers can load"):
        model, report = AutoModel.from_pretrained(
            folder, dtype=dtype, use_safetensors=True, output_loading_info=True, **CLOSED
        )
    return model, set(report["missing_keys"])


def image_processor(name: str, folder: Path) -> Callable[..., Any]:
    """The image processor of a model; by Pillow, whose numbers do not depend on what else is installed.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as base:
    ...     _ = Path(base, "preprocessor_config.json").write_text('{"image_processor_type": "ViTImageProcessor"}')
    ...     image_processor("mine", Path(base)).size["height"]
    224
    """
    from transformers import AutoImageProcessor

    with _explained(name, "no image processor (preprocessor_config.json)"):
        return AutoImageProcessor.from_pretrained(folder, backend="pil", **CLOSED)


class Texts:
    """The tokenizer of a model: padding on the right, to the longest of a batch, or to the length SigLIP asks for.

    Parameters
    ----------
    name
        For errors.
    folder
        Of the model.
    config
        Of the model.

    Examples
    --------
    >>> try:
    ...     Texts("mine", Path("no-such-folder"), None)
    ... except ValueError as error:
    ...     print(str(error).split(" (")[0])
    mine has no tokenizer
    """

    def __init__(self, name: str, folder: Path, config: Any):
        from transformers import AutoTokenizer

        with _explained(name, "no tokenizer"):
            self.tokenizer = AutoTokenizer.from_pretrained(folder, **CLOSED)
        # Without its files, transformers makes one up that knows no word.
        files = self.tokenizer.vocab_files_names.values()
        if files and not any((folder / file).is_file() for file in files):
            raise ValueError(f"{name} has no tokenizer ({' or '.join(files)}); save it beside the model")
        if self.tokenizer.pad_token is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token or self.tokenizer.unk_token
        if self.tokenizer.pad_token is None:
            raise ValueError(f"{name}: its tokenizer has no token to pad with; set pad_token and save it")
        limits = [self.tokenizer.model_max_length, getattr(config.get_text_config(), "max_position_embeddings", None)]
        self.limit = min((n for n in limits if isinstance(n, int) and 0 < n < UNLIMITED), default=None)
        self.padding = "max_length" if config.model_type.startswith("siglip") and self.limit else "longest"

    def __call__(self, texts: Sequence[str]) -> Any:
        """Token numbers and mask of a batch, cut at the model's limit."""
        return self.tokenizer(
            list(texts), padding=self.padding, padding_side="right", truncation=self.limit is not None,
            max_length=self.limit, return_attention_mask=True, return_tensors="pt",
        )  # fmt: skip

    def n_cut(self, texts: Sequence[str]) -> int:
        """Number of texts that are longer than the model's limit."""
        if self.limit is None:
            return 0
        lengths = (len(self.tokenizer(text, verbose=False)["input_ids"]) for text in texts)
        return sum(length > self.limit for length in lengths)


@contextmanager
def _explained(name: str, lacks: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # foreign files, read by code of others: damage raises many types
        raise ValueError(f"{name} has {lacks} ({type(error).__name__}: {first_line(error)})") from error

"""A pretrained tower: from images or captions to rows."""

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from nonlinear.embed.loading import check_installed, contents, find, first_line, quiet
from nonlinear.embed.pooling import POOLS, named, pool, prefix_tokens, untrained
from nonlinear.embed.pretrained import Texts, image_processor, read_model, versions

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
INPUT = {"images": "pixel_values", "captions": "input_ids"}


class Tower:
    """The tower of a model that takes this kind of data, with its own image processor or tokenizer.

    A model with two towers (CLIP, SigLIP, …) embeds with that of the data. Code that comes with a model is never run,
    and weights are read from safetensors only.

    Parameters
    ----------
    model
        Folder or name, as of :func:`nonlinear.embed.loading.find`.
    kind
        "images" or "captions".
    how
        One of POOLS; None: "projected" for two towers, else "cls" for images and "mean" for captions.
    device
        "cpu" or "cuda".
    dtype
        In which the model computes; rows are float32.
    revision
        Of a model on the hub.

    Attributes
    ----------
    settings
        What the rows depend on, as plain data.

    Raises
    ------
    ValueError
        A missing extra, an unknown model, no such tower or pooling, weights that are missing or pickled.

    Examples
    --------
    >>> Tower("./no-such-folder", "images")
    Traceback (most recent call last):
    ValueError: ./no-such-folder does not exist; check the path
    """

    def __init__(
        self,
        model: str,
        kind: str,
        how: str | None = None,
        device: str = "cpu",
        dtype: str = "float32",
        revision: str | None = None,
    ):
        check_installed()
        if how not in (None, *POOLS):
            raise ValueError(f"unknown pooling {how!r}; choose one of {', '.join(POOLS)}")
        if dtype not in DTYPES:
            raise ValueError(f"unknown dtype {dtype!r}; choose one of {', '.join(DTYPES)}")
        if device != "cpu" and not (device.split(":")[0] == "cuda" and torch.cuda.is_available()):
            raise ValueError(f"device {device!r} is not here; use cpu" + " or cuda" * torch.cuda.is_available())
        folder, commit = find(model, revision)
        self.name, self.kind, self.device = model, kind, device
        with quiet():
            self.model, missing = read_model(model, folder, DTYPES[dtype])
            two = all(hasattr(self.model, f"get_{what}_features") for what in ("image", "text"))
            self.how = how or ("projected" if two else "cls" if kind == "images" else "mean")
            self.module, self.call = self._tower(two)
            if lacking := untrained(missing, self._path(), self.how):
                raise ValueError(
                    f"{model} has no trained weights for {lacking[0]}"
                    + (f" and {len(lacking) - 1} more" if len(lacking) > 1 else "")
                    + ("; pass --pool cls or --pool mean" if self.how == "pooler" else "; name a complete checkpoint")
                )
            self.images = image_processor(model, folder) if kind == "images" else None
            self.texts = Texts(model, folder, self.model.config) if kind == "captions" else None
        self.model.requires_grad_(False).to(device)
        self.takes = inspect.signature(getattr(self.call, "forward", self.call)).parameters
        self.settings = {
            "model": model, "revision": commit, "sha256": contents(folder), "data": kind, "pool": self.how,
            "device": device.split(":")[0], "dtype": dtype, "environment": versions(device),
        }  # fmt: skip

    def _tower(self, two: bool) -> tuple[torch.nn.Module, Any]:
        """The module whose weights are used, and what is called."""
        images = self.kind == "images"
        if self.how == "projected":
            if not two:
                raise ValueError(f"{self.name} has one tower and no shared space; pass --pool cls, mean or pooler")
            return self.model, self.model.get_image_features if images else self.model.get_text_features
        if two:
            name = "vision_model" if images else "text_model"
            tower = getattr(self.model, name, None)
            if not isinstance(tower, torch.nn.Module):
                raise ValueError(f"{self.name} has no {name} that could be called alone; pass --pool projected")
            return tower, tower
        if self.model.main_input_name != INPUT[self.kind]:
            raise ValueError(
                f"{self.name} ({type(self.model).__name__}) takes {self.model.main_input_name} and has no tower for "
                f"{self.kind}; name {'a vision' if images else 'a text'} model, or one with both towers"
            )
        # An encoder with a decoder would want texts on both sides.
        tower = self.model.get_encoder() if getattr(self.model.config, "is_encoder_decoder", False) else self.model
        return tower, tower

    def _path(self) -> str:
        return next(name for name, module in self.model.named_modules() if module is self.module)

    @torch.inference_mode()
    def __call__(self, items: Sequence[Any]) -> np.ndarray:
        """Rows [len(items), d], float32.

        Raises
        ------
        ValueError
            The tower has no such pooling, or cannot put these images into one batch.
        """
        # By default a GPU rounds the factors of convolutions to ten bits (TF32), and may choose another sum each time.
        with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
            return self._embed_images(self.images, items) if self.images else self._embed_texts(self.texts, items)

    def n_cut(self, texts: Sequence[str]) -> int:
        """Number of captions that are longer than the model takes."""
        with quiet():
            return self.texts.n_cut(texts) if self.texts else 0

    def _embed_images(self, prepare: Any, images: Sequence[Any]) -> np.ndarray:
        try:
            inputs = dict(prepare(images=list(images), return_tensors="pt").to(self.device))
        except ValueError as error:
            hint = "where it keeps the images' sizes, pass --batch 1"
            raise ValueError(f"{self.name}: its image processor fails: {first_line(error)}; {hint}") from error
        pixels = inputs["pixel_values"] = inputs["pixel_values"].to(self.model.dtype)
        output = self._forward(inputs)
        hidden = getattr(output, "last_hidden_state", None)
        size = getattr(self.module.config, "patch_size", None)
        prefix = None if hidden is None else prefix_tokens(hidden, pixels, size)
        return pool(self.how, output, prefix=prefix, who=self.name).cpu().numpy()

    def _embed_texts(self, prepare: Any, texts: Sequence[str]) -> np.ndarray:
        inputs = prepare(texts).to(self.device)
        ids, mask = inputs["input_ids"], inputs["attention_mask"]
        if self.model.config.model_type.startswith("siglip"):
            inputs = {"input_ids": ids}  # trained on padded texts without a mask
        rows = pool(self.how, self._forward(inputs), mask, who=self.name).cpu().numpy()
        if self.how == "cls" and (ids != ids[0]).any() and (rows == rows[0]).all():
            raise ValueError(
                f"{self.name} gives all captions one row: their first token sees no other; pass --pool mean"
            )
        return rows

    def _forward(self, inputs: Any) -> Any:
        return self.call(**named(inputs, self.takes))

"""Adapter for SAEs that SAELens saved, without SAELens; an example to copy.

An adapter is a function `adapter(run, names)` that returns one coder per stream name. A coder is any object with

- `encode(X)`: rows [n, d] in the data's own units → codes [n, m];
- `decode(Z)`: codes [n, m] → rows [n, d], affine in Z;
- `dictionary` [m, d], an atom per row: decode(Z) = Z @ dictionary + decode(0).

All arrays are NumPy's. What the library does to its input and with the norms of its atoms belongs inside.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file


class Coder:
    """SAE as SAELens runs it: TopK, or JumpReLU, as which it saves BatchTopK too."""

    def __init__(self, config: Mapping, weights: Mapping[str, np.ndarray]):
        if (kind := config["architecture"]) not in ("topk", "jumprelu"):
            raise ValueError(f"an SAE is {kind!r}; this adapter reads 'topk' and 'jumprelu'")
        if (scaling := config["normalize_activations"]) != "none":
            # By the row, which makes decode no function of the codes, or by a number that is not in the files.
            raise ValueError(f"an SAE scales its input by {scaling!r}; fold that into the weights first")
        w = {name: np.asarray(value, dtype=float) for name, value in weights.items()}
        norms = np.linalg.norm(w["W_dec"], axis=1) if config.get("rescale_acts_by_decoder_norm") else 1.0
        self.dictionary, self.offset = (w["W_dec"].T / norms).T, w["b_dec"]
        self.encoder = w["W_enc"] * norms  # [d, m]
        self.bias = w["b_enc"] * norms
        if config["apply_b_dec_to_input"]:
            self.bias -= self.offset @ self.encoder
        self.threshold = w.get("threshold", 0.0)
        self.dropped = len(self.dictionary) - config["k"] if kind == "topk" else 0

    def encode(self, X: np.ndarray) -> np.ndarray:
        """Codes ≥ 0: of the k largest scores of a row, those above the threshold."""
        scores = X @ self.encoder + self.bias
        codes = np.maximum(scores, 0.0) * (scores > self.threshold)
        least = np.argpartition(scores, self.dropped, axis=1)[:, : self.dropped]
        np.put_along_axis(codes, least, 0.0, axis=1)
        return codes

    def decode(self, Z: np.ndarray) -> np.ndarray:
        return Z @ self.dictionary + self.offset


def load(run: str, names: Sequence[str]) -> dict[str, Coder]:
    """Stream name → coder of the folder `run`/name, as SAELens's `save_inference_model` wrote it."""
    coders = {}
    for name in names:
        config, weights = (Path(run, name, file) for file in ("cfg.json", "sae_weights.safetensors"))
        if not (config.is_file() and weights.is_file()):
            raise ValueError(f"{config.parent} holds no {config.name} and {weights.name}; pass the folder above them")
        coders[name] = Coder(json.loads(config.read_text(encoding="utf-8")), load_file(weights))
    return coders

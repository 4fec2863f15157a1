"""E8: scenes and captions as two towers see them that never saw a pair; translated by coders that saw some.

Our choices; pilot seeds 100 to 104 were looked at, and no others. The data seed draws rows; the towers stay the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from nonlinear.embeddings import towers
from nonlinear.embeddings.embedded import Embedded
from nonlinear.embeddings.kept import kept
from nonlinear.embeddings.scenes import ATTRIBUTES
from nonlinear.experiments.digits import METHODS, PER_BATCH, ROWS, TRAINING
from nonlinear.experiments.embedded import EmbeddedArm
from nonlinear.experiments.transfer import hits, linear_projectors, number_of, zero_shot
from nonlinear.intervench.coders import of_model
from nonlinear.model import Model

CONFIG: Mapping[str, Any] = {**TRAINING, "n_atoms": 128, "sparsity": 12}
# Known pairs; the towers have 64 dimensions.
COUNTS = (37, 148, 592, 4096)
UNSEEN = 1024
# The classes of the benchmark, and the attribute of which it is to be forgotten whether it has its first value.
CLASS, FORGET = "colour", "background"


@dataclass(frozen=True)
class SceneArm(EmbeddedArm):
    """An arm on scenes and captions. A further part: "transfer", see :meth:`transfer`.

    Examples
    --------
    >>> arm(37).name
    'scenes, TR+CC, 37 anchors'
    """

    @property
    def benchmark(self) -> Mapping[str, Any]:
        """Changes to the configuration of the benchmark: the task is to find the other half of a pair."""
        return {"faithfulness": "contrastive"}

    def embedded(self, seed: int, part: str) -> Embedded:
        """Rows, classes and attribute of "train", "validation", "test" or "unseen"."""
        found = _rows(seed, part, {"train": self.rows, "unseen": UNSEEN}.get(part, self.test_rows))
        classes, forget = (found["attributes"][:, list(ATTRIBUTES).index(name)] for name in (CLASS, FORGET))
        streams = {s: found[s] for s in ("image", "text")}
        return Embedded(streams, classes, forget > 0)

    def beside(self, model: Model, start: Model, seed: int, seed_index: int) -> dict[str, Any]:
        """Further numbers: of transfer with its nulls, and those of arms on other embeddings."""
        found = super().beside(model, start, seed, seed_index)
        if "transfer" in self.parts:
            found["transfer"], found["shuffled_transfer"] = self.transfer(model, seed, seed_index)
            found["untrained_transfer"], _ = self.transfer(start, seed, seed_index)
        return found

    @torch.no_grad()
    def transfer(self, model: Model, seed: int, seed_index: int) -> tuple[dict[str, float], dict[str, float]]:
        """Zero-shot accuracy and localisation on scenes of combinations that no pair showed.

        Returns
        -------
        dict
            ``coders``, ``ridge``, ``procrustes``: accuracy over the captions of all unseen combinations of the
            translated image embedding, the maps having seen the same pairs; ``caption``: of the scene's own caption.

            ``hits_codes``: share of scenes whose patch with the largest z_text·z_patch is covered by the object;
            ``hits_ridge``: by the inner product of the caption with the patch mapped by ridge; ``hits_chance``: covered
            share of the patches. ``pair_codes``, ``pair_ridge``, ``pair_chance``: the same among the patches of the
            scene and of another one beside it, where the other's object is a miss.
        dict
            The same, where every scene goes with another one's caption.
        """
        known = self.embedded(seed, "train").streams
        fresh = _rows(seed, "unseen", UNSEEN)
        anchors = self.config.get("anchors")
        maps = linear_projectors(known, self.rows if anchors is None else len(anchors))
        coders, centre = of_model(model, seed_index), known["text"].mean(0)
        maps["coders"] = lambda x: coders["text"].decode(coders["image"].encode(x))
        texts, combos = _candidates()
        patches, covered = fresh["patches"], fresh["covered"].astype(bool)
        flat, shape = patches.reshape(-1, patches.shape[-1]), patches.shape[:2]
        queries = {"codes": coders["text"].encode(fresh["text"]), "ridge": fresh["text"] - centre}
        keys = {"codes": coders["image"].encode(flat), "ridge": maps["ridge"](flat) - centre}

        def numbers(order: np.ndarray) -> dict[str, float]:
            truth = number_of(fresh["attributes"][order], combos)
            found = {name: zero_shot(f(fresh["image"]), texts, truth, centre) for name, f in maps.items()}
            found["caption"] = zero_shot(fresh["text"], texts, truth, centre)
            beside = np.roll(np.arange(len(order)), 2)
            both = np.concatenate([covered, np.zeros_like(covered)], 1)
            for name, query in queries.items():
                key = keys[name].reshape(*shape, -1)
                here, there = (np.einsum("npm,nm->np", k, query[order]) for k in (key, key[beside]))
                found[f"hits_{name}"] = hits(here, covered)
                found[f"pair_{name}"] = hits(np.concatenate([here, there], 1), both)
            return found | {"hits_chance": float(covered.mean()), "pair_chance": float(both.mean())}

        rows = np.arange(len(covered))
        return numbers(rows), numbers(np.roll(rows, 1))


def arm(count: int | None = None, row: str = "TR+CC", **config: Any) -> SceneArm:
    """Return the arm of a row of the tables, with a number of known pairs; None: all.

    Examples
    --------
    >>> arm(row="dTR").name
    'scenes, dTR'
    """
    fixed: dict[str, Any] = {**CONFIG, "weights": {"REC": 1.0, **ROWS[row]}, **config}
    name = f"scenes, {row}"
    if count is not None:
        fixed |= {"anchors": tuple(range(count)), "matched": min(count, PER_BATCH)}
        name += f", {count} anchors"
    return SceneArm(name, {"embeddings": "scenes"}, fixed, rows=4096, test_rows=1024, parts=("transfer",))


def grid() -> list[SceneArm]:
    """Return all rows, all numbers of pairs with and without laws, and the methods, each with its benchmark scores.

    Examples
    --------
    >>> len(grid())
    19
    """
    arms = [arm(row=row) for row in ROWS if row != "mixed"]
    arms += [arm(count, row) for count in COUNTS for row in ("TR+CC", "mixed")]
    for name, changes in METHODS.items():
        config = {**CONFIG, **changes}
        arms.append(replace(arms[0], name=f"scenes, {name}", config=config))
    return [replace(a, parts=("transfer", "linear_maps", "intervench")) for a in arms]


def _rows(seed: int, part: str, n: int) -> dict[str, np.ndarray]:
    """Rows of a part, kept on disk: a draw passes through both towers."""
    wants = part == "unseen"

    def compute() -> dict[str, np.ndarray]:
        found = towers.embedded(seed, part, n, patches=wants)
        arrays = {**found.streams, "attributes": found.attributes}
        if found.patches is not None and found.covered is not None:
            arrays |= {"patches": found.patches.astype(np.float32), "covered": found.covered.astype(np.uint8)}
        return arrays

    return kept("scene-rows", {"seed": seed, "part": part, "n": n}, compute)


def _candidates() -> tuple[np.ndarray, np.ndarray]:
    found = kept("scene-candidates", {}, lambda: dict(zip(("texts", "combos"), towers.candidates(), strict=True)))
    return found["texts"], found["combos"]

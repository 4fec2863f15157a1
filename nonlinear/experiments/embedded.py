"""Arms on real embeddings: the same systems, steps and measures as on generated data, on rows of trained networks."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from nonlinear.data import Array
from nonlinear.embeddings.digits import digits, halves
from nonlinear.embeddings.embedded import Embedded
from nonlinear.experiments.anchoring import linear_maps
from nonlinear.experiments.arms import Arm
from nonlinear.intervench.benchmark import intervench
from nonlinear.intervench.coders import joint_of_model, of_model
from nonlinear.intervench.config import Config
from nonlinear.model import Model

SOURCES = {"digits": digits, "halves": halves}
PARTS = "train", "validation", "test"
# Of the benchmark; its seed is that of the data.
BENCHMARK: Mapping[str, Any] = {"rows_per_class": 150, "resamples": 20}


@dataclass(frozen=True)
class EmbeddedArm(Arm):
    """An arm whose rows are embeddings; the data seed draws the networks, the images and their augmentation.

    ``data`` is {"embeddings": name}, a name of SOURCES. Further parts: "linear_maps", linear maps on the anchors alone;
    "intervench", the scores of the benchmark, which learns on the training images and measures on others.

    Examples
    --------
    >>> arm = EmbeddedArm("demo", {"embeddings": "halves"}, {"system": "sae"}, rows=64, test_rows=32)
    >>> arm.sample(0, test=True)["left"].dim, arm.labels(0).shape
    (50, (32, 10))
    """

    @property
    def benchmark(self) -> Mapping[str, Any]:
        """Changes to BENCHMARK."""
        return {}

    def embedded(self, seed: int, part: str) -> Embedded:
        """Rows, classes and attribute of "train", "validation" or "test"."""
        return SOURCES[self.data["embeddings"]](seed, part, self.rows if part == "train" else self.test_rows)

    def sample(self, seed: int, *, test: bool = False) -> dict[str, Array]:
        """Rows of every stream to train on, or to measure on."""
        return _arrays(self.embedded(seed, "test" if test else "train").streams)

    def validation(self, seed: int) -> dict[str, Array]:
        """Rows of every stream by which a configuration may be chosen."""
        return _arrays(self.embedded(seed, "validation").streams)

    def labels(self, seed: int) -> np.ndarray:
        """Classes of the points to measure on [n, C], true where it is theirs."""
        return _one_hot(self.embedded(seed, "test").labels)

    def latents(self, seed: int) -> np.ndarray:
        """Classes of the points to train on [n, C], true where it is theirs."""
        return _one_hot(self.embedded(seed, "train").labels)

    def beside(self, model: Model, start: Model, seed: int, seed_index: int) -> dict[str, Any]:
        """Linear maps on the anchors alone, and scores of the benchmark, where they are among the parts."""
        found: dict[str, Any] = {}
        if "linear_maps" in self.parts:
            known, fresh = (self.embedded(seed, part).streams for part in ("train", "test"))
            anchors = self.config.get("anchors")
            found["linear_maps"] = linear_maps(known, fresh, self.rows if anchors is None else len(anchors))
        if "intervench" in self.parts:
            found["scores"] = self._scores(model, seed, seed_index, None)
            if (joint := joint_of_model(model, seed_index)) is not None:
                found["shared_scores"] = self._scores(model, seed, seed_index, joint)
        return found

    def _scores(self, model: Model, seed: int, seed_index: int, joint: Any) -> dict[str, Any]:
        parts = [self.embedded(seed, part) for part in PARTS]
        edges = np.cumsum([0, *(len(p.labels) for p in parts)])
        document = intervench(
            _arrays({s: np.concatenate([p.streams[s] for p in parts]) for s in parts[0].streams}),
            of_model(model, seed_index),
            np.concatenate([p.labels for p in parts]),
            Config(seed=seed, **{**BENCHMARK, **self.benchmark}),
            forget=np.concatenate([p.attribute for p in parts]).astype(int),
            joint=joint,
            split={name: np.arange(a, b) for name, (a, b) in zip(PARTS, pairwise(edges), strict=True)},
            baselines=False,
        )
        return {name: s["value"] for name, s in document["aggregates"].items()} | {
            metric: {
                "diagonal": float(np.mean([row[i]["gated"] for i, row in rows.items()])),
                "off": float(np.mean([e["gated"] for i, row in rows.items() for j, e in row.items() if i != j])),
            }
            for metric, rows in document["metrics"].items()
        }


def _arrays(streams: Mapping[str, np.ndarray]) -> dict[str, Array]:
    return {s: Array(x, s) for s, x in streams.items()}


def _one_hot(labels: np.ndarray) -> np.ndarray:
    return np.eye(int(labels.max()) + 1, dtype=bool)[labels]

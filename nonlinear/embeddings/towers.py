"""Scenes and captions as two networks see them that never saw an attribute, nor a caption beside its scene.

The image tower restores scenes from noise, the text tower masked words from the rest of the caption. Each is trained on
rows of all combinations, drawn independently of the other's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from nonlinear.embeddings.captions import canonical, captions, tokenise
from nonlinear.embeddings.kept import Arrays, kept
from nonlinear.embeddings.scene_networks import (
    IMAGE_SCHEDULE,
    TEXT_SCHEDULE,
    embed_captions,
    embed_patches,
    train_image_tower,
    train_text_tower,
)
from nonlinear.embeddings.scenes import ATTRIBUTES, combinations, draw
from nonlinear.random_rows import BLOCK, check_seed, rows, stream_of
from theory.linalg import one_thread

TOWER_SEED, TOWER_ROWS = 0, 16384
# Keys of the random streams; a part draws from the combinations beside its key.
IMAGES, CAPTIONS = 0, 1
PARTS = {"train": (2, "seen"), "validation": (3, "seen"), "test": (4, "seen"), "unseen": (5, "unseen")}


@dataclass(frozen=True, eq=False)
class Scenes:
    """Embeddings of scenes and of their captions; row r of every array is scene r.

    Attributes
    ----------
    streams
        "image" and "text" → [n, 64], float32.
    attributes
        [n, 6] of int64, the combinations.
    patches
        Embeddings of the patches [n, 36, 64], float32, whose mean is the image's, or None.
    covered
        Whether the object covers a patch [n, 36], or None; see `scenes.draw`.

    Examples
    --------
    >>> streams = {s: np.zeros((2, 64), np.float32) for s in ("image", "text")}
    >>> scenes = Scenes(streams, combinations()[:2], None, None)
    >>> [list(ATTRIBUTES.values())[0][value] for value in scenes.attributes[:, 0]]
    ['square', 'square']
    """

    streams: Mapping[str, np.ndarray]
    attributes: np.ndarray
    patches: np.ndarray | None
    covered: np.ndarray | None


def embedded(seed: int, part: str, n: int, *, patches: bool = False, tower_seed: int = TOWER_SEED) -> Scenes:
    """Pairs of a scene and its caption, embedded; fewer rows of the same seed are a prefix of more.

    Parameters
    ----------
    seed
        Of the rows.
    part
        "train", "validation" and "test" draw from the seen combinations, "unseen" from those that no other part shows.
    n
        Number of pairs.
    patches
        Whether to return the patches, too: 9 kB a row.
    tower_seed
        Of the towers. Their first use trains them for a minute; then they are kept on disk.

    Raises
    ------
    ValueError
        No such part, or n < 1.

    Examples
    --------
    >>> scenes = embedded(0, "unseen", 3, patches=True)
    >>> bool(np.allclose(scenes.patches.mean(axis=1), scenes.streams["image"], rtol=0, atol=1e-5))
    True
    """
    if part not in PARTS:
        raise ValueError(f"there is no part {part!r} of the scenes; use one of {', '.join(PARTS)}")
    key, share = PARTS[part]
    every, (image, text) = combinations(share), _towers(tower_seed)

    def block(number: int) -> Arrays:
        rng = stream_of(seed, key, number)
        combos = every[rng.integers(len(every), size=BLOCK)]
        images, covered = draw(combos, rng)
        parts = embed_patches(image, images)
        read = embed_captions(text, tokenise(captions(combos, rng)))
        found = {"image": parts.mean(axis=1), "text": read, "attributes": combos}
        return found | ({"patches": parts, "covered": covered} if patches else {})

    found = rows(n, block)
    streams = {name: found[name] for name in ("image", "text")}
    return Scenes(streams, found["attributes"], found.get("patches"), found.get("covered"))


def candidates(tower_seed: int = TOWER_SEED) -> tuple[np.ndarray, np.ndarray]:
    """Caption embeddings [216, 64] of the unseen combinations, means over all templates, and the combinations [216, 6].

    Examples
    --------
    >>> [a.shape for a in candidates()]
    [(216, 64), (216, 6)]
    """
    combos = combinations("unseen")
    texts = [canonical(combo) for combo in combos]
    found = embed_captions(_towers(tower_seed)[1], tokenise([text for those in texts for text in those]))
    return found.reshape(len(combos), len(texts[0]), -1).mean(axis=1), combos


def ceiling(
    seed: int = 0, n: int = 4096, part: str = "test", tower_seed: int = TOWER_SEED
) -> dict[str, dict[str, float]]:
    """Stream → attribute → accuracy of a linear probe of the embeddings: what a translation can at best carry over.

    Parameters
    ----------
    seed, n, tower_seed
        As for `embedded`: n rows of "train" fit the probes, n of the part are classified.
    part
        Where to measure.

    Examples
    --------
    >>> ceiling(n=64)["text"]["size"] > 0.5
    True
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    fitted, held = (embedded(seed, p, n, tower_seed=tower_seed) for p in ("train", part))
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))

    def accuracy(stream: str, j: int) -> float:
        known = probe.fit(fitted.streams[stream], fitted.attributes[:, j])
        return float(known.score(held.streams[stream], held.attributes[:, j]))

    with one_thread(BLOCK):
        return {stream: {name: accuracy(stream, j) for j, name in enumerate(ATTRIBUTES)} for stream in fitted.streams}


@cache
def _towers(seed: int) -> tuple[Arrays, Arrays]:
    """States of both towers; neither depends on the other's rows."""
    settings = {"seed": check_seed(seed)}
    return (
        kept("scenes-image", settings, lambda: train_image_tower(_material(seed, IMAGES), seed, *IMAGE_SCHEDULE)),
        kept("scenes-text", settings, lambda: train_text_tower(_material(seed, CAPTIONS), seed, *TEXT_SCHEDULE)),
    )


def _material(seed: int, key: int) -> np.ndarray:
    """Images, or captions as numbers, of random combinations."""
    every = combinations()

    def block(number: int) -> Arrays:
        rng = stream_of(seed, key, number)
        combos = every[rng.integers(len(every), size=BLOCK)]
        return {"x": draw(combos, rng)[0] if key == IMAGES else tokenise(captions(combos, rng))}

    return rows(TOWER_ROWS, block)["x"]

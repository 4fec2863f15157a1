"""Rendered scenes: one to three copies of a shape, of which six attributes are known, on a plain ground.

A scene has 24 × 24 pixels in RGB. A caption may name its attributes; the exact position, tint and brightness and the
noise of the pixels are nuisance, which no caption tells.
"""

from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from nonlinear.random_rows import stream_of

# Attribute → its values, in the order of the columns of a combination.
ATTRIBUTES = {
    "shape": ("square", "triangle", "cross", "ring"),
    "colour": ("red", "green", "blue", "yellow", "purple"),
    "size": ("small", "large"),
    "count": ("one", "two", "three"),
    "place": ("top-left", "top-right", "bottom-left", "bottom-right"),
    "background": ("dark", "grey", "light"),
}
PIXELS, PATCHES = 24, 6
PARTS = ("seen", "unseen")
UNSEEN_SHARE, SPLIT_SEED = 0.15, 15

COLOURS = np.array([(0.9, 0.1, 0.1), (0.1, 0.7, 0.15), (0.15, 0.25, 0.95), (0.95, 0.85, 0.1), (0.65, 0.1, 0.7)])
GROUNDS = np.array([0.05, 0.4, 0.75])
RADII = np.array([2.2, 3.2])
CENTRES = np.array([(6.5, 6.5), (17.5, 6.5), (6.5, 17.5), (17.5, 17.5)])  # x to the right, y down
# Count → centres of the copies about the place; apart enough that two large ones do not overlap.
COPIES = (((0, 0),), ((-3, 0), (3, 0)), ((-3, 2.6), (3, 2.6), (0, -2.6)))
JITTER, TINT, SHADE, NOISE = 0.5, 0.05, 0.05, 0.02


def combinations(part: str | None = None) -> np.ndarray:
    """Combinations [k, 6] of the attributes' values, as numbers; a fixed random 15 % are "unseen".

    Parameters
    ----------
    part
        "seen", "unseen", or None for all 1440.

    Raises
    ------
    ValueError
        No such part.

    Examples
    --------
    >>> [len(combinations(part)) for part in (None, "seen", "unseen")]
    [1440, 1224, 216]
    >>> [values[i] for values, i in zip(ATTRIBUTES.values(), combinations()[-1])]
    ['ring', 'purple', 'large', 'three', 'bottom-right', 'light']
    """
    every = np.array(list(product(*(range(len(values)) for values in ATTRIBUTES.values()))))
    if part is None:
        return every
    if part not in PARTS:
        raise ValueError(f"there is no part {part!r} of the combinations; use one of {', '.join(PARTS)}, or None")
    unseen = np.zeros(len(every), dtype=bool)
    unseen[stream_of(SPLIT_SEED).permutation(len(every))[: round(UNSEEN_SHARE * len(every))]] = True
    return every[unseen == (part == "unseen")]


def check_combinations(combos: ArrayLike) -> np.ndarray:
    """Return combinations [n, 6] as int64, or raise ValueError.

    Examples
    --------
    >>> check_combinations([(0, 0, 2, 0, 0, 0)])
    Traceback (most recent call last):
    ValueError: a combination is 6 whole numbers from 0 to [3, 4, 1, 2, 3, 2]; take rows of `combinations`
    """
    found, last = np.asarray(combos), [len(values) - 1 for values in ATTRIBUTES.values()]
    if found.dtype.kind in "iu" and found.ndim == 2 and found.shape[1] == len(last):
        if ((found >= 0) & (found <= last)).all():
            return found.astype(np.int64)
    raise ValueError(f"a combination is {len(last)} whole numbers from 0 to {last}; take rows of `combinations`")


def draw(combos: ArrayLike, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Render one image of each combination.

    Parameters
    ----------
    combos
        [n, 6] of whole numbers, see `combinations`.
    rng
        Draws the nuisance: the copies move together by up to half a pixel in x and y, their colour by up to .05 per
        channel, the grey of the ground by up to .05, and pixels have Gaussian noise of standard deviation .02.

    Returns
    -------
    images
        [n, 24, 24, 3] of float32, rows from the top; about [0, 1], not clipped.
    covered
        [n, 36] of bool: whether the centre of at least one pixel of the patch lies in a copy; patches of 4 × 4 pixels,
        row by row.

    Raises
    ------
    ValueError
        Not [n, 6], or a value out of range.

    Examples
    --------
    >>> images, covered = draw([(0, 0, 1, 0, 3, 0)], np.random.default_rng(0))  # one large red square, bottom right
    >>> images.shape, images[0, 18, 18].argmax()
    ((1, 24, 24, 3), np.int64(0))
    >>> np.argwhere(covered[0].reshape(6, 6)).min(axis=0)
    array([3, 3])
    """
    combos = check_combinations(combos)
    shape, colour, size, count, place, ground = combos.T
    n = len(combos)
    offsets = np.full((len(COPIES), len(COPIES), 2), np.inf)  # a copy at infinity is not there
    for number, copies in enumerate(COPIES):
        offsets[number, : len(copies)] = copies
    centres = CENTRES[place][:, None] + offsets[count] + rng.uniform(-JITTER, JITTER, (n, 1, 2))
    tint = COLOURS[colour] + rng.uniform(-TINT, TINT, (n, 3))
    level = GROUNDS[ground] + rng.uniform(-SHADE, SHADE, n)
    inside = _inside(shape, RADII[size], centres)[..., None]
    clean = inside * tint[:, None, None] + (1 - inside) * level[:, None, None, None]
    images = (clean + NOISE * rng.standard_normal(clean.shape)).astype(np.float32)
    side = PIXELS // PATCHES
    covered = (inside > 0.5).reshape(n, PATCHES, side, PATCHES, side).any(axis=(2, 4))
    return images, covered.reshape(n, -1)


def _inside(shape: np.ndarray, radius: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Share [n, y, x] of each pixel that copies cover, from the signed distance of its centre to the nearest border."""
    grid = np.arange(PIXELS) + 0.5
    r = radius[:, None, None]
    found = np.zeros((len(shape), PIXELS, PIXELS))
    for copy in range(centres.shape[1]):
        there = np.flatnonzero(np.isfinite(centres[:, copy, 0]))
        u = np.abs(grid[None, None, :] - centres[there, copy, 0, None, None])
        v = grid[None, :, None] - centres[there, copy, 1, None, None]
        for number, name in enumerate(ATTRIBUTES["shape"]):
            rows = shape[there] == number
            distance = _DISTANCES[name](u[rows], v[rows], r[there[rows]])
            found[there[rows]] = np.maximum(found[there[rows]], np.clip(0.5 - distance, 0, 1))
    return found


def _cross(u, v, r):
    v, arm = np.abs(v), 0.35 * r
    return np.minimum(np.maximum(u - r, v - arm), np.maximum(u - arm, v - r))


# Shape → signed distance from |x|, y and the radius, negative inside (near the border, which is all that matters).
_DISTANCES = {
    "square": lambda u, v, r: np.maximum(u, np.abs(v)) - 0.9 * r,
    "triangle": lambda u, v, r: np.maximum(v - 0.8 * r, (1.8 * u - v - r) / np.hypot(1.8, 1)),
    "cross": _cross,
    "ring": lambda u, v, r: np.abs(np.hypot(u, v) - 0.7 * r) - 0.3 * r,
}

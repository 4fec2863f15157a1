"""scikit-learn's digits, seen by two small networks and as left and right halves.

The 1797 images are split once. A row is a draw of one image of its part: moved by up to half a pixel each way within a
frame of 10×10 pixels, half the time with a bright bar along the top of the frame, then brighter or darker, then with
noise. The bar is the attribute to forget: it is drawn apart from the image, and lies in both halves.
"""

from collections.abc import Callable
from functools import cache, partial

import numpy as np

from nonlinear.embeddings.digit_networks import FRAME, Batch, embed, weights
from nonlinear.embeddings.embedded import Embedded
from nonlinear.embeddings.kept import kept
from nonlinear.random_rows import BLOCK, check_seed, rows, stream_of, whole

# Of six images of a class in a row, four are for training, one for validation, one for tests.
PARTS = {"train": (0, 1, 2, 3), "validation": (4,), "test": (5,)}
NETWORKS = ("mlp", "cnn")
# Keys of the random streams: of the rows, and of what the networks are trained on.
ROWS, LESSONS = range(2)
# In pixels: by a whole one, a linear probe of a half would tell few digits apart.
MOVE = 0.5
# Pixels lie between 0 and 1; the bar is as bright as the brightest of them.
BRIGHTNESS, NOISE = (0.75, 1.25), 0.05


def digits(seed: int, part: str, n: int) -> Embedded:
    """Rows of a part of the digits as "mlp" [n, 48] and "cnn" [n, 64] see them.

    Parameters
    ----------
    seed
        Of the rows, and of the networks: each seed has two of its own. They are trained at the first use and then kept.
    part
        "train", "validation" or "test": disjoint sets of images, the same for all seeds. The networks are trained on
        draws of "train" that are none of the rows.
    n
        Number of rows; fewer are a prefix of more, bit by bit.

    Raises
    ------
    ValueError
        An unknown part, or no row, or a seed that is no whole number ≥ 0.

    Examples
    --------
    >>> seen = digits(0, "test", 2)
    >>> [(name, x.shape) for name, x in seen.streams.items()], seen.labels.shape
    ([('mlp', (2, 48)), ('cnn', (2, 64))], (2,))
    """
    seed = _check(seed, part, n)
    known = {
        name: kept(f"digits-{name}", {"seed": seed}, partial(weights, name, partial(_lesson, seed, number), seed))
        for number, name in enumerate(NETWORKS)
    }
    return _embedded(seed, part, n, lambda shown: {name: embed(name, w, shown) for name, w in known.items()})


def halves(seed: int, part: str, n: int) -> Embedded:
    """Rows of a part of the digits as "left" and "right" halves [n, 50], pixels; the same points as of `digits`.

    Parameters and errors are those of `digits`.

    Examples
    --------
    >>> seen = halves(0, "train", 500)
    >>> [(name, x.shape) for name, x in seen.streams.items()]
    [('left', (500, 50)), ('right', (500, 50))]
    >>> bar = seen.streams["left"][:, :5].mean(axis=1)  # the top row
    >>> bool(bar[seen.attribute].min() > 0.5 > np.median(bar[~seen.attribute]))
    True
    """
    seed = _check(seed, part, n)
    half = FRAME // 2
    sides = {"left": np.s_[:, :, :half], "right": np.s_[:, :, half:]}
    return _embedded(seed, part, n, lambda shown: {s: shown[cut].reshape(len(shown), -1) for s, cut in sides.items()})


@cache
def images(part: str) -> tuple[np.ndarray, np.ndarray]:
    """Images of a part [n, 8, 8] with pixels in [0, 1], and their classes [n].

    Examples
    --------
    >>> [len(images(part)[1]) for part in PARTS]
    [1204, 297, 296]
    """
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    place = np.empty(len(labels), dtype=int)
    for c in np.unique(labels):
        place[labels == c] = np.arange((labels == c).sum()) % 6
    chosen = np.isin(place, PARTS[part])
    return pixels[chosen].reshape(-1, 8, 8) / 16, labels[chosen].astype(np.int64)


def _check(seed: int, part: str, n: int) -> int:
    whole("n", n)
    if part not in PARTS:
        raise ValueError(f"part is {part!r}; use one of {', '.join(PARTS)}")
    return check_seed(seed)


def _embedded(seed: int, part: str, n: int, view: Callable[[np.ndarray], dict[str, np.ndarray]]) -> Embedded:
    def block(number: int) -> dict[tuple[str, ...], np.ndarray]:
        batch, bar = _draw(stream_of(seed, ROWS, list(PARTS).index(part), number), part)
        streams = {("stream", name): x for name, x in view(batch.shown).items()}
        return {("labels",): batch.labels, ("attribute",): bar, **streams}

    found = rows(n, block)
    labels, bar = found.pop(("labels",)), found.pop(("attribute",))
    return Embedded({name: x for (_, name), x in found.items()}, labels, bar)


def _lesson(seed: int, network: int, number: int) -> Batch:
    return _draw(stream_of(seed, LESSONS, network, number), "train")[0]


def _draw(rng: np.random.Generator, part: str) -> tuple[Batch, np.ndarray]:
    """Draw a block of rows, and which of them have the bar."""
    base, labels = images(part)
    chosen = rng.integers(len(base), size=BLOCK)
    clean = np.pad(base[chosen], ((0, 0), (1, 1), (1, 1)))
    for axis, move in zip((1, 2), rng.uniform(-MOVE, MOVE, size=(2, BLOCK, 1, 1)), strict=True):
        near = np.where(move > 0, np.roll(clean, 1, axis), np.roll(clean, -1, axis))
        clean += abs(move) * (near - clean)
    bar = rng.random(BLOCK) < 0.5
    clean[bar, 0] = 1
    clean *= rng.uniform(*BRIGHTNESS, size=(BLOCK, 1, 1))
    shown = clean + NOISE * rng.standard_normal(clean.shape)
    return Batch(shown.astype(np.float32), clean.astype(np.float32), labels[chosen]), bar

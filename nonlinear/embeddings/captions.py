"""Captions of scenes in a language of some eighty words; every attribute is said twice, in different words."""

from collections.abc import Sequence
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from nonlinear.embeddings.scenes import ATTRIBUTES, check_combinations

# Attribute → value → its words. No word belongs to two values, hence a caption can be read back.
WORDS = {
    "shape": {
        "square": ("square", "box"),
        "triangle": ("triangle", "wedge"),
        "cross": ("cross", "plus"),
        "ring": ("ring", "hoop"),
    },
    "colour": {
        "red": ("red", "crimson", "scarlet"),
        "green": ("green", "emerald", "verdant"),
        "blue": ("blue", "azure", "cobalt"),
        "yellow": ("yellow", "golden", "lemon"),
        "purple": ("purple", "violet", "mauve"),
    },
    "size": {"small": ("small", "little", "tiny"), "large": ("large", "big", "huge")},
    "count": {"one": ("one", "single"), "two": ("two", "twin"), "three": ("three", "triple")},
    "place": {
        "top-left": ("top-left", "northwest"),
        "top-right": ("top-right", "northeast"),
        "bottom-left": ("bottom-left", "southwest"),
        "bottom-right": ("bottom-right", "southeast"),
    },
    "background": {"dark": ("dark", "black"), "grey": ("grey", "dull"), "light": ("light", "pale")},
}
FIRST = (
    "{count} {size} {colour} {shape} in the {place} on a {background} ground",
    "on a {background} ground there is in the {place} {count} {size} {colour} {shape}",
    "a {background} picture with {count} {colour} {shape} of {size} size in the {place}",
)
SECOND = (
    "that is {count} {shape} , {size} and {colour} , {place} of a {background} field",
    "so the {place} of this {background} field shows {size} {colour} {shape} , {count} in number",
    "thus {count} {colour} and {size} {shape} {place} on {background}",
)
TEMPLATES = tuple(" ; ".join(both) for both in product(FIRST, SECOND))
LENGTH = max(len(template.split()) for template in TEMPLATES)
PADDING, MASK = 0, 1


def captions(combos: ArrayLike, rng: np.random.Generator) -> list[str]:
    """One caption of each combination [n, 6], by a random template; its clauses use two different words of each value.

    Examples
    --------
    >>> for clause in captions([(0, 0, 1, 2, 3, 0)], np.random.default_rng(1))[0].split(" ; "):
    ...     print(clause)
    on a black ground there is in the bottom-right three big scarlet boxes
    so the southeast of this dark field shows large red squares , triple in number
    """
    combos = check_combinations(combos)
    template = rng.integers(len(TEMPLATES), size=len(combos))
    draws = rng.random((len(combos), len(ATTRIBUTES), 2))
    return [_caption(c, TEMPLATES[t], d) for c, t, d in zip(combos, template, draws, strict=True)]


def canonical(combo: Sequence[int]) -> list[str]:
    """Captions of one combination, one by each template, with the first word of each value first.

    Examples
    --------
    >>> canonical((0, 0, 1, 0, 3, 0))[2]
    'one large red square in the bottom-right on a dark ground ; thus single crimson and big box southeast on black'
    """
    (values,) = check_combinations([combo])
    return [_caption(values, template, np.zeros((len(ATTRIBUTES), 2))) for template in TEMPLATES]


def parse(caption: str) -> tuple[int, ...]:
    """Combination that a caption names.

    Raises
    ------
    ValueError
        An attribute has no word, or words of two values.

    Examples
    --------
    >>> parse("twin tiny golden boxes northwest of a pale field")
    (0, 3, 0, 1, 0, 2)
    """
    said = {_meanings()[word] for word in caption.split() if word in _meanings()}
    if sorted(name for name, _ in said) != sorted(WORDS):
        raise ValueError(f"{caption!r} does not name one value of each attribute; pass the caption of one scene")
    return tuple(dict(said)[name] for name in WORDS)


def tokenise(texts: Sequence[str]) -> np.ndarray:
    """Numbers [n, LENGTH] of the words of captions, int64; 0 is padding at the end, 1 stands for a masked word.

    Raises
    ------
    ValueError
        A word outside the vocabulary, or more than LENGTH words.

    Examples
    --------
    >>> tokenise(["one tiny box", "box"])[:, :4]
    array([[41, 66, 12,  0],
           [12,  0,  0,  0]])
    """
    numbers = np.full((len(texts), LENGTH), PADDING)
    for row, text in zip(numbers, texts, strict=True):
        words = text.split()
        if unknown := [word for word in words if word not in vocabulary()]:
            raise ValueError(f"no caption has the word {unknown[0]!r}; use the words of `vocabulary`")
        if len(words) > LENGTH:
            raise ValueError(f"{text!r} has more than {LENGTH} words; pass shorter captions")
        row[: len(words)] = [vocabulary()[word] for word in words]
    return numbers


@cache
def vocabulary() -> dict[str, int]:
    """Word → its number, from 2.

    Examples
    --------
    >>> len(vocabulary())
    78
    """
    spoken = {word for template in TEMPLATES for word in template.split() if "{" not in word} | set(_meanings())
    return {word: number for number, word in enumerate(sorted(spoken), start=MASK + 1)}


@cache
def _meanings() -> dict[str, tuple[str, int]]:
    return {
        form: (name, number)
        for name, values in WORDS.items()
        for number, words in enumerate(values.values())
        for word in words
        for form in ((word, _plural(word)) if name == "shape" else (word,))
    }


def _plural(word: str) -> str:
    return word + ("es" if word.endswith(("s", "x")) else "s")


def _caption(combo: Sequence[int], template: str, draws: np.ndarray) -> str:
    """Caption by numbers [6, 2] in [0, 1): which word the first clause takes, and which other one the second."""
    first, second = {}, {}
    for (name, values), value, (a, b) in zip(WORDS.items(), combo, draws, strict=True):
        words = list(values.values())[value]
        if name == "shape" and combo[list(WORDS).index("count")]:
            words = [_plural(word) for word in words]
        one = int(a * len(words))
        other = one + 1 + int(b * (len(words) - 1))
        first[name], second[name] = words[one], words[other % len(words)]
    clauses = template.split(" ; ")
    return f"{clauses[0].format(**first)} ; {clauses[1].format(**second)}"

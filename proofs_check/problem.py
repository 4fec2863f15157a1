"""A claim about matrices as data, its value on numbers, and what a certificate says where hypotheses hold nearly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from math import prod
from operator import matmul
from typing import Any

from proofs_check.algebra import Letter, Poly, Scalars, Step, Word, check


@dataclass(frozen=True)
class Problem:
    """The claim left = right under named hypotheses h = 0, all polynomials; scalar sides make it a claim about traces.

    Parameters
    ----------
    name
        File name of the stored certificate, for instance ``L1-pythagoras``.
    hypotheses
        Name → polynomial that vanishes.
    left, right
        The two sides, over the same spaces.
    identity
        Declares that the two sides agree without any hypothesis.

    Raises
    ------
    TypeError
        If the sides do not fit, or one name is used for two different things.

    Examples
    --------
    >>> from proofs_check.algebra import letter
    >>> Q, u = letter("Q", "k", "k"), letter("u", "k", "n")
    >>> problem = Problem("isometry", {"orthogonal": Q.T * Q - 1}, u.T * Q.T * Q * u, u.T * u)
    >>> [x.name for x in problem.letters], problem.kind
    (['Q', 'u'], 'matrix')

    """

    name: str
    hypotheses: Mapping[str, Poly]
    left: Poly
    right: Poly
    identity: bool = False

    def __post_init__(self):
        names = [*(x.name for x in self.letters), *self.scalars, *self.hypotheses]
        repeated = {n for n in names if names.count(n) > 1}
        if repeated or (self.left.row, self.left.column) != (self.right.row, self.right.column):
            raise TypeError(f"{self.name}: sides that do not fit, or names with two meanings: {sorted(repeated)}")

    @property
    def goal(self) -> Poly:
        """What has to vanish: left − right."""
        return self.left - self.right

    @property
    def kind(self) -> str:
        """``trace`` if the sides are scalars, ``matrix`` otherwise."""
        return "trace" if self.left.row == "1" else "matrix"

    @property
    def _symbols(self) -> set[Any]:
        monomials = [m for p in (self.left, self.right, *self.hypotheses.values()) for m in p.terms]
        factors = [x for scalars, word in monomials for x in (*scalars, word)]
        return {x for f in factors for x in ((f,) if isinstance(f, str) else f)}

    @property
    def letters(self) -> list[Letter]:
        """The matrix symbols in use, untransposed, by name."""
        return sorted({x.T if x.star else x for x in self._symbols if isinstance(x, Letter)})

    @property
    def scalars(self) -> list[str]:
        """The parameters in use, dimensions among them."""
        return sorted(x for x in self._symbols if isinstance(x, str))

    def accepts(self, steps: Iterable[Step]) -> bool:
        """Whether the trusted checker accepts the certificate."""
        return check(self.goal, self.hypotheses, steps, self.identity)

    def with_dimensions(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of letters and parameters together with ``dim k`` of every space, read off the shapes."""
        shapes = [(s, n) for x in self.letters for s, n in zip((x.row, x.column), values[x.name].shape, strict=True)]
        clash = {s for s, n in shapes for t, m in shapes if s == t and n != m}
        if clash:
            raise ValueError(f"{self.name}: the matrices give several dimensions to {sorted(clash)}")
        return {**values, **{f"dim {s}": n for s, n in shapes}}


def evaluate(p: Poly, values: Mapping[str, Any], eye: Callable[[Any], Any]) -> Any:
    """Return p on matrices (anything with ``@``, ``.T`` and ``.trace()``) and numbers, ``dim k`` among them.

    The zero polynomial gives the number 0, whatever its spaces.

    Examples
    --------
    >>> import numpy as np
    >>> from proofs_check.algebra import letter
    >>> W = letter("W", "x", "k")
    >>> evaluate(W.T * W - 1, {"W": np.array([[3.0], [4.0]]), "dim k": 1}, np.eye)
    array([[24.]])

    """

    def matrix(word: Word) -> Any:
        return reduce(matmul, (values[x.name].T if x.star else values[x.name] for x in word))

    def term(scalars: Scalars, word: Word, c: Fraction | int) -> Any:
        factor = prod((values[s] if isinstance(s, str) else matrix(s).trace() for s in scalars), start=c)
        if p.row == "1":
            return factor
        product = matrix(word) if word else eye(values[f"dim {p.row}"])
        # NumPy would turn an array times a Fraction into an array of objects
        return product * factor.numerator / factor.denominator if isinstance(factor, Fraction) else product * factor

    return sum(term(s, w, c) for (s, w), c in p.terms.items())


def bound(steps: Iterable[Step], residuals: Mapping[str, float], norms: Mapping[Any, float]) -> float:
    """Return Σ |c|·|s|·‖a‖·‖h‖·‖b‖ ≥ ‖goal‖: a certificate says how the claim degrades when h = 0 holds only nearly.

    Parameters
    ----------
    steps
        The certificate.
    residuals
        Norms of the hypotheses: the nuclear norm if the claim is a trace, else any unitarily invariant one, which is
        then the norm of the bound too. Of a scalar hypothesis, the norm of h·1 over the largest space.
    norms
        Spectral norms of the letters, absolute values of the parameters (and of trace words, where they occur).

    Returns
    -------
    float
        The bound on the norm, or on the absolute value, of left − right.

    Examples
    --------
    >>> steps = [(Fraction(2), (), (), "orthogonal", False, ())]
    >>> bound(steps, {"orthogonal": 0.25}, {})
    0.5
    """
    return sum(
        float(abs(c)) * residuals[name] * prod(norms[x] for x in scalars) * prod(norms[x.name] for x in (*a, *b))
        for c, scalars, a, name, _, b in steps
    )

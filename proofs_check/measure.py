"""A claim measured on matrices: residuals beside their rounding error, and the bound that its certificate implies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod
from typing import Any, NamedTuple

import numpy as np

from proofs_check.algebra import Poly, Step
from proofs_check.problem import Problem, bound, evaluate
from theory.linalg import tolerance


class Residual(NamedTuple):
    """Frobenius norm of a polynomial's value, and the rounding error expected of a zero.

    Examples
    --------
    >>> Residual(value=3.0, tolerance=2.0).ratio, Residual(0.0, 0.0).ratio
    (1.5, 0.0)
    """

    value: float
    tolerance: float

    @property
    def ratio(self) -> float:
        """Value over tolerance: above 1 the polynomial does not vanish."""
        return self.value / self.tolerance if self.tolerance else float("inf") if self.value else 0.0


def residual(p: Poly, values: Mapping[str, Any]) -> Residual:
    """Evaluate p on matrices, parameters and ``dim k``.

    Examples
    --------
    >>> from proofs_check.algebra import letter
    >>> Q = letter("Q", "k", "k")
    >>> small, eps = residual(Q.T * Q - 1, {"Q": np.array([[0.6, 0.8], [-0.8, 0.6]]), "dim k": 2})
    >>> small <= eps < 1e-12
    True
    """
    norms: dict[Any, float] = {name: float(np.linalg.norm(v)) for name, v in values.items()}
    sizes = [
        abs(float(c)) * prod(norms[s] if isinstance(s, str) else _size(s, norms) for s in scalars) * _size(word, norms)
        for (scalars, word), c in p.terms.items()
    ]
    identity = norms.get(f"dim {p.row}", 1.0) ** 0.5
    largest = max((max(np.shape(v), default=1) for v in values.values()), default=1)
    value = float(np.linalg.norm(evaluate(p, values, np.eye)))
    return Residual(value, tolerance(identity * sum(sizes), largest))


def _size(word, norms: Mapping[str, float]) -> float:
    return prod(norms[x.name] for x in word)


def degradation(problem: Problem, steps: Iterable[Step], values: Mapping[str, Any]) -> float:
    """Return the certificate's bound on ‖left − right‖_F (on its absolute value for traces) for these matrices.

    Parameters
    ----------
    problem, steps
        A claim and its certificate.
    values
        Any matrices and parameters, also such as break the hypotheses.

    Examples
    --------
    >>> from proofs_check.problems import CASES
    >>> from proofs_check.search import search
    >>> case = CASES["L4-readout"]
    >>> degradation(case.problem, search(case.problem).steps, case.members(np.random.default_rng(0))) < 1e-9
    True
    """
    full = problem.with_dimensions(values)
    spaces = [n for name, n in full.items() if name.startswith("dim ")]

    def size(h: Poly) -> float:
        value = np.atleast_2d(evaluate(h, full, np.eye))
        singular = np.linalg.svd(value * np.eye(max(spaces)) if h.row == "1" else value, compute_uv=False)
        return float(singular.sum() if problem.kind == "trace" else np.linalg.norm(singular))

    residuals = {name: size(h) for name, h in problem.hypotheses.items()}
    steps = list(steps)
    norms: dict[Any, float] = {name: float(np.linalg.norm(v, 2) if np.ndim(v) else abs(v)) for name, v in full.items()}
    traces = {s for step in steps for s in step[1] if not isinstance(s, str)}
    norms |= {word: abs(evaluate(Poly("1", "1", {((word,), ()): 1}), full, np.eye)) for word in traces}
    return bound(steps, residuals, norms)

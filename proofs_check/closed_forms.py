"""The closed forms of the linear lemmas as pairs of linear coders that can be tried on held-out rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from theory import similarity
from theory.linalg import column_basis
from theory.moments import Moments
from theory.solution import Solution
from theory.solvers import cca, consistency_tradeoff, cycle, pca, reduced_rank, translation_tradeoff
from theory.solvers.whitened import whiten
from theory.view import View

ALL = ("REC", "TR", "CC", "CYC")
Maps = Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Coders:
    """One closed form: linear coders z = x W, x̂ = z D for both domains.

    Parameters
    ----------
    key, label, weight
        Name in JSON, name in tables, λ or None.
    maps
        Wx, Dx, Wy, Dy.
    fixes
        Properties whose value the closed form determines; the others depend on a choice that it leaves free.
    hides
        Properties that are not computed, because not even the solver's choice means anything: reason by name.
    solutions
        The solver's answers by name.

    Examples
    --------
    >>> same = Coders("id", "identity", {name: np.eye(1) for name in ("Wx", "Dx", "Wy", "Dy")})
    >>> same.view(np.ones((2, 1)), np.ones((2, 1))).code("x").tolist()
    [[1.0], [1.0]]
    """

    key: str
    label: str
    maps: Maps
    weight: float | None = None
    fixes: tuple[str, ...] = ALL
    hides: Mapping[str, str] = field(default_factory=dict)
    solutions: Mapping[str, Solution] = field(default_factory=dict)

    def view(self, X: np.ndarray, Y: np.ndarray) -> View:
        """View of the given centred rows through these coders."""
        W = {"x": self.maps["Wx"], "y": self.maps["Wy"]}
        D = {"x": self.maps["Dx"], "y": self.maps["Dy"]}
        return View(
            {"x": X, "y": Y},
            {s: lambda rows, s=s: rows @ W[s] for s in W},
            {s: lambda codes, s=s: codes @ D[s] for s in D},
        )


def solve_all(
    moments: Moments,
    ridged: Moments,
    rank: int,
    weights: Sequence[float],
    on_step: Callable[[str], None] = lambda label: None,
    quick: bool = False,
) -> list[Coders]:
    """Solve every closed form on the same moments.

    Parameters
    ----------
    moments
        Second moments of the training rows.
    ridged
        The same with the ridge added; it is what every solver but PCA, cycle and Procrustes sees.
    rank
        Codes k, at most the rank of either covariance.
    weights
        λ of the two trade-offs.
    on_step
        Called with a label before each step.
    quick
        Solve the trade-offs in the span of the leading directions of the other closed forms only: for nulls, whose
        canonical correlations are nearly tied, so that the full problem takes longest where it matters least.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> m = Moments.from_arrays(rng.normal(size=(20, 2)), rng.normal(size=(20, 2)))
    >>> [form.label for form in solve_all(m, m, 1, ())]
    ['Procrustes', 'PCA (Lemma 1)', 'CCA (Lemma 3)', 'RRR x→y, y→x (L. 5)', 'Cycle (Lemma 7)']
    """
    on_step("PCA, CCA, regressions")
    forms = [_procrustes(moments), _pca(moments, rank), _cca(ridged, rank), _regressions(ridged, rank)]
    Bx, By = _leading(ridged, rank) if quick else (np.eye(ridged.dx), np.eye(ridged.dy))
    for name, key, solver in (
        ("Lemma 4", "consistency_tradeoff", consistency_tradeoff),
        ("Lemma 6", "translation_tradeoff", translation_tradeoff),
    ):
        on_step(f"{name} over λ")
        solutions = solver.path(_within(ridged, Bx, By), rank, weights) if weights else []
        for weight, solution in zip(weights, solutions, strict=True):
            inner = solution.maps
            maps = {"Wx": Bx @ inner["Wx"], "Dx": inner["Dx"] @ Bx.T, "Wy": By @ inner["Wy"], "Dy": inner["Dy"] @ By.T}
            # At λ = 0 Lemma 6 falls apart into the two regressions, whose codes have nothing to do with each other.
            fixes = ("TR", "CYC") if weight == 0 and solver is translation_tradeoff else ALL
            forms.append(Coders(key, f"{name}, λ={weight:g}", maps, weight, fixes, solutions={"": solution}))
    return [*forms, _cycle(moments, rank)]


def _leading(ridged: Moments, rank: int) -> tuple[np.ndarray, np.ndarray]:
    """Orthonormal bases of the leading 2k directions of PCA, CCA and both regressions together."""
    count = min(2 * rank, whiten(ridged).rank)
    both = []
    for m in (ridged, ridged.swapped()):
        parts = (
            pca.solve(m.Sx, count).maps["W"],
            cca.solve(m, count).maps["Wx"],
            reduced_rank.solve(m, count).maps["Wx"],
        )
        both.append(column_basis(np.hstack([part / np.linalg.norm(part, axis=0) for part in parts])))
    return both[0], both[1]


def _within(moments: Moments, Bx: np.ndarray, By: np.ndarray) -> Moments:
    """Moments of the coordinates x Bx and y By."""
    return Moments(
        moments.n,
        moments.mean_x @ Bx,
        moments.mean_y @ By,
        Bx.T @ moments.Sx @ Bx,
        Bx.T @ moments.Sxy @ By,
        By.T @ moments.Sy @ By,
    )


def _procrustes(moments: Moments) -> Coders:
    Q, a, b, _ = similarity.procrustes(moments)
    maps = {"Wx": a * Q, "Dy": np.eye(moments.dy), "Wy": b * Q.T, "Dx": np.eye(moments.dx)}
    why = "Procrustes maps one representation to the other without codes"
    return Coders("procrustes", "Procrustes", maps, fixes=("TR",), hides=dict.fromkeys(("REC", "CC", "CYC"), why))


def _pca(moments: Moments, rank: int) -> Coders:
    x, y = pca.solve(moments.Sx, rank), pca.solve(moments.Sy, rank)
    maps = {"Wx": x.maps["W"], "Dx": x.maps["D"], "Wy": y.maps["W"], "Dy": y.maps["D"]}
    return Coders("pca", "PCA (Lemma 1)", maps, fixes=("REC", "CYC"), solutions={"x": x, "y": y})


def _cca(ridged: Moments, rank: int) -> Coders:
    solution = cca.solve(ridged, rank)
    Wx, Wy = solution.maps["Wx"], solution.maps["Wy"]
    # Least-squares readouts of whitened codes: D = (WᵀΣW)⁻¹WᵀΣ = WᵀΣ.
    maps = {"Wx": Wx, "Dx": Wx.T @ ridged.Sx, "Wy": Wy, "Dy": Wy.T @ ridged.Sy}
    return Coders("cca", "CCA (Lemma 3)", maps, solutions={"": solution})


def _regressions(ridged: Moments, rank: int) -> Coders:
    xy, yx = reduced_rank.solve(ridged, rank), reduced_rank.solve(ridged.swapped(), rank)
    maps = {"Wx": xy.maps["Wx"], "Dy": xy.maps["Dy"], "Wy": yx.maps["Wx"], "Dx": yx.maps["Dy"]}
    why = "each regression fixes only its product Wx Dy (or Wy Dx): the basis of its codes is free"
    return Coders(
        "reduced_rank",
        "RRR x→y, y→x (L. 5)",
        maps,
        fixes=("TR", "CYC"),
        hides=dict.fromkeys(("REC", "CC"), why),
        solutions={"x→y": xy, "y→x": yx},
    )


def _cycle(moments: Moments, rank: int) -> Coders:
    solution = cycle.solve(moments, rank)
    return Coders("cycle", "Cycle (Lemma 7)", solution.maps, fixes=("CYC",), solutions={"": solution})

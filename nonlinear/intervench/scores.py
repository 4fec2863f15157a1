"""From numbers of rows to scores: S × S matrices, gates, aggregates, and bootstrap intervals of all of them.

Every score is a function of weighted means over the test rows, so that a resample is a vector of weights.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from nonlinear.intervench.config import Config
from nonlinear.intervench.interventions import FLOOR

SPACES = "latent", "concept"
EXTRACTION = ("r2", "faithfulness", *(f"{m}/{s}" for s in SPACES for m in ("probe", "unlearning", "tpp")))
TRANSLATION = tuple(m for m in EXTRACTION if not m.endswith("/concept"))
# With a contrastive loss, codes are compared as representations, too.
CONSISTENCY = ("faithfulness/concept", *(m for m in EXTRACTION if m.endswith("/concept")))
GATED = "unlearning", "tpp"
# A probe that is this near the gate decides by chance.
NEAR = 0.05
Value = tuple[np.ndarray, np.ndarray]  # for the rows themselves and every resample: number, and whether it is defined


class Resamples:
    """Weighted means of numbers of rows: of the rows themselves first, then of every resample.

    Parameters
    ----------
    n, config
        Rows, and how many resamples.

    Examples
    --------
    >>> means = Resamples(4, Config(resamples=20))
    >>> means.of(np.array([1.0, 1.0, 0.0, 0.0]))[0], len(means.of(np.ones(4)))
    (np.float64(0.5), 21)
    """

    def __init__(self, n: int, config: Config):
        rng = np.random.default_rng([config.seed, 17])
        drawn = rng.multinomial(n, np.full(n, 1 / n), size=config.resamples)
        self.W = np.concatenate([np.ones((1, n)), drawn])

    def of(self, values: np.ndarray, where: np.ndarray | None = None) -> np.ndarray:
        """Means [1 + resamples], over some of the rows; 0 where a resample has none of them."""
        if where is None:
            return self.W @ values / self.W.sum(1)
        total = self.W @ where.astype(float)
        return self.W @ np.where(where, values, 0.0) / np.maximum(total, 1)


class Scores:
    """All metrics of one run.

    Parameters
    ----------
    rows
        What the stages returned.
    names, y, a
        Streams; their classes, and values of the attribute (or None), on the test rows.
    config
        Gate, budgets, resamples.

    Examples
    --------
    >>> one = np.ones(4)
    >>> rows = {"error/x/x": one / 4, "total/x": one, "loss/x": 0 * one, "loss0/x": one, "loss/x/x": one / 2}
    >>> rows |= {f"probe/{s}/5/x/x": one for s in SPACES}
    >>> scores = Scores(rows, ["x"], {"x": np.array([0, 1, 0, 1])}, None, Config())
    >>> scores.entry("r2", ("x", "x"))["raw"], scores.entry("faithfulness", ("x", "x"))["raw"]
    (0.75, 0.5)
    """

    def __init__(
        self,
        rows: Mapping[str, np.ndarray],
        names: list[str],
        y: Mapping[str, np.ndarray],
        a: Mapping[str, np.ndarray] | None,
        config: Config,
    ):
        self.rows, self.names, self.y, self.a, self.config = rows, names, y, a, config
        self.means = Resamples(len(next(iter(y.values()))), config)
        self.n_subsets = sum(name.startswith("subset/") for name in rows)
        self.raw: dict[str, dict[tuple[str, str], Value]] = {}
        of: dict[str, Callable[[str, str], Value]] = {"r2": self._r2, "faithfulness": self._faithfulness}
        if config.faithfulness == "contrastive":
            of["faithfulness/concept"] = lambda i, j: self._codes_faithful(j)
        for s in SPACES:
            of[f"probe/{s}"] = lambda i, j, s=s: self._accuracy(f"probe/{s}/{config.headline}/{i}/{j}")
            if a is not None:
                of[f"unlearning/{s}"] = lambda i, j, s=s: self._unlearning(s, i, j)
            if self.n_subsets:
                of[f"tpp/{s}"] = lambda i, j, s=s: self._tpp(s, i, j)
        for name, function in of.items():
            self.raw[name] = {(i, j): function(i, j) for i in names for j in names}
        self.gated = {name: {e: self._gate(name, e, *v) for e, v in m.items()} for name, m in self.raw.items()}

    def _defined(self, values: np.ndarray) -> Value:
        return values, np.ones(len(values), dtype=bool)

    def _accuracy(self, key: str) -> Value:
        return self._defined(self.means.of(self.rows[key].astype(float)))

    def _r2(self, i: str, j: str) -> Value:
        return _ratio(self.means.of(self.rows[f"error/{i}/{j}"]), self.means.of(self.rows[f"total/{j}"]), 0.0)

    def cycle(self, i: str, j: str) -> Value:
        """R² of the full cycle from i through j."""
        return _ratio(self.means.of(self.rows[f"cycle/{i}/{j}"]), self.means.of(self.rows[f"total/{i}"]), 0.0)

    def _faithfulness(self, i: str, j: str) -> Value:
        L, at_0, translated = (self.means.of(self.rows[key]) for key in (f"loss/{j}", f"loss0/{j}", f"loss/{i}/{j}"))
        return _ratio(translated - L, at_0 - L, FLOOR)

    def _codes_faithful(self, j: str) -> Value:
        """Faithfulness of codes that stand for both streams at once: one number for all edges."""
        L, at_0, codes = (self.means.of(self.rows[key]) for key in (f"loss/{j}", "loss0/codes", "loss/codes"))
        return _ratio(codes - L, at_0 - L, FLOOR)

    def _unlearning(self, s: str, i: str, j: str) -> Value:
        assert self.a is not None
        values = [self.a[j] == v for v in np.unique(self.a[j])]

        def balanced(key: str) -> np.ndarray:
            return np.mean([self.means.of(self.rows[key], v) for v in values], axis=0)

        utility, forget = _keys("unlearning", s, i, j)
        return _product(*(self.means.of(self.rows[key]) for key in utility), *map(balanced, forget))

    def _tpp(self, s: str, i: str, j: str) -> Value:
        found = []
        for r in range(self.n_subsets):
            inside = np.isin(self.y[j], self.rows[f"subset/{r}"])
            utility, forget = _keys(f"tpp/{r}", s, i, j)
            A = [self.means.of(self.rows[key], ~inside) for key in utility]
            found.append(_product(*A, *(self.means.of(self.rows[key], inside) for key in forget)))
        # A subset that is undefined counts as 0; the score is defined where one of them is.
        values = np.mean([np.where(ok, v, 0.0) for v, ok in found], axis=0)
        return values, np.any([ok for _, ok in found], axis=0)

    def _gate(self, name: str, edge: tuple[str, str], values: np.ndarray, ok: np.ndarray) -> np.ndarray:
        metric, _, s = name.partition("/")
        values = np.where(ok, values, 0.0)
        if metric in GATED:
            values = np.where(self.raw[f"probe/{s}"][edge][0] < self.config.gate, 0.0, values)
        return np.clip(values, 0, 1)

    def entry(self, name: str, edge: tuple[str, str]) -> dict[str, Any]:
        """One entry of a matrix, as plain data."""
        values, ok = self.raw[name][edge]
        gated, (metric, _, s) = self.gated[name][edge], name.partition("/")
        status = "ok" if ok[0] else "undefined"
        if metric in GATED and ok[0]:
            distance = float(self.raw[f"probe/{s}"][edge][0][0]) - self.config.gate
            status = "gated" if distance < 0 else status
            status += ", near the gate" if abs(distance) < NEAR + 1e-9 else ""
        raw = float(values[0]) if ok[0] else None
        sure = values[1:][ok[1:]]
        return {
            "raw": raw,
            "gated": float(gated[0]),
            "status": status,
            "ci": interval(sure) if ok[0] and len(sure) else None,
        }

    def aggregates(self) -> dict[str, dict[str, Any]]:
        """S_ext, S_trans, S_cons and S_align, from gated values clipped to [0, 1]."""
        diagonal = [(i, i) for i in self.names]
        off = [(i, j) for i in self.names for j in self.names if i != j]
        parts = {"S_ext": (EXTRACTION, diagonal), "S_trans": (TRANSLATION, off), "S_cons": (CONSISTENCY, off)}
        found: dict[str, np.ndarray] = {}
        used: dict[str, list[str]] = {}
        for name, (metrics, edges) in parts.items():
            if edges:
                used[name] = [m for m in metrics if m in self.gated]
                found[name] = np.mean([np.mean([self.gated[m][e] for e in edges], axis=0) for m in used[name]], axis=0)
        if "S_trans" in found:
            found["S_align"] = (found["S_trans"] + found["S_cons"]) / 2
            used["S_align"] = [*used["S_trans"], *used["S_cons"]]
        return {name: {"value": float(v[0]), "ci": interval(v[1:]), "metrics": used[name]} for name, v in found.items()}

    def curve(self, kind: str, s: str, i: str, j: str) -> dict[str, float]:
        """Accuracy of the sparse probe over its budgets."""
        return {str(k): float(self.rows[f"{kind}/{s}/{k}/{i}/{j}"].mean()) for k in self.config.budgets}


def interval(values: np.ndarray) -> list[float]:
    """Percentile interval of 95 %.

    Examples
    --------
    >>> interval(np.arange(1001.0))
    [25.0, 975.0]
    """
    low, high = np.quantile(values, [0.025, 0.975])
    return [float(low), float(high)]


def _keys(name: str, s: str, i: str, j: str) -> list[list[str]]:
    """Names of the rows before and after an ablation and by chance, of the utility and of the forget task."""
    return [
        [f"{name}/{s}/{i}/{j}/{t}/before", f"{name}/{s}/{i}/{j}/{t}", f"{name}/{j}/{t}"] for t in ("utility", "forget")
    ]


def _ratio(lost: np.ndarray, whole: np.ndarray, floor: float) -> Value:
    """1 − lost/whole, defined where the whole is more than the floor."""
    ok = whole > floor
    return 1 - lost / np.where(ok, whole, 1), ok


def _product(A, A_ablated, A_0, B, B_ablated, B_0) -> Value:
    """S_u·S_f; where both are negative their product says nothing good, and is negative."""
    kept, ok = _share(A_ablated - A_0, A - A_0)
    left, also = _share(B_ablated - B_0, B - B_0)
    lost = 1 - left
    return np.where((kept < 0) & (lost < 0), -kept * lost, kept * lost), ok & also


def _share(part: np.ndarray, whole: np.ndarray) -> Value:
    ok = whole >= FLOOR
    return part / np.where(ok, whole, 1), ok

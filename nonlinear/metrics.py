"""R² of every alignment property over blocks of rows, and what it is for shuffled pairs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

from nonlinear.blocks import EvaluationView
from nonlinear.plain import Undefined
from theory.levels import UndefinedError
from theory.linalg import tolerance
from theory.properties import WHATS
from theory.whats import SELF, What


class Spread:
    """Number, mean and scatter Σ‖x − mean‖² of rows that come in blocks, in float64.

    Each block is centred by its own mean (Chan, Golub & LeVeque 1983), so that a large constant costs no accuracy.

    Examples
    --------
    >>> spread = Spread()
    >>> spread.add(torch.tensor([[1.0], [3.0]])), spread.add(torch.tensor([[5.0]]))
    (None, None)
    >>> spread.mean.tolist(), spread.scatter, spread.count
    ([3.0], 8.0, 3)
    """

    def __init__(self):
        self.count, self.mean, self.scatter = 0, torch.zeros(0), 0.0

    def add(self, rows: torch.Tensor) -> None:
        """Count further rows [n, d]."""
        rows, n = rows.double(), len(rows)
        mean = rows.mean(0)
        scatter = float(((rows - mean) ** 2).sum())
        if not self.count:
            self.mean = mean
        shift, total = mean - self.mean, self.count + n
        self.scatter += scatter + float((shift**2).sum()) * self.count * n / total
        self.mean = self.mean + shift * (n / total)
        self.count = total

    @property
    def varies(self) -> bool:
        """Whether the scatter is more than the rounding of a constant; true where it is not finite."""
        return not self.scatter <= tolerance(1.0, 1) ** 2 * self.count * float((self.mean**2).sum())


class Agreement:
    """R² = 1 − Σ‖a − b‖² / Σ‖b − mean(b)‖² of an estimate a of b, over all rows.

    Examples
    --------
    >>> agreement = Agreement()
    >>> agreement.add(torch.tensor([[1.0], [0.0]]), torch.tensor([[1.0], [-1.0]]))
    >>> agreement.value, agreement.shuffled
    (0.5, -0.5)
    """

    def __init__(self):
        self.error, self.estimate, self.reference = 0.0, Spread(), Spread()

    def add(self, a: torch.Tensor, b: torch.Tensor) -> None:
        """Count further rows [n, d] of both."""
        self.error += float(((a.double() - b.double()) ** 2).sum())
        self.estimate.add(a)
        self.reference.add(b)

    @property
    def value(self) -> float | Undefined:
        """R², at most 1, and negative where the mean of b is the better estimate."""
        if not self.reference.varies:
            return Undefined("the reference does not vary on the evaluated rows")
        return 1 - self.error / self.reference.scatter

    @property
    def shuffled(self) -> float | Undefined:
        """Mean of R² over all permutations of the pairs, in closed form; never positive."""
        if not self.reference.varies:
            return Undefined("the reference does not vary on the evaluated rows")
        shift = float(((self.estimate.mean - self.reference.mean) ** 2).sum())
        return -(self.estimate.scatter + self.estimate.count * shift) / self.reference.scatter


class Agreements:
    """R² of every registered WHAT on every edge, a stream's own ones over all its rows, others over matched rows.

    The second side is the reference. An unordered WHAT is read both ways: [i, j] has its reference on side j.

    Parameters
    ----------
    streams
        Names, in order.

    Examples
    --------
    >>> from theory.view import View
    >>> found, z = Agreements(["x", "y"]), torch.tensor([[1.0], [-1.0]])
    >>> found.add(View({"x": z, "y": z}, {s: lambda a: a for s in "xy"}, {s: lambda a: a / 2 for s in "xy"}))
    >>> found.result()["CC"]["x"]["y"]["value"], found.result()["REC"]["x"]["value"]     # decoders give back one half
    (1.0, 0.75)
    """

    def __init__(self, streams: Sequence[str]):
        self.streams, self.whats = list(streams), list(WHATS.values())
        self.found: dict[tuple[str, str, str], Agreement | Undefined] = {}

    def add(self, view: EvaluationView) -> None:
        """Count a block, in which all rows are matched."""
        for what in self.whats:
            for i, j in self._edges(view, what):
                self.found[what.name, i, j] = self._one(view, what, i, j)

    def _edges(self, view: EvaluationView, what: What) -> Iterator[tuple[str, str]]:
        if what.edges == SELF:
            return view.edges(SELF)
        # What does not cross needs no row of stream j, only its coders.
        return ((i, j) for i in view.streams for j in (view.streams if what.crosses else self.streams) if i != j)

    def _one(self, view: EvaluationView, what: What, i: str, j: str) -> Agreement | Undefined:
        try:
            a, b = view.paired(what, i, j)
        except UndefinedError as error:
            return Undefined(error)
        if a.shape != b.shape:
            return Undefined(f"the two sides are of widths {a.shape[1]} and {b.shape[1]}")
        known = self.found.get((what.name, i, j))
        agreement = known if isinstance(known, Agreement) else Agreement()
        agreement.add(a, b)
        return agreement

    def result(self) -> dict[str, Any]:
        """WHAT → stream i → (where it crosses streams) stream j → R², its mean for shuffled pairs, number of rows."""
        found, streams = {}, self.streams
        for what in self.whats:
            if what.edges == SELF:
                found[what.name] = {s: self._entry(what, s, s) for s in streams}
            else:
                found[what.name] = {i: {j: self._entry(what, i, j) for j in streams if j != i} for i in streams}
        return found

    def _entry(self, what: What, i: str, j: str) -> Mapping[str, Any] | Undefined:
        agreement = self.found.get((what.name, i, j), Undefined(f"no point is shown by both {i!r} and {j!r}"))
        if isinstance(agreement, Undefined):
            return agreement
        null = {"shuffled": agreement.shuffled} if what.crosses else {}
        return {"value": agreement.value, "rows": agreement.reference.count} | null

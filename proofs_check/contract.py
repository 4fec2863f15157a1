"""The tests generated for a property, from its record alone.

``checks(prop)`` lists them; each raises ContractError, with the numbers, when the property breaks its record. Models
are drawn from fixed seeds, so that a record either stands or falls, and every bound was fixed before the first run.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from proofs_check import readings
from proofs_check.coders import generic, member, perturbed
from proofs_check.transformations import TRANSFORMATIONS
from theory.linalg import tolerance
from theory.properties import READINGS, Property
from theory.view import View

SEEDS = range(3)
NEAR = 0.1  # size of the perturbation of a near miss
CLEAR = 1e3  # a near miss counts when its loss is this many tolerances above that of the member
MOVED = 1e-3  # a loss has changed when some seed changes it by this share


class ContractError(AssertionError):
    """A property does not do what its record says.

    Examples
    --------
    >>> from theory.levels import Instance
    >>> from theory.properties import WHATS
    >>> class Shifted(Instance):
    ...     def loss(self, what, view, i, j):
    ...         return 1 + super().loss(what, view, i, j)

    >>> _, zero_on_members, *_ = checks(Property(WHATS["CC"], Shifted()))
    >>> zero_on_members()
    Traceback (most recent call last):
    proofs_check.contract.ContractError: CC: loss 1 on a member
    """


@dataclass(frozen=True)
class Check:
    """One generated test.

    Examples
    --------
    >>> from theory.properties import property_named
    >>> check = checks(property_named("TR"))[1]
    >>> check.name, check()
    ('zero on members', None)
    """

    name: str
    run: Callable[[], None]

    def __call__(self) -> None:
        """Pass silently, or raise ContractError."""
        self.run()


def checks(prop: Property) -> list[Check]:
    """All tests of a property, by what its readings allow.

    Examples
    --------
    >>> from theory.properties import property_named
    >>> for check in checks(property_named("TR"))[:2]:
    ...     check()
    >>> [c.name for c in checks(property_named("TR"))][:3]
    ['names known transformations only', 'zero on members', 'separated from near misses']
    """
    found = [Check("names known transformations only", partial(_known, prop))]
    if "loss" in prop.readings:
        tests = {
            "zero on members": _zero,
            "separated from near misses": _separated,
            "unchanged by duplicating the batch": _duplicated,
            "finite where no point is matched": _finite,
            "NumPy = torch, in the dtype of the input": _namespaces,
            "gradient = central differences": _gradient,
        }
        if prop.level.unbiased:
            # A U-statistic discounts equal rows: a batch twice is another batch, and few rows separate nothing.
            tests = {name: test for name, test in tests.items() if test not in (_separated, _duplicated)}
        found += [Check(name, partial(test, prop)) for name, test in tests.items()]
        for name in TRANSFORMATIONS:
            test, text = (_invariant, "invariant") if name in prop.invariant else (_changed, "not invariant")
            found.append(Check(f"{text} under {name}", partial(test, prop, name)))
    if hasattr(prop.level, "metric"):
        found.append(Check(f"{prop.level.metric_name} is {prop.level.best:g} on members alone", partial(_metric, prop)))
    agreements: dict[tuple[str, str], tuple[str, Callable[[Property], str]]] = {
        ("loss", "holds"): ("loss is 0 iff it holds, on the exact models", readings.loss_against_truth),
        ("residual", "loss"): ("residual = difference, on linear coders", readings.residual_against_numbers),
        ("formula", "holds"): ("formula is true iff it holds, on the exact models", readings.formula_against_truth),
    }
    for needed, (name, test) in agreements.items():
        estimate = "loss" in needed and "holds" in needed and prop.level.unbiased
        if set(needed) <= set(prop.readings) and not estimate:
            found.append(Check(name, partial(_agrees, prop, test)))
    return found


def absent(prop: Property) -> tuple[str, ...]:
    """Readings that the level does not have; nothing about them is tested, and the report says so.

    Examples
    --------
    >>> from theory.properties import property_named
    >>> absent(property_named("dTR"))
    ('residual',)
    """
    return tuple(r for r in READINGS if r not in prop.readings)


def _members(prop: Property) -> Iterator[tuple[View, np.random.Generator]]:
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        yield member(prop, rng), rng


def _rounding(view: View, *losses: float) -> float:
    """Rounding error of a loss on this view."""
    squares = [float((np.asarray(x) ** 2).sum(1).max(initial=0.0)) for x in view.streams.values()]
    sizes = [max(x.shape) for x in view.streams.values()]
    return tolerance(1 + max(squares) + max(map(abs, losses), default=0.0), max(sizes))


def _require(condition: bool, text: str) -> None:
    if not condition:
        raise ContractError(text)


def _known(prop: Property) -> None:
    named = prop.what.invariant | prop.level.adds | frozenset().union(*prop.level.breaks.values())
    unknown = sorted(named - set(TRANSFORMATIONS))
    _require(not unknown, f"{prop.name} names {unknown}, which are no transformations; known: {list(TRANSFORMATIONS)}")


def _zero(prop: Property) -> None:
    for view, _ in _members(prop):
        loss = float(prop.loss(view))
        size = loss if prop.level.unbiased else abs(loss)
        _require(size <= _rounding(view), f"{prop.name}: loss {loss:.3g} on a member")


def _separated(prop: Property) -> None:
    for view, rng in _members(prop):
        loss, near = float(prop.loss(view)), float(prop.loss(perturbed(view, rng, NEAR)))
        _require(
            near - loss > CLEAR * _rounding(view), f"{prop.name}: loss {near:.3g} near a member of loss {loss:.3g}"
        )


def _metric(prop: Property) -> None:
    """Members have the best value on every edge, views far from them do not; near misses may, as a metric may count."""
    for seed, (view, _) in enumerate(_members(prop)):
        other = generic(prop, seed)
        for i, j in view.edges(prop.what.edges):
            on, off = (abs(float(prop.level.metric(prop.what, v, i, j)) - prop.level.best) for v in (view, other))
            text = f"{prop.name}: {prop.level.metric_name} is {on:.3g} off its best on a member, {off:.3g} far from any"
            _require(on <= _rounding(view) < CLEAR * _rounding(other) < off, text)


def _finite(prop: Property) -> None:
    for seed in SEEDS:
        view = generic(prop, seed)
        streams = {s: x[r:] for r, (s, x) in enumerate(view.streams.items())}
        ids = {s: 1000 * r + np.arange(len(x)) for r, (s, x) in enumerate(streams.items())}
        loss = float(prop.loss(view.replace(streams=streams, ids=ids)))
        _require(bool(np.isfinite(loss)), f"{prop.name}: loss {loss} where no point is matched")


def _duplicated(prop: Property) -> None:
    for seed in SEEDS:
        view = generic(prop, seed)
        twice = view.replace(streams={s: np.concatenate([x, x]) for s, x in view.streams.items()}, ids=_twice(view))
        once, both = float(prop.loss(view)), float(prop.loss(twice))
        _require(
            abs(once - both) <= _rounding(twice, once), f"{prop.name}: {once:.9g}, but {both:.9g} on the batch twice"
        )


def _twice(view: View) -> Mapping[str, np.ndarray]:
    ids = {s: view.ids(s) for s in view.streams}
    shift = 1 + max(int(v.max()) for v in ids.values())
    return {s: np.concatenate([v, v + shift]) for s, v in ids.items()}


def _invariant(prop: Property, name: str) -> None:
    for seed in SEEDS:
        view = generic(prop, seed)
        changed = TRANSFORMATIONS[name](view, np.random.default_rng([seed, 2]))
        before, after = float(prop.loss(view)), float(prop.loss(changed))
        text = f"{prop.name} is declared invariant under {name}: {before:.9g}, then {after:.9g}"
        _require(abs(before - after) <= _rounding(changed, before), text)


def _changed(prop: Property, name: str) -> None:
    shares = []
    for seed in SEEDS:
        view = generic(prop, seed)
        changed = TRANSFORMATIONS[name](view, np.random.default_rng([seed, 2]))
        before, after = float(prop.loss(view)), float(prop.loss(changed))
        shares.append(abs(after - before) / abs(before))
    text = f"{prop.name} is declared to change under {name}, but moves by a share of {max(shares):.3g} only"
    _require(max(shares) > MOVED, text)


def _namespaces(prop: Property) -> None:
    import torch

    for seed in SEEDS:
        view = generic(prop, seed)
        loss = float(prop.loss(view))
        for dtype, bound in ((torch.float64, _rounding(view, loss)), (torch.float32, 1e-4 * max(1.0, abs(loss)))):
            tensors = {s: torch.tensor(x, dtype=dtype) for s, x in view.streams.items()}
            other: Any = prop.loss(view.replace(streams=tensors))
            _require(isinstance(other, torch.Tensor), f"{prop.name}: the loss of tensors is a {type(other).__name__}")
            _require(other.dtype == dtype, f"{prop.name}: the loss of {dtype} rows is {other.dtype}")
            text = f"{prop.name}: {loss:.9g} with NumPy, {float(other):.9g} with torch {dtype}"
            _require(abs(loss - float(other)) <= bound, text)


def _gradient(prop: Property) -> None:
    """Autograd against NumPy differences along a direction that moves every stream and every coder."""
    import torch

    h = 1e-4  # the fourth-order rule below then errs by h⁴ ≈ eps/h relative to the scale of the loss
    for seed in SEEDS:
        view = generic(prop, seed)

        def along(size, view=view, seed=seed) -> Any:
            return prop.loss(perturbed(view, np.random.default_rng([seed, 3]), size))

        values = {k: float(along(k * h)) for k in (-2, -1, 1, 2)}
        expected = (8 * (values[1] - values[-1]) - (values[2] - values[-2])) / (12 * h)
        size = torch.zeros((), dtype=torch.float64, requires_grad=True)
        tensors = view.replace(streams={s: torch.tensor(x) for s, x in view.streams.items()})
        loss: Any = prop.loss(perturbed(tensors, np.random.default_rng([seed, 3]), size))
        (slope,) = torch.autograd.grad(loss, size)
        text = f"{prop.name}: slope {float(slope):.9g} by autograd, {expected:.9g} by differences"
        agree = abs(float(slope) - expected) <= 1e-7 * (abs(expected) + abs(values[1]))
        _require(agree and abs(expected) > MOVED * abs(values[1]), text)


def _agrees(prop: Property, test: Callable[[Property], str]) -> None:
    disagreement = test(prop)
    _require(not disagreement, disagreement)

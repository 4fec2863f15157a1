"""Losses sample by sample: formulas (3)-(6), dead atoms, batches without pairs; and what learns from which loss."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nonlinear.batch import Layout
from nonlinear.coders import Coders
from nonlinear.losses import Objective, auxiliary_loss, losses
from nonlinear.parameters import Shape, atoms_of, initial
from nonlinear.strata import Stratum
from nonlinear.systems import SYSTEMS
from theory.discrepancy import ecf_distance, random_slices, sliced_ecf, t_grid

from .small import batch_of, measured, planted, ready, widths_of

PATHS = pytest.mark.parametrize("path", ["sparse", "dense"])
IDS = {"x": np.arange(0, 60), "y": np.arange(20, 80), "z": np.arange(40, 90)}
WEIGHTS = {"REC": 1.0, "TR": 0.5, "CYC": 0.2, "CC": 0.3}
ATOMS, K = 24, 3


class ByHand:
    """Three coders with lists of parameters; batches are lists of rows with the number of the point that each shows."""

    def __init__(self, trainer):
        p = {n: t.detach()[0].numpy() for n, t in trainer.parameters.items()}
        self.atoms = dict(zip("xyz", np.split(p["decoder.x+y+z"], np.cumsum([5, 4]), axis=1), strict=True))
        self.p, rows = p, trainer.shuffles[0].rows(0)
        self.x = {s: x[0].numpy() for s, x in batch_of(trainer).items()}
        self.point = {s: IDS[s][r] for s, r in rows.items()}

    def code(self, s, rows):
        """BatchTopK: the K·n largest of the values that are left when negative ones are set to 0."""
        atoms = list(zip(self.p[f"encoder.{s}"], self.p[f"bias.{s}"], strict=True))
        values = [[max(float(row @ w + b), 0.0) for w, b in atoms] for row in rows]
        least = sorted((v for row in values for v in row), reverse=True)[K * len(rows) - 1]
        return np.array([[v if v >= least else 0.0 for v in row] for row in values])

    def decode(self, s, codes):
        return np.array(
            [sum(v * a for v, a in zip(z, self.atoms[s], strict=True)) + self.p[f"offset.{s}"] for z in codes]
        )

    def pairs(self, i, j, labelled):
        """Positions of the rows of i and j that show the same labelled point."""
        return [
            (a, b) for a, p in enumerate(self.point[i]) for b, q in enumerate(self.point[j]) if p == q and p in labelled
        ]


def mean_squared(pairs):
    """E‖a − b‖²: a mean over samples of a sum over coordinates; 0 without a sample."""
    return sum(sum((u - v) ** 2 for u, v in zip(a, b, strict=True)) for a, b in pairs) / max(len(pairs), 1)


def trainer_of(path, weights=WEIGHTS, **changes):
    arrays, _ = planted(80, widths_of("cosae", "xyz"))
    arrays = {s: a[: len(IDS[s])] for s, a in arrays.items()}
    return ready("cosae", arrays, IDS, path=path, weights=weights, precision="float64", **changes)


@PATHS
@pytest.mark.parametrize("pairing", [{"paired": 1.0}, {"paired": 0.4}, {"anchors": (45, 50, 55, 70)}], ids=str)
def test_formulas_three_to_six(path, pairing):
    trainer = trainer_of(path, **pairing)
    found, hand = measured(trainer)[0], ByHand(trainer)
    labelled = set()  # anchored points are those that the layout matches
    for i in "xyz":
        for j in "xyz":
            rows = trainer.layout.matched(i, j)[0]
            labelled |= set(hand.point[i][rows]) if i != j else set()
    code = {s: hand.code(s, hand.x[s]) for s in "xyz"}
    across = {(i, j): hand.decode(j, code[i]) for i in "xyz" for j in "xyz"}
    rec = sum(mean_squared(list(zip(hand.x[i], across[i, i], strict=True))) for i in "xyz")
    ordered = [(i, j) for i in "xyz" for j in "xyz" if i != j]
    pairs = {(i, j): hand.pairs(i, j, labelled) for i, j in ordered}
    tr = sum(mean_squared([(hand.x[j][b], across[i, j][a]) for a, b in pairs[i, j]]) for i, j in ordered)
    back = {(i, j): hand.decode(i, hand.code(j, across[i, j])) for i, j in ordered}
    cyc = sum(mean_squared(list(zip(hand.x[i], back[i, j], strict=True))) for i, j in ordered)
    cc = sum(mean_squared([(code[i][a], code[j][b]) for a, b in pairs[i, j]]) for i, j in ordered if i < j)
    assert sum(map(len, pairs.values())) >= 8
    expected = {"REC": rec, "TR": tr, "CYC": cyc, "CC": cc}
    for name, value in expected.items():
        assert math.isclose(float(found[name]), value, rel_tol=1e-10), name
    assert math.isclose(float(found["loss"]), sum(WEIGHTS[n] * v for n, v in expected.items()), rel_tol=1e-10)


@PATHS
@pytest.mark.parametrize("sampling", ["disjoint", "aligned"])
@pytest.mark.parametrize("unbiased", [False, True])
def test_distributional_losses_are_distances_of_the_two_samples(path, sampling, unbiased):
    weights = {"REC": 1.0, "dTR": 1.0, "dCC": 1.0, "dREC": 1.0}
    trainer = trainer_of(path, weights, sampling=sampling, unbiased=unbiased)
    found, hand = measured(trainer, 0)[0], ByHand(trainer)
    code = {s: hand.code(s, hand.x[s]) for s in "xyz"}

    def sides(i, a, j, b):
        if sampling == "aligned":
            return a, b
        return a[trainer.layout.side(i, 0)], b[trainer.layout.side(j, 1)]

    def distance(i, j):
        a, b = sides(i, hand.decode(j, code[i]), j, hand.x[j])
        slices = random_slices(np.random.default_rng(0), b.shape[1], trainer.config.n_slices)
        return sliced_ecf(a, b, slices, t_grid(), unbiased)

    pairs = [(i, j) for i in "xyz" for j in "xyz"]
    assert np.isclose(float(found["dTR"]), sum(distance(i, j) for i, j in pairs if i != j), rtol=1e-9)
    assert np.isclose(float(found["dREC"]), sum(distance(i, i) for i in "xyz"), rtol=1e-9)
    total = 0.0
    for i, j in pairs:
        if i < j:
            a, b = sides(i, code[i], j, code[j])
            active = (a != 0).any(0) | (b != 0).any(0)
            total += ecf_distance(a[:, active], b[:, active], t_grid(), unbiased).mean()
    assert np.isclose(float(found["dCC"]), total, rtol=1e-9)


@PATHS
def test_without_a_matched_row_instance_losses_are_zero_and_harmless(path):
    weights = {"REC": 1.0, "TR": 1.0, "CC": 1.0, "nTR": 1.0, "cCC": 1.0, "dTR": 1.0, "dCC": 1.0}
    found, gradients, _, _ = measured(trainer_of(path, weights, paired=0.0))
    assert [float(found[n]) for n in ("TR", "CC", "nTR", "cCC")] == [0, 0, 0, 0]
    assert min(float(found[n]) for n in ("REC", "dTR", "dCC")) > 0
    assert all(bool(torch.isfinite(g).all()) for g in gradients.values())
    # Some streams have pairs, others none: x and z share no labelled point here.
    found, gradients, _, _ = measured(trainer_of(path, weights, anchors=(25, 30, 65, 70), matched=4))
    assert all(bool(torch.isfinite(v).all()) for v in (*found.values(), *gradients.values()))
    assert float(found["CC"]) > 0


@st.composite
def residuals(draw):
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    n, d, e, m = (draw(st.integers(1, 4)) for _ in range(4))
    m = 2 * m
    silent = rng.integers(0, 20, size=m)
    inputs = [rng.normal(size=s) for s in ((n, d), (n, e), (m, d), (m,), (m, e))]
    return inputs, silent, draw(st.integers(2, 3))  # all dead atoms are among the 4·k longest silent


@settings(max_examples=100)
@given(residuals())
def test_dead_atoms_reconstruct_the_residual(case):
    (rows, residual, W, b, D), silent, k = case
    objective = Objective((), sparsity=1, aux_k=k, dead_after=10)
    tensors = [torch.tensor(a) for a in (rows, residual, W, b, D)]
    found = float(auxiliary_loss(objective, *tensors, torch.tensor(silent)))
    dead = [a for a in range(len(b)) if silent[a] > 10]
    total = 0.0
    for x, r in zip(rows, residual, strict=True):
        values = sorted(((max(x @ W[a] + b[a], 0), a) for a in dead), reverse=True)[:k]
        total += ((r - sum(v * D[a] for v, a in values)) ** 2).sum() / len(rows)
    assert math.isclose(found, total if dead else 0.0, rel_tol=1e-10)


def test_only_the_atoms_that_are_silent_for_longest_take_part():
    objective = Objective((), sparsity=1, aux_k=1, dead_after=10)
    silent = torch.tensor([11, 15, 14, 13, 12])  # four times aux_k of them: all but the first
    rows = residual = D = torch.ones(5, 1, dtype=torch.float64)
    W = torch.tensor([[9.0], [1.0], [1.0], [1.0], [1.0]], dtype=torch.float64)
    found = auxiliary_loss(objective, rows, 0 * residual, W, torch.zeros(5, dtype=torch.float64), D, silent)
    assert float(found) == 1


@PATHS
@pytest.mark.parametrize("system", ["sae", "crosscoder", "sparc", "transcoder", "sae-a", "cosae"])
def test_only_dead_atoms_learn_from_the_residual(system, path):
    arrays, _ = planted(80, widths_of(system))
    weights = {"TR": 1e-300} if system == "transcoder" else {"REC": 1e-300}
    trainer = ready(system, arrays, path=path, weights=weights, precision="float64", aux_weight=1.0)
    silent = {c: torch.zeros_like(s) for c, s in trainer.silent.items()}
    dead = torch.arange(ATOMS) % 3 == 0
    for s in silent.values():
        s[:, dead] = 10**8
    found, gradients, _, _ = measured(trainer, silent=silent)
    assert float(found["aux"]) > 0
    for name, g in gradients.items():
        kind = name.split(".")[0]
        if kind in ("offset", "skip"):
            assert g.abs().max() < 1e-200, name  # without the bias, and the residual is a constant
        else:
            learns = (g[0].reshape(ATOMS, -1).abs() > 1e-200).any(1)
            assert not learns[~dead].any(), name
            used = system != "transcoder" or name in ("encoder.x", "bias.x", "decoder.y")
            assert bool(learns[dead].any()) == used, name


@PATHS
def test_nothing_is_added_while_no_atom_is_dead(path):
    arrays, _ = planted(80, widths_of("cosae"))
    trainer = ready("cosae", arrays, path=path, precision="float64")
    alive = {c: torch.full_like(s, trainer.config.dead_after) for c, s in trainer.silent.items()}
    with_it, without = measured(trainer, silent=alive), measured(trainer)
    assert float(with_it[0]["aux"]) == 0
    assert float(with_it[0]["loss"]) == float(without[0]["loss"])
    for name, g in without[1].items():
        assert torch.equal(with_it[1][name], g)


def test_weights_of_zero_are_left_out_and_levels_take_their_options():
    objective = Objective.of({"REC": 0.0, "dTR": 2.0}, unbiased=True, n_slices=7, sparsity=3)
    ((p, weight),) = objective.terms
    assert (p.name, weight, p.level.unbiased, p.level.n_slices) == ("dTR", 2.0, True, 7)
    with pytest.raises(ValueError, match="unknown property 'XR'; known: REC"):
        Objective.of({"XR": 1.0}, sparsity=3)


def test_dead_atoms_of_sparc_learn_relative_errors():
    """mean_s of Σ_rows ‖e − ê‖²/‖x‖² / n: of the scale of nREC, whatever the scale of the rows."""
    rng = np.random.default_rng(0)
    X = {s: torch.tensor(rng.normal(size=(6, d))) for s, d in (("x", 4), ("y", 3))}
    shape = Shape(SYSTEMS["sparc"], {"x": 4, "y": 3}, 5, True)
    layout = Layout(["x", "y"], [Stratum({"x": np.arange(6), "y": np.arange(6)}, 0, 6)])
    parameters = {n: p.squeeze(0) for n, p in initial(shape, [0], torch.float64).items()}
    silent = {"x": torch.full((5,), 99), "y": torch.full((5,), 99)}
    objective = Objective.of(SYSTEMS["sparc"].terms(2), sparsity=2, dead_after=10, aux_k=5)
    found = losses(objective, Coders(shape, parameters, 2), X, layout, silent=silent)["aux"]
    plain, coders = Objective.of({"REC": 1.0}, sparsity=2, dead_after=10, aux_k=5), Coders(shape, parameters, 2)
    expected = []
    for s, x in X.items():
        residual = x - coders.decode(s, coders.code(s, X, layout))
        W, b = coders.encoder(s)
        each = [
            auxiliary_loss(plain, x[r : r + 1], residual[r : r + 1], W, b, atoms_of(parameters, shape, s), silent[s])
            / (x[r] ** 2).sum()
            for r in range(6)
        ]
        expected.append(sum(each) / 6)
    assert found == pytest.approx(float(sum(expected) / 2), rel=1e-10)
    assert found > 0

"""Every system on both paths: the same losses, gradients and counts; and nothing dense kept on the sparse one."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from nonlinear import systems
from nonlinear.parameters import Shape, atoms_of, initial
from nonlinear.systems import SYSTEMS, System, register_system

from .small import NAMES, computed, measured, planted, ready, widths_of

SYSTEM = pytest.mark.parametrize("system", NAMES)
ALL = {"REC": 1.0, "TR": 0.5, "CC": 0.3, "CYC": 0.2, "dTR": 0.4, "dCC": 0.6, "dCYC": 0.1, "nTR": 0.2, "cCC": 0.7}
PAIRING = {
    "pairs": {},
    "fraction": {"paired": 0.3, "sampling": "aligned"},
    "anchors": {"anchors": (3, 5, 8, 20), "matched": 4},
    "no pairs": {"paired": 0.0},
    "independent": {"sampling": "independent", "unbiased": True},
}


# Steps at which USAE draws different sources, of two streams and of three; a hint is known at the second.
STEPS = (0, 1)


def silent_of(trainer):
    """A third of the atoms silent for long, by code."""
    generator = torch.Generator().manual_seed(3)
    rows = {c: torch.randint(0, 3, s.shape, generator=generator) for c, s in trainer.silent.items()}
    return {c: 10**8 * (r == 0) + r for c, r in rows.items()}


def both(system, arrays, ids=None, rtol=1e-9, **changes):
    """Losses, gradients and counts of the two paths at the same parameters, in one place."""
    found = {}
    for path in ("sparse", "dense"):
        trainer = ready(system, arrays, ids, path=path, **{"precision": "float64", "l1": 0.01} | changes)
        for step in STEPS:
            found[path, step] = measured(trainer, step, silent_of(trainer))
    for step in STEPS:
        for mine, theirs in zip(found["sparse", step], found["dense", step], strict=True):
            assert mine.keys() == theirs.keys()
            for name, value in theirs.items():
                assert torch.isfinite(value.double()).all(), name
                torch.testing.assert_close(
                    mine[name], value, rtol=rtol, atol=rtol, msg=lambda m, name=name: f"{name}: {m}"
                )
    return found["dense", 0]


@SYSTEM
@pytest.mark.parametrize("streams", ["xy", "xyz"])
@pytest.mark.parametrize("pairing", PAIRING)
def test_sparse_is_dense(system, streams, pairing):
    arrays, _ = planted(80, widths_of(system, streams))
    losses, gradients, _, _ = both(system, arrays, **PAIRING[pairing])
    learning = {name for name, g in gradients.items() if bool(g.any())}
    if pairing == "no pairs" and SYSTEMS[system].edges == "first":
        assert losses["aux"] == 0  # nothing but an L1 penalty is left of a transcoder without pairs: 0, not NaN
    else:
        assert losses["aux"] > 0
    if pairing == "pairs" and SYSTEMS[system].edges == "all":
        assert learning == set(gradients)


@SYSTEM
def test_sparse_is_dense_where_streams_are_missing(system):
    arrays, _ = planted(80, widths_of(system, "xyz"))
    ids = {"x": np.arange(0, 60), "y": np.arange(20, 80), "z": np.arange(40, 90)}
    rng = np.random.default_rng(0)
    ids = {s: rng.permutation(v) for s, v in ids.items()}
    both(system, {s: a[: len(ids[s])] for s, a in arrays.items()}, ids)


@SYSTEM
@pytest.mark.parametrize("selection", ["relu", "topk", "batchtopk"])
def test_sparse_is_dense_with_every_selection_and_every_loss(system, selection):
    arrays, _ = planted(80, widths_of(system, "xy"))
    if SYSTEMS[system].sharing == "support" and selection == "batchtopk":
        with pytest.raises(ValueError, match="chosen point by point"):
            both(system, arrays, selection=selection)
        return
    own = SYSTEMS[system].edges == "first"
    weights = {name: w for name, w in ALL.items() if not (own and name == "REC")}
    losses, _, _, _ = both(system, arrays, selection=selection, weights=weights, rtol=1e-8)
    assert {*weights, "aux", "L1", "loss"} == losses.keys()
    total = sum(w * losses[n] for n, w in weights.items()) + losses["aux"] / 32 + 0.01 * losses["L1"]
    torch.testing.assert_close(losses["loss"], total, rtol=1e-12, atol=1e-12)


@SYSTEM
def test_sparse_is_dense_in_single_precision(system):
    arrays, _ = planted(400, widths_of(system, "xy"), n_atoms=40)
    both(system, arrays, rtol=1e-5, precision="float32", n_atoms=64, batch=64)


@SYSTEM
def test_several_seeds_are_their_single_runs_on_both_paths(system):
    arrays, _ = planted(80, widths_of(system, "xy"))
    for path in ("sparse", "dense"):
        together = measured(ready(system, arrays, path=path, precision="float64", seeds=(4, 9), perturbed=False))
        for r, seed in enumerate((4, 9)):
            alone = measured(ready(system, arrays, path=path, precision="float64", seeds=(seed,), perturbed=False))
            for mine, theirs in zip(together, alone, strict=True):
                for name, value in theirs.items():
                    torch.testing.assert_close(mine[name][r], value[0], rtol=1e-12, atol=1e-12)


def held(node, seen):
    """Tensors that the nodes of a graph hold by themselves, and not among those saved for backward."""
    if node is None or node in seen:
        return
    seen.add(node)
    own = list(getattr(node, "__dict__", {}).values())
    for thing in own + [value for part in own for value in getattr(part, "__dict__", {}).values()]:
        if isinstance(thing, torch.Tensor) and thing.is_floating_point():
            yield thing
    for following, _ in node.next_functions:
        yield from held(following, seen)


def largest_kept(trainer):
    """Numbers in the largest tensor of them that the graph of a loss keeps."""
    sizes = [0]

    def pack(tensor):
        sizes.append(tensor.numel() if tensor.is_floating_point() else 0)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        losses, _, _ = computed(trainer)
    return max(sizes + [t.numel() for t in held(losses["loss"].grad_fn, set())])


@SYSTEM
@pytest.mark.parametrize("weights", [None, ALL], ids=["preset", "every loss"])
def test_no_dense_code_is_kept_for_the_backward_pass(system, weights):
    arrays, _ = planted(300, widths_of(system, "xy"))
    if weights and SYSTEMS[system].edges == "first":
        weights = {n: w for n, w in weights.items() if n != "REC"}
    changes = {"weights": weights, "batch": 128, "n_atoms": 128, "sparsity": 4, "n_slices": 8}
    sparse, dense = (largest_kept(ready(system, arrays, path=path, **changes)) for path in ("sparse", "dense"))
    assert sparse < 128 * 128 / 4
    assert dense >= 128 * 128, "the probe does not see a dense code"


def test_the_probe_sees_what_a_node_holds():
    class Holds(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mine = torch.zeros(7)
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            return grad

    out = Holds.apply(torch.ones(3, requires_grad=True)).sum()
    assert [t.numel() for t in held(out.grad_fn, set())] == [7]


def test_a_start_is_random_unit_atoms_with_encoders_equal_to_them():
    shape = Shape(SYSTEMS["cosae"], {"x": 5, "y": 5, "z": 5}, 24, joint_decoder=True)
    start = initial(shape, [3, 8], torch.float64)
    atoms = {s: atoms_of(start, shape, s) for s in "xyz"}
    for s in "xyz":
        assert torch.equal(start[f"encoder.{s}"], atoms[s])
        torch.testing.assert_close(atoms[s].norm(dim=-1), torch.ones(2, 24, dtype=torch.float64))
        assert not start[f"bias.{s}"].any()
        assert not start[f"offset.{s}"].any()
        assert (atoms[s][0] - atoms[s][1]).abs().max() > 0.1
        assert torch.equal(initial(shape, [8], torch.float64)[f"encoder.{s}"][0], atoms[s][1])
    assert min((atoms[i] - atoms[j]).abs().max() for i, j in ("xy", "xz", "yz")) > 0.1
    same = initial(shape, [3, 8], torch.float64, same=True)
    assert torch.equal(same["encoder.x"], same["encoder.z"])


def test_presets_are_what_the_table_of_systems_says():
    assert {name: set(s.guarantee) for name, s in SYSTEMS.items()} == {
        "sae": {"REC"},
        "transcoder": {"TR"},
        "skip-transcoder": {"TR"},
        "crosscoder": {"REC"},
        "usae": {"REC", "TR"},
        "sae-a": {"REC"},
        "sparc": {"REC", "TR"},
        "cosae": {"REC", "TR", "CC"},
    }
    assert SYSTEMS["sparc"].terms(3) == {"nREC": 1 / 3, "nTR": 1 / 6}
    assert SYSTEMS["sparc"].terms(1) == {"nREC": 1.0}
    assert set(SYSTEMS["cosae"].terms(2)) == {"REC", "TR", "CC", "dTR", "dCC"}
    assert 1e-4 <= SYSTEMS["sae-a"].terms(2)["cCC"] <= 4e-4
    assert (SYSTEMS["usae"].edges, SYSTEMS["usae"].update) == ("source", "source")


def test_a_system_is_registered_once(monkeypatch):
    monkeypatch.setattr(systems, "SYSTEMS", dict(SYSTEMS))
    mine = System("mine", "REC alone", lambda S: {"REC": 1.0})
    register_system(mine)
    assert systems.SYSTEMS["mine"] is mine
    with pytest.raises(ValueError, match="the name 'mine' is taken by another system"):
        register_system(replace(mine, selection="topk"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"selection": "best"}, "selection is 'best'; use one of relu, topk, batchtopk"),
        ({"sharing": "some"}, "sharing is 'some'; use one of independent, summed, weights, support"),
        ({"edges": "none"}, "edges is 'none'; use one of all, source, first"),
        ({"update": "none"}, "update is 'none'; use one of all, source"),
        ({"update": "source"}, "use edges 'source'"),
        ({"sharing": "support"}, "use selection 'topk'"),
    ],
)
def test_what_does_not_exist_or_go_together_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        replace(SYSTEMS["cosae"], **change)

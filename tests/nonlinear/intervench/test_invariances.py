"""What must change nothing: the order and the scale of atoms, the frame of a stream, names, dead atoms."""

import numpy as np
import pytest
from scipy.stats import binom

from nonlinear.data import Array
from nonlinear.intervench import domains, stages
from nonlinear.intervench.domains import Bench
from nonlinear.intervench.planted import ATOMS, WIDTH, Planted, PlantedCoder, planted
from nonlinear.intervench.spaces import Latent
from theory.ambiguity.rotations import haar

from .shared import (
    DIAGONAL,
    EDGES,
    OFF,
    SAME_ROWS,
    SMALL,
    SPACES,
    difference,
    entry,
    finite,
    imperfect,
    mapped,
    numbers,
    score,
    value,
    with_coders,
)

EXACT, CLOSE = 1e-9, 1e-6


@pytest.fixture(scope="module")
def data():
    return imperfect()


@pytest.fixture(scope="module")
def reference(data):
    return score(data)


def distance(found, reference):
    return difference(numbers(found), numbers(reference))


def test_the_reference_has_something_to_lose(reference):
    gated = [entry(reference, m, e)["gated"] for m in reference["metrics"] for e in EDGES]
    assert len({round(g, 2) for g in gated}) >= 10
    assert min(gated) < 0.9
    assert 0.5 < value(reference, "S_trans") < 0.97


def test_identical_domains_make_off_diagonal_entries_diagonal_ones(data):
    both = {s: data.coders["A"] for s in "AB"}
    found = score(with_coders(data, both, {s: data.sources["A"] for s in "AB"}))
    for metric in found["metrics"]:
        for edge in EDGES:
            assert entry(found, metric, edge) == entry(found, metric, ("A", "A"))


def test_the_same_permutation_of_both_dictionaries(data, reference):
    order = np.random.default_rng(1).permutation(ATOMS)
    found = score(mapped(data, SAME_ROWS, lambda s, D: D[order], lambda s, Z: Z[:, order]))
    assert distance(found, reference) <= CLOSE
    back = np.append(order, -1)
    for key, atoms in found["selected_atoms"].items():
        expected = np.array(reference["selected_atoms"][key])
        if key.startswith("subset/"):
            np.testing.assert_array_equal(atoms, expected)
        elif key.startswith("atoms/"):
            np.testing.assert_array_equal(back[np.array(atoms)], expected)
        else:
            np.testing.assert_array_equal(np.sort(back[np.array(atoms)]), expected)


def test_swapping_the_domains_transposes(data, reference):
    swapped = {"A": "B", "B": "A"}
    swap = lambda d: {s: d[swapped[s]] for s in "AB"}  # noqa: E731
    found = score(Planted(swap(data.sources), swap(data.coders), swap(data.labels), swap(data.forget)))
    assert difference(numbers(found, swapped.get), numbers(reference)) <= EXACT


def test_a_rotation_of_one_stream_together_with_its_coder(data, reference):
    Q = {"A": np.eye(WIDTH), "B": haar(WIDTH, np.random.default_rng(2))}
    rows = lambda s, X: X @ Q[s], lambda s, X: X @ Q[s].T
    found = score(mapped(data, rows, lambda s, D: D @ Q[s], lambda s, Z: Z))
    assert distance(found, reference) <= CLOSE


@pytest.mark.parametrize("count", [8, 68])
def test_dead_atoms_appended(data, reference, count):
    found = score(
        mapped(
            data,
            SAME_ROWS,
            lambda s, D: np.concatenate([D, np.zeros((count, WIDTH))]),
            lambda s, Z: np.pad(Z, ((0, 0), (0, count))),
        )
    )
    assert distance(found, reference) <= CLOSE
    assert found["selected_atoms"] == reference["selected_atoms"]


def test_a_large_constant_added_to_the_rows(data, reference):
    class Shifted(PlantedCoder):
        def decode(self, Z):
            return super().decode(Z) + 1e3

    coders = {s: Shifted(c.dictionary, lambda X, c=c: c.encode(X - 1e3)) for s, c in data.coders.items()}
    sources = {s: Array(rows.array + 1e3, s) for s, rows in data.sources.items()}
    assert distance(score(with_coders(data, coders, sources)), reference) <= CLOSE


def test_the_scale_of_a_stream_and_of_every_atom(data, reference):
    rng = np.random.default_rng(3)
    scale, norms = {"A": 1.0, "B": 40.0}, {"A": 7.0, "B": rng.uniform(0.1, 10, ATOMS)}
    rows = lambda s, X: X * scale[s], lambda s, X: X / scale[s]
    found = score(mapped(data, rows, lambda s, D: (D.T * norms[s] * scale[s]).T, lambda s, Z: Z / norms[s]))
    assert distance(found, reference) <= CLOSE


def test_the_size_of_blocks(data, reference):
    assert distance(score(data, SMALL.model_copy(update={"block": 97})), reference) <= EXACT


def test_the_labels_of_test_rows_choose_nothing(data):
    """A split by class depends on all labels, so it is given: what else they say must not reach any choice."""
    parts = domains.split(data.labels["A"], SMALL)
    test, rng = parts["test"], np.random.default_rng(4)

    def changed(of):
        found = {s: v.copy() for s, v in of.items()}
        for v in found.values():
            v[test] = rng.permutation(v[test])
        return found

    other = Planted(data.sources, data.coders, changed(data.labels), changed(data.forget))
    for s in "AB":
        again = domains.split(other.labels[s], SMALL, parts)
        for part, rows in domains.split(data.labels[s], SMALL, parts).items():
            np.testing.assert_array_equal(again[part], rows)
            assert part == "fit" or np.array_equal(rows, parts[part])
    found, reference = score(other, split=parts), score(data, split=parts)
    assert found["selected_atoms"] == reference["selected_atoms"]
    assert distance(found, reference) > 0.1


def test_random_labels_leave_chance(data):
    rng, n = np.random.default_rng(6), 1500
    labels, forget = rng.permutation(np.arange(n) % 10), rng.permutation(np.arange(n) % 2)
    oracle = planted(n, 5)
    found = score(Planted(oracle.sources, oracle.coders, dict.fromkeys("AB", labels), dict.fromkeys("AB", forget)))
    assert finite(found)
    # 1e−5 for each of eight probes, with a tenth of the 300 test rows right by chance
    least, most = binom.ppf([1e-5, 1 - 1e-5], 300, 0.1) / 300
    for edge in EDGES:
        for space in SPACES:
            assert least <= entry(found, f"probe/{space}", edge)["raw"] <= most
            for metric in ("unlearning", "tpp"):
                one = entry(found, f"{metric}/{space}", edge)
                assert one["gated"] == 0
                assert one["status"] in ("undefined", "gated")
        assert entry(found, "faithfulness", edge)["status"] == "undefined"
    # What is left: R², which no label enters, and probes at chance
    for name, members in (("S_ext", 8), ("S_trans", 5)):
        assert abs(value(found, name) - 1 / members) <= 2 * most / members
    assert value(found, "S_cons") <= most / 3


def test_latent_probes_never_ask_the_encoder(data):
    calls = []

    def counting(coder):
        def encode(X):
            calls.append(len(X))
            return coder.encode(X)

        return PlantedCoder(coder.dictionary, encode)

    bench = Bench(data.sources, {s: counting(c) for s, c in data.coders.items()}, data.labels, SMALL)
    assert calls
    calls.clear()
    bench.Z.clear()
    for i, j in (*DIAGONAL, *OFF):
        assert f"probe/latent/5/{i}/{j}" in stages.probing(bench, Latent(bench), i)
    assert not calls

"""What an ablation removes and what probes say then: from first principles, with scikit-learn's probes."""

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

from nonlinear.intervench.benchmark import _stages
from nonlinear.intervench.domains import Bench
from nonlinear.intervench.interventions import forgetting, subsets
from nonlinear.intervench.planted import ATOMS, PlantedCoder, planted
from nonlinear.intervench.scores import _product
from nonlinear.intervench.spaces import Concept, Latent

from .shared import EDGES, SMALL, SPACES, entry, imperfect, score, value

# A row on the edge of a class may fall to either side: two probes need not agree on more than this share of rows.
ROWS = 0.01


@pytest.fixture(scope="module")
def data():
    return imperfect(800)


def bench_of(data, **changes):
    return Bench(data.sources, data.coders, data.labels, SMALL.model_copy(update=changes), data.forget)


def probe(F, y):
    if not F.shape[1]:
        return DummyClassifier().fit(F, y)
    weight = SMALL.penalty / 2 if len(np.unique(y)) == 2 else SMALL.penalty
    return LogisticRegression(C=1 / (weight * len(y)), solver="newton-cg", tol=1e-8, max_iter=1000).fit(F, y)


class Oracle:
    """Features of one stream in the units of the benchmark, computed again."""

    def __init__(self, data, bench, s):
        X, coder, parts = data.sources[s].array, data.coders[s], bench.parts
        mean = X[parts["train"]].mean(0)
        scale = np.sqrt(X.shape[1] / ((X[parts["train"]] - mean) ** 2).sum(1).mean())
        self.x, self.D, self.b = (X - mean) * scale, coder.dictionary, -mean * scale
        Z = coder.encode(X) * np.linalg.norm(coder.dictionary, axis=1) * scale
        self.z = Z / np.sqrt((Z[parts["train"]][Z[parts["train"]] != 0] ** 2).mean())

    def features(self, space, S):
        if space == "concept":
            return np.where(np.isin(np.arange(self.z.shape[1]), S), 0, self.z)
        if not len(S):
            return self.x
        D = self.D[S]
        return self.x - ((self.x - self.b) @ np.linalg.pinv(D)) @ D

    def kept(self, space, F, atoms):
        unit = self.D[atoms] / np.linalg.norm(self.D[atoms], axis=1, keepdims=True)
        return F @ unit.T if space == "latent" else F[:, atoms]


@pytest.mark.parametrize("retrain", ["full", "support", "frozen"])
def test_unlearning_from_first_principles(data, retrain):
    config = SMALL.model_copy(update={"retrain": retrain})
    found, bench = score(data, config), bench_of(data, retrain=retrain)
    parts = bench.parts
    spaces = {"latent": Latent(bench), "concept": Concept(bench)}
    for s, space in spaces.items():
        for i, j in EDGES:
            oracle, S = Oracle(data, bench, j), np.array(found["selected_atoms"][f"ablated/unlearning/{s}/{i}"])
            # At most a tenth of the atoms that fire: of the 39 of A two, of the 52 of B five
            forget_order = spaces["concept"].order(i, "attribute", {"A": 2, "B": 5}[i])
            supports = {"utility": np.unique(space.order(i, "class", 5)), "forget": np.unique(forget_order)}
            assert any(set(S) == set(forget_order[:, :n].ravel()) for n in (2, 5))
            shares = {}
            for task, y in (("utility", data.labels[j]), ("forget", data.forget[j])):
                support = supports[task]
                whole, ablated = oracle.features(s, []), oracle.features(s, S)
                if retrain == "support":
                    whole = oracle.kept(s, whole, support)
                    ablated = oracle.kept(s, ablated, np.setdiff1d(support, S))
                before = probe(whole[parts["fit"]], y[parts["fit"]])
                after = before if retrain == "frozen" else probe(ablated[parts["fit"]], y[parts["fit"]])
                F, of = {"A": whole, "ablated": ablated}, y[parts["test"]]
                right = {"A": before, "ablated": after}
                right = {k: right[k].predict(F[k][parts["test"]]) == of for k in F}
                if task == "utility":
                    A, A_ablated = right["A"].mean(), right["ablated"].mean()
                    A_0 = (of == np.bincount(y[parts["fit"]]).argmax()).mean()
                else:
                    A, A_ablated = (np.mean([r[of == v].mean() for v in (0, 1)]) for r in right.values())
                    A_0 = 0.5
                shares[task] = (A_ablated - A_0) / (A - A_0)
            kept, lost = shares["utility"], 1 - shares["forget"]
            expected = -abs(kept * lost) if min(kept, lost) < 0 else kept * lost
            # Forget shares are over half of the accuracy
            assert abs(entry(found, f"unlearning/{s}", (i, j))["raw"] - expected) <= 4 * ROWS, (s, i, j)


@pytest.mark.parametrize("retrain", ["support", "frozen"])
def test_no_stage_overwrites_what_another_one_found(data, retrain):
    rows = {}
    for name, compute in _stages(bench_of(data, retrain=retrain)):
        for key, values in compute().items():
            if key in rows:
                np.testing.assert_array_equal(values, rows[key], err_msg=f"{key}, again in {name}")
            rows[key] = values


@pytest.mark.parametrize(("selection", "counts"), [("omp", (2, 5)), ("difference", (5,))])
def test_what_a_perfect_ablation_removes(selection, counts):
    """The atoms of the attribute; of a subset of classes, theirs and no other's, not even if there are too few."""
    data = planted(1000, 4)
    found = score(data, SMALL.model_copy(update={"selection": selection, "counts": counts}))
    for s in SPACES:
        for i in "AB":
            atoms = found["selected_atoms"]
            assert {ATOMS - 2, ATOMS - 1} <= set(atoms[f"ablated/unlearning/{s}/{i}"])
            classes = atoms["subset/0"]
            own = {3 * c + k for c in classes for k in range(3)}
            ablated = set(atoms[f"ablated/tpp/0/{s}/{i}"])
            assert len(ablated & own) >= 2 * len(classes)
            assert not ablated & (set(range(30)) - own)


def test_atoms_that_never_fire_are_never_ablated():
    """Latent probes see them by the dictionary, and yet they stand for nothing."""
    data, deaf = planted(800, 4), [0, 1, 2, ATOMS - 2, ATOMS - 1]

    def silent(coder):
        fires = ~np.isin(np.arange(ATOMS), deaf)
        return PlantedCoder(coder.dictionary, lambda X: coder.encode(X) * fires)

    found = score(type(data)(data.sources, {s: silent(c) for s, c in data.coders.items()}, data.labels, data.forget))
    ablated = {k: v for k, v in found["selected_atoms"].items() if k.startswith(("ablated/unlearning", "ablated/tpp"))}
    assert len(ablated) == 8
    for atoms in ablated.values():
        assert atoms
        assert not set(atoms) & set(deaf)
    assert {0, 1, 2} <= set(found["selected_atoms"]["atoms/latent/A"][0])
    for edge in EDGES:
        assert entry(found, "unlearning/latent", edge)["gated"] <= 0.1


@pytest.mark.parametrize("subset", [None, 2, 3, 8, 9])
def test_subsets_leave_two_classes_on_either_side(data, subset):
    found = subsets(bench_of(data, subset=subset, subsets=4))
    assert len(found) == (0 if subset == 9 else 4)
    for C in found:
        assert len(C) == len(set(C)) == (subset or 2)
        assert set(C) < set(range(10))
    if found:
        assert len({tuple(C) for C in found}) > 1


def test_fewer_than_four_classes_have_no_targeted_perturbation():
    data = planted(600, 1)
    three = {s: y % 3 for s, y in data.labels.items()}
    found = score(type(data)(data.sources, data.coders, three, data.forget))
    assert not [m for m in found["metrics"] if m.startswith("tpp")]
    assert found["aggregates"]["S_trans"]["metrics"] == ["r2", "faithfulness", "probe/latent", "unlearning/latent"]
    expected = [entry(found, m, e)["gated"] for m in found["metrics"] for e in EDGES[:2]]
    assert value(found, "S_ext") == pytest.approx(np.mean(expected), abs=1e-12)


def test_design_and_score_are_one_formula():
    rng = np.random.default_rng(0)
    for _ in range(500):
        A, A_ablated, A_0, B, B_ablated, B_0 = rng.random(6)
        product, ok = _product(*(np.array([v]) for v in (A, A_ablated, A_0, B, B_ablated, B_0)))
        expected = float(np.clip(product[0], 0, 1)) if ok[0] else 0.0
        assert forgetting(A, A_ablated, A_0, B, B_ablated, B_0) == pytest.approx(expected, abs=1e-12)

"""Rows, atoms and projections: units from first principles, ablations of any rank, dictionaries of any Gram."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from nonlinear.data import Array
from nonlinear.intervench import domains
from nonlinear.intervench.domains import Bench
from nonlinear.intervench.planted import PlantedCoder, overcomplete, planted
from nonlinear.intervench.probe import Probe
from nonlinear.intervench.spaces import Concept, Latent
from theory.similarity import r_squared

from .shared import DIAGONAL, EDGES, OFF, SMALL, difference, entry, imperfect, numbers, score, with_coders


@pytest.fixture(scope="module")
def data():
    return imperfect(1000)


@pytest.fixture(scope="module")
def found(data):
    return score(data)


@pytest.fixture(scope="module")
def parts(data):
    return domains.split(data.labels["A"], SMALL)


def test_the_split_is_by_class_and_into_disjoint_parts(data, parts):
    y = data.labels["A"]
    everything = np.concatenate([parts[p] for p in ("train", "validation", "test")])
    np.testing.assert_array_equal(np.sort(everything), np.arange(len(y)))
    for part, count in (("train", 60), ("validation", 20), ("test", 20), ("fit", 50)):
        assert set(np.bincount(y[parts[part]])) == {count}
    assert set(domains.split(y, SMALL.model_copy(update={"rows_per_class": 7}))["fit"]) <= set(parts["train"])


def units(data, parts, s):
    X = data.sources[s].array[parts["train"]]
    return X.mean(0), np.sqrt(X.shape[1] / ((X - X.mean(0)) ** 2).sum(1).mean())


def translation(data, parts, i, j, rows):
    """Rows of j from the codes of i, in the own units of j: codes for atoms of norm 1 where both streams vary alike."""
    a, b, Z = data.coders[i], data.coders[j], data.coders[i].encode(data.sources[i].array[rows])
    folded = Z * np.linalg.norm(a.dictionary, axis=1) * units(data, parts, i)[1]
    unit = b.dictionary / np.linalg.norm(b.dictionary, axis=1, keepdims=True)
    return folded @ unit / units(data, parts, j)[1]


def test_r2_from_first_principles(data, found, parts):
    for i, j in EDGES:
        x = data.sources[j].array[parts["test"]]
        estimate = translation(data, parts, i, j, parts["test"])
        assert entry(found, "r2", (i, j))["raw"] == pytest.approx(r_squared(estimate, x), abs=1e-9)
        if i == j:
            plain = data.coders[i].decode(data.coders[i].encode(x))
            assert entry(found, "r2", (i, j))["raw"] == pytest.approx(r_squared(plain, x), abs=1e-9)


def test_the_cycle_from_first_principles(data, found, parts):
    """Rows of i there and back, through the encoder of j."""
    for i, j in OFF:
        there = translation(data, parts, i, j, parts["test"])
        as_rows = with_coders(data, data.coders, {**data.sources, j: Array(_placed(data, parts, j, there), j)})
        back = translation_of(as_rows, data, parts, j, i)
        x = data.sources[i].array[parts["test"]]
        assert found["cycle"][f"{i}->{j}->{i}"] == pytest.approx(r_squared(back, x), abs=1e-9)


def _placed(data, parts, s, rows):
    X = data.sources[s].array.copy()
    X[parts["test"]] = rows
    return X


def translation_of(changed, data, parts, i, j):
    """As :func:`translation` with the changed rows of i, in the units of the data."""
    a, b = data.coders[i], data.coders[j]
    Z = a.encode(changed.sources[i].array[parts["test"]])
    folded = Z * np.linalg.norm(a.dictionary, axis=1) * units(data, parts, i)[1]
    unit = b.dictionary / np.linalg.norm(b.dictionary, axis=1, keepdims=True)
    return folded @ unit / units(data, parts, j)[1]


def test_faithfulness_from_first_principles(data, found, parts):
    y = data.labels["A"]
    for i, j in EDGES:
        mean, scale = units(data, parts, j)
        x, X = lambda rows, m=mean, c=scale: (rows - m) * c, data.sources[j].array
        probe = LogisticRegression(C=1 / (SMALL.penalty * len(parts["fit"])), tol=1e-8, max_iter=5000)
        probe.fit(x(X[parts["fit"]]), y[parts["fit"]])
        estimates = X[parts["test"]], translation(data, parts, i, j, parts["test"]), np.zeros_like(X[parts["test"]])
        L, translated, at_0 = (log_loss(y[parts["test"]], probe.predict_proba(x(e))) for e in estimates)
        expected = 1 - (translated - L) / (at_0 - L)
        assert entry(found, "faithfulness", (i, j))["raw"] == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("kind", ["independent", "twice the same", "more than dimensions", "a zero atom"])
def test_ablation_projects_on_what_is_orthogonal_to_the_atoms(kind):
    data, rng = planted(600, 2), np.random.default_rng(3)
    D = rng.standard_normal((90, 64))
    S = {
        "independent": [3, 8, 20],
        "twice the same": [3, 8, 20, 40],
        "a zero atom": [3, 50],
        "more than dimensions": range(70),
    }[kind]
    D[40], D[50] = -2 * D[3], 0
    offset = 5 * rng.standard_normal(64)

    class Offset(PlantedCoder):
        def decode(self, Z):
            return super().decode(Z) + offset

    coder = Offset(D, lambda X: np.zeros((len(X), 90)))
    bench = Bench(data.sources, dict.fromkeys("AB", coder), data.labels, SMALL)
    S, domain = np.array(list(S)), bench.domains["A"]
    left = Latent(bench).features("A", "test", S) - domain.b
    x = bench.X["A", "test"] - domain.b
    assert np.abs(left @ domain.D[S].T).max() <= 1e-9 * np.abs(x).max()
    # The nearest such rows: what was removed lies in the span of the atoms, by least squares
    removed = np.linalg.lstsq(D[S].T, x.T, rcond=None)[0].T @ D[S]
    np.testing.assert_allclose(left, x - removed, atol=1e-9 * np.abs(x).max())
    np.testing.assert_array_equal(Latent(bench).features("A", "test", S[:0]), bench.X["A", "test"])


def test_ablated_codes_are_zero_and_others_as_before(data):
    bench = Bench(data.sources, data.coders, data.labels, SMALL)
    space, S = Concept(bench), np.array([1, 17, 30])
    whole, left = space.features("A", "test").toarray(), space.features("A", "test", S).toarray()
    assert whole[:, S].any(0).all()
    assert not left[:, S].any()
    keep = np.setdiff1d(np.arange(bench.n_atoms), S)
    np.testing.assert_array_equal(left[:, keep], whole[:, keep])
    np.testing.assert_array_equal(space.features("A", "test").toarray(), whole)


def test_probes_travel_by_their_weights(data):
    """Latent: θ = Dᵀw with the atoms of the other stream; concept: the same w on its codes, in its own units."""
    bench, rng = Bench(data.sources, data.coders, data.labels, SMALL), np.random.default_rng(4)
    w = Probe(rng.standard_normal((10, bench.n_atoms)), rng.standard_normal(10))
    for i, j in EDGES:
        latent, concept = Latent(bench), Concept(bench)
        x, D = bench.X[j, "test"], bench.domains[j].D
        expected = (x @ D.T) @ w.W.T + w.b
        np.testing.assert_allclose(latent.transferred(w, i, j).logits(latent.features(j, "test")), expected, atol=1e-9)
        # A probe of features z/unit says the same of codes as one of weights w/unit
        expected = bench.Z[j, "test"].toarray() @ (w.W / concept.unit[i]).T + w.b
        found = concept.transferred(w, i, j).logits(concept.features(j, "test"))
        np.testing.assert_allclose(found, expected, atol=1e-9)


def test_latent_probes_travel_between_overcomplete_dictionaries_of_equal_grams_alone(closing_lines):
    """Perfect codes everywhere: what is lost is lost to the Grams, and the ceiling says how much."""
    lines = closing_lines("latent probes of overcomplete dictionaries with perfect codes")
    probes_alone, diagonals = SMALL.model_copy(update={"subset": 9, "penalty": 1e-3}), {}
    for gram in ("equal", "different"):
        found = score(overcomplete(1500, 6, gram == "equal"), probes_alone)
        diagonals[gram] = [entry(found, "probe/latent", e)["raw"] for e in DIAGONAL]
        off = [entry(found, "probe/latent", e)["raw"] for e in OFF]
        ceiling = list(found["ceiling"]["latent"].values())
        lines.append(
            f"{gram:9} Grams: diagonal {_text(diagonals[gram])}, transfer {_text(off)}, ceiling {_text(ceiling)}"
        )
        assert min(entry(found, "r2", e)["raw"] for e in EDGES) >= 0.99
        assert min(entry(found, "probe/concept", e)["raw"] for e in EDGES) >= 0.95
        if gram == "equal":
            assert np.abs(np.subtract(off, diagonals[gram])).max() <= 0.02
            assert np.abs(np.subtract(off, ceiling)).max() <= 0.02
        else:
            assert max(np.subtract(off, ceiling)) <= -0.05
            assert max(np.subtract(off, diagonals[gram])) <= -0.05


def _text(values):
    return " and ".join(f"{v:.2f}" for v in values)


def test_flat_documents_differ_where_documents_do(found):
    flat = numbers(found)
    assert difference(flat, flat) == 0
    assert difference(flat, flat | {"r2/AB/raw": flat["r2/AB/raw"] + 0.5}) == pytest.approx(0.5)
    assert difference(flat, flat | {"r2/AB/status": "undefined"}) == np.inf

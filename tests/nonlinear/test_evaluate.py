"""Coders set by hand, whose evaluation is known: exact, permuted, noisy, with dead atoms, constants, missing rows."""

import json

import numpy as np
import pytest
import torch
from sklearn.metrics import r2_score

from nonlinear.blocks import Points
from nonlinear.data import Array, Normaliser
from nonlinear.evaluate import evaluate
from theory import discrepancy
from theory.levels import Distribution

from .handmade import ACTIVE, LEAST, Planted, assert_same, flat, model, sparse_codes

EPS = np.finfo(np.float64).eps
# Rounding of sums over some hundred rows of some tens of columns.
ROUNDING = 1e-11
ORDER = np.roll(np.arange(12), 1)


def r2(estimate, reference):
    return r2_score(reference, estimate, multioutput="variance_weighted")


@pytest.fixture(scope="module")
def planted():
    return Planted()


@pytest.fixture(scope="module")
def noisy():
    return Planted(seed=1, noise=0.1)


@pytest.fixture(scope="module")
def perfect(planted):
    return evaluate(planted.perfect(), planted.sources, labels=planted.labels, truth=planted.truth)


@pytest.fixture(scope="module")
def permuted(planted):
    return evaluate(planted.perfect(order=ORDER), planted.sources, labels=planted.labels, truth=planted.truth)


def test_exact_coders_score_one_everywhere(perfect):
    found = perfect["standalone"]
    for name in ("REC", "TR", "CC", "CYC"):
        values = [v for p, v in flat(found["r2"][name]).items() if p.endswith("/value")]
        assert values == pytest.approx([1.0, 1.0], abs=ROUNDING)
    for s in "xy":
        stream = found["streams"][s]
        assert (stream["l0"], stream["dead"], stream["rows"]) == (ACTIVE, 0.0, 300)
        assert stream["truth"] == pytest.approx({"cosine": 1.0, "correlation": 1.0, "correlation_by_cosine": 1.0})
    pair = found["pairs"]["x"]["y"]
    assert (pair["support_jaccard"], pair["iou"], pair["cofiring"]) == (1.0, 1.0, {"x": 1.0, "y": 1.0})
    assert pair["matching"] == {"matched": pytest.approx(1.0), "identity": pytest.approx(1.0), "fixed": 1.0}
    assert pair["decoders"]["relative_norm"]["median"] == pytest.approx(0.5)
    assert found["firing_entropy"]["min"] == pytest.approx(1.0)
    assert found["label_jaccard"] == {"all": 1.0, "live": 1.0}
    for entry in (*found["retrieval"]["latent"].values(), *found["retrieval"]["cross_reconstruction"].values()):
        assert next(iter(entry.values()))["recall@1"] == 1.0
    assert {v["mrr"] for v in found["retrieval"]["reconstruction"].values()} == {1.0}
    assert perfect["undefined"] == {"standalone/pairs/x/y/decoders/cosine": "the decoders are of widths 16 and 14"}


def test_nulls_stand_beside_and_tell_the_pairing(perfect, planted):
    found = perfect["standalone"]
    # Exact codes: the estimate is another row of the same law, so R² is 1 − 2·variance/variance.
    assert found["r2"]["TR"]["x"]["y"]["shuffled"] == pytest.approx(-1.0)
    assert found["r2"]["CC"]["y"]["x"]["shuffled"] == pytest.approx(-1.0)
    # Two random sets of 3 out of 12 share 3/4 of an atom on average.
    assert 0.1 < found["pairs"]["x"]["y"]["support_jaccard_shuffled"] < 0.2


def test_consistency_never_stands_alone(perfect):
    beside = perfect["standalone"]["r2"]["CC"]["x"]["y"]["beside"]
    streams = perfect["standalone"]["streams"]
    assert beside.keys() == {"x", "y"}
    for s, guards in beside.items():
        assert guards["REC"] == perfect["standalone"]["r2"]["REC"][s]["value"]
        assert {name: guards[name] for name in ("dead", "l0", "code_variance")} == {
            name: streams[s][name] for name in ("dead", "l0", "code_variance")
        }


def test_permuted_atoms_reconstruct_but_do_not_translate(planted, permuted):
    found, C, A = permuted["standalone"], planted.codes, planted.A
    for s in "xy":
        assert found["r2"]["REC"][s]["value"] == pytest.approx(1.0, abs=ROUNDING)
        assert found["streams"][s]["truth"]["cosine"] == pytest.approx(1.0)
        assert found["streams"][s]["truth"]["correlation"] == pytest.approx(1.0)
    # y's atom l is true atom ORDER[l]: x's codes decode to the wrong atoms, and its own are C[:, ORDER].
    assert found["r2"]["TR"]["x"]["y"]["value"] == pytest.approx(r2(C @ A["y"][ORDER], C @ A["y"]), abs=ROUNDING)
    assert found["r2"]["TR"]["y"]["x"]["value"] == pytest.approx(r2(C[:, ORDER] @ A["x"], C @ A["x"]), abs=ROUNDING)
    assert found["r2"]["CC"]["x"]["y"]["value"] == pytest.approx(r2(C, C[:, ORDER]), abs=ROUNDING)
    assert found["r2"]["CYC"]["x"]["y"]["value"] == pytest.approx(1.0, abs=ROUNDING)
    assert found["r2"]["TR"]["x"]["y"]["value"] < 0
    matching = found["pairs"]["x"]["y"]["matching"]
    assert (matching["matched"], matching["fixed"]) == (pytest.approx(1.0), 0.0)
    assert matching["identity"] < 0.2
    assert found["label_jaccard"]["live"] < 0.5
    retrieved = found["retrieval"]
    assert retrieved["reconstruction"]["y"]["recall@1"] == 1.0
    for i, j in (("x", "y"), ("y", "x")):
        assert retrieved["cross_reconstruction"][i][j]["recall@10"] < 0.5
        assert retrieved["latent"][i][j]["recall@10"] < 0.5
    # The law of the codes is nearly the same in every order of the atoms: only the pairing tells.
    assert found["distances"]["dCC"]["x"]["y"]["biased"] < 3 * found["distances"]["dCC"]["x"]["y"]["floor"]


def untrained(noisy):
    """A model that does nothing well: random encoders and decoders, biases, offsets and a threshold."""
    rng = np.random.default_rng(5)
    coders = {s: (rng.normal(size=(12, A.shape[1])), rng.normal(size=(12, A.shape[1]))) for s, A in noisy.A.items()}
    bias, offsets = (
        {s: rng.normal(size=k) for s, k in zip("xy", sizes, strict=True)} for sizes in ((12, 12), (16, 14))
    )
    return coders, bias, offsets, model("cosae", coders, bias=bias, offsets=offsets, threshold=0.7)


def test_every_r2_is_that_of_scikit_learn_on_codes_of_our_own(noisy):
    coders, bias, offsets, trained = untrained(noisy)

    def encode(s, x):
        z = x @ coders[s][0].T + bias[s]
        return z * (z >= 0.7)

    def decode(s, z):
        return z @ coders[s][1] + offsets[s]

    found = evaluate(trained, noisy.sources, block=77)["standalone"]["r2"]
    for i, j in (("x", "y"), ("y", "x")):
        xi, xj = noisy.rows[i], noisy.rows[j]
        expected = {
            "TR": r2(decode(j, encode(i, xi)), xj),
            "CC": r2(encode(i, xi), encode(j, xj)),
            "CYC": r2(decode(i, encode(j, decode(j, encode(i, xi)))), xi),
        }
        assert {n: found[n][i][j]["value"] for n in expected} == pytest.approx(expected, rel=1e-9)
        assert found["REC"][i]["value"] == pytest.approx(r2(decode(i, encode(i, xi)), xi), rel=1e-9)


def test_block_size_and_the_progress_of_blocks(noisy):
    _, _, _, trained = untrained(noisy)
    given = {"labels": noisy.labels, "truth": noisy.truth, "sample": 100}
    whole = evaluate(trained, noisy.sources, **given)
    for block in (1, 7, 299, 300):
        shares = []
        found = evaluate(trained, noisy.sources, block=block, on_progress=lambda _, s: shares.append(s), **given)  # noqa: B023
        assert_same(whole, found, 1e-9)
        assert shares == sorted(shares)
        assert (len(shares), shares[-1]) == (-(-300 // block) + 1, 1.0)


def test_the_order_of_the_rows_changes_nothing_when_ids_go_along(noisy):
    _, _, _, trained = untrained(noisy)
    expected = evaluate(trained, noisy.sources, labels=noisy.labels, truth=noisy.truth, sample=100)
    rng = np.random.default_rng(0)
    orders = {s: rng.permutation(noisy.n) for s in "xy"}
    sources = {s: Array(noisy.rows[s][o]) for s, o in orders.items()}
    labels = {s: noisy.labels[o] for s, o in orders.items()}
    truth = {"atoms": noisy.A, "codes": {s: noisy.codes[o] for s, o in orders.items()}}
    found = evaluate(trained, sources, orders, labels=labels, truth=truth, sample=100)
    assert_same(expected, found, 1e-9)
    # Without the ids the pairs are lost, so the ids were used.
    assert evaluate(trained, sources)["standalone"]["r2"]["TR"] != expected["standalone"]["r2"]["TR"]


def test_dead_atoms_appended_change_nothing_but_their_share(noisy, planted):
    A, expected = planted.A, evaluate(planted.perfect(), noisy.sources, labels=noisy.labels, truth=noisy.truth)
    more = np.random.default_rng(0).normal(size=(5, 16))
    coders = {}
    for s, atoms in A.items():
        extra = more[:, : atoms.shape[1]]
        coders[s] = (np.concatenate([atoms, 0 * extra]), np.concatenate([atoms, extra]))
    found = evaluate(model("cosae", coders), noisy.sources, labels=noisy.labels, truth=noisy.truth)
    assert_same(expected, found, ROUNDING, but=("dead", "atoms", "all"))
    before, after = (d["standalone"]["label_jaccard"]["all"] for d in (expected, found))
    assert after == pytest.approx(before * 12 / 17)
    assert found["standalone"]["streams"]["x"]["dead"] == pytest.approx(
        (expected["standalone"]["streams"]["x"]["dead"] * 12 + 5) / 17
    )


@pytest.mark.parametrize("constant", [1e3, 1e6])
def test_a_large_constant_in_the_rows_changes_no_r2(noisy, constant):
    expected = evaluate(noisy.perfect(), noisy.sources)["standalone"]["r2"]
    sources = {s: Array(x + constant) for s, x in noisy.rows.items()}
    means = {s: Normaliser("variance", np.full(A.shape[1], constant), 1.0) for s, A in noisy.A.items()}
    # What is lost is the rounding of the rows themselves.
    rounding = 1000 * EPS * constant
    assert_same(expected, evaluate(noisy.perfect(normalisers=means), sources)["standalone"]["r2"], rounding)
    # The same without any normalisation: the coder itself takes the constant off and puts it back.
    given = {
        "bias": {s: -constant * A.sum(1) for s, A in noisy.A.items()},
        "offsets": {s: np.full(A.shape[1], constant) for s, A in noisy.A.items()},
    }
    # REC of an orthonormal basis of a part of the space leaves the constant's part outside it to the offset.
    assert_same(expected, evaluate(noisy.perfect(**given), sources)["standalone"]["r2"], 10 * rounding)


def test_units_of_the_rows_change_no_r2(noisy):
    expected = evaluate(noisy.perfect(), noisy.sources)["standalone"]
    sources = {s: Array(100 * x) for s, x in noisy.rows.items()}
    scales = {s: Normaliser("variance", np.zeros(A.shape[1]), 0.01) for s, A in noisy.A.items()}
    assert_same(expected, evaluate(noisy.perfect(normalisers=scales), sources)["standalone"], 1e-9)


def test_pairs_are_the_rows_with_equal_ids_and_a_stream_s_own_terms_use_all_its_rows(noisy):
    coders, bias, offsets, trained = untrained(noisy)
    ids = {"x": np.arange(300) + 7, "y": (np.arange(300) + 7)[::-1][:200].copy()}
    sources = {"x": Array(noisy.rows["x"]), "y": Array(noisy.rows["y"][::-1][:200])}
    found = evaluate(trained, sources, ids, block=64)
    z = noisy.rows["x"] @ coders["x"][0].T + bias["x"]
    z *= z >= 0.7
    shown = slice(100, 300)
    translated = (z @ coders["y"][1] + offsets["y"])[shown]
    entry = found["standalone"]["r2"]["TR"]["x"]["y"]
    assert (entry["rows"], found["matched_points"], found["points"]) == (200, 200, 300)
    assert entry["value"] == pytest.approx(r2(translated, noisy.rows["y"][shown]), rel=1e-9)
    own = found["standalone"]["r2"]["REC"]["x"]
    assert own["rows"] == found["standalone"]["r2"]["CYC"]["x"]["y"]["rows"] == 300
    assert own["value"] == pytest.approx(r2(z @ coders["x"][1] + offsets["x"], noisy.rows["x"]), rel=1e-9)


def test_streams_of_different_lengths_without_ids_have_no_pairs(planted):
    sources = {"x": Array(planted.rows["x"]), "y": Array(planted.rows["y"][:200])}
    found = evaluate(planted.perfect(), sources)
    assert found["matched_points"] == 0
    assert found["standalone"]["r2"]["TR"] == {"x": {"y": None}, "y": {"x": None}}
    assert found["undefined"]["standalone/r2/TR/x/y"] == "no point is shown by both 'x' and 'y'"
    assert found["undefined"]["standalone/pairs/x/y"] == "no point is shown by both 'x' and 'y'"
    assert found["standalone"]["r2"]["REC"]["y"]["value"] == pytest.approx(1.0)
    # Every row is a point of its own, and about half of each stream's are on its side.
    of_x, of_y = found["standalone"]["distances"]["dTR"]["x"]["y"]["rows"]
    assert 120 <= of_x <= 150
    assert 70 <= of_y <= 100


def test_distances_compare_disjoint_points_and_the_floor_is_the_bias(planted):
    points = Points({"x": 300, "y": 300}, None)
    rows, layout = points.sample(2000, seed=3)
    sides = [rows["x"][layout.side("x", 0)], rows["y"][layout.side("y", 1)]]
    assert (len(sides[0]), len(sides[1])) == (150, 150)
    assert not set(sides[0]) & set(sides[1])
    found = evaluate(planted.perfect(), planted.sources, seed=3)["standalone"]["distances"]["dTR"]["x"]["y"]
    slices, grid = (
        discrepancy.random_slices(np.random.default_rng(3), 14, Distribution().n_slices),
        discrepancy.t_grid(),
    )
    projected = [planted.rows["y"][s] @ slices for s in sides]
    phi = [np.exp(1j * grid.nodes[:, None, None] * p).mean(1) for p in projected]
    biased = (grid.weights @ np.abs(phi[0] - phi[1]) ** 2).mean()
    floor = sum((grid.weights @ (1 - np.abs(p) ** 2)).mean() / 149 for p in phi)
    assert found["biased"] == pytest.approx(biased, rel=1e-9)
    assert found["floor"] == pytest.approx(floor, rel=1e-9)
    assert found["unbiased"] == pytest.approx(biased - floor, abs=1e-12)


def test_distances_see_a_change_of_law(planted):
    coders = {s: (A, A * (3.0 if s == "y" else 1.0)) for s, A in planted.A.items()}
    found = evaluate(model("cosae", coders), planted.sources)["standalone"]["distances"]
    assert found["dTR"]["x"]["y"]["unbiased"] > 10 * found["dTR"]["x"]["y"]["floor"]
    assert abs(found["dTR"]["y"]["x"]["unbiased"]) < found["dTR"]["y"]["x"]["floor"]
    assert found["dREC"]["y"]["unbiased"] > 10 * found["dREC"]["y"]["floor"]
    assert abs(found["dCC"]["x"]["y"]["unbiased"]) < found["dCC"]["x"]["y"]["floor"]


class Watched(Array):
    """Remembers how many rows were asked for at once, and how often each."""

    def __init__(self, array):
        super().__init__(array)
        self.largest, self.seen = 0, np.zeros(len(array), int)

    def take(self, rows):
        self.largest = max(self.largest, len(rows))
        np.add.at(self.seen, rows, 1)
        return super().take(rows)


def test_memory_is_that_of_a_block_and_a_sample(planted):
    sources = {s: Watched(x) for s, x in planted.rows.items()}
    evaluate(planted.perfect(), sources, block=32, sample=40)
    for rows in sources.values():
        assert rows.largest == 40
        assert (rows.seen.min(), rows.seen.sum()) == (1, 340)


def test_labels_and_true_codes_follow_their_rows(planted):
    wrong = np.roll(planted.labels, 1)
    found = evaluate(planted.perfect(), planted.sources, labels={"x": planted.labels, "y": wrong}, block=50)
    assert found["standalone"]["label_jaccard"]["all"] < 1.0
    codes = {"x": planted.codes, "y": np.roll(planted.codes, 1, axis=0)}
    streams = evaluate(planted.perfect(), planted.sources, truth={"codes": codes}, block=50)["standalone"]["streams"]
    assert streams["x"]["truth"] == {"correlation": pytest.approx(1.0)}
    assert streams["y"]["truth"]["correlation"] < 0.5


def test_only_the_atoms_that_fire_most_are_matched_when_there_are_many(planted, monkeypatch):
    monkeypatch.setattr("nonlinear.evaluate_codes.MATCHED_ATOMS", 5)
    found = evaluate(planted.perfect(), planted.sources, truth=planted.truth)["standalone"]
    assert found["pairs"]["x"]["y"]["matching"]["matched"] == pytest.approx(1.0)
    assert found["streams"]["x"]["truth"]["cosine"] == pytest.approx(5 / 12)


def test_codes_that_collapse_give_null_and_not_nan(planted):
    nothing = {s: (0 * A, A) for s, A in planted.A.items()}
    found = evaluate(model("cosae", nothing), planted.sources, labels=planted.labels, truth=planted.truth)
    streams, reasons = found["standalone"]["streams"], found["undefined"]
    assert (streams["x"]["l0"], streams["x"]["dead"], streams["x"]["code_variance"]) == (0.0, 1.0, 0.0)
    assert found["standalone"]["r2"]["CC"]["x"]["y"]["value"] is None
    assert reasons["standalone/r2/CC/x/y/value"] == "the reference does not vary on the evaluated rows"
    assert reasons["standalone/streams/x/firing"] == reasons["standalone/pairs/x/y/iou"] == "no atom fired"
    assert found["standalone"]["label_jaccard"]["all"] == 0.0
    assert found["standalone"]["retrieval"]["latent"]["x"]["y"]["recall@1"] == pytest.approx(1 / 300)
    json.dumps(found, allow_nan=False)


def test_the_document_is_plain_and_every_field_is_documented(perfect):
    assert json.loads(json.dumps(perfect, allow_nan=False)) == perfect
    assert perfect["schema_version"] == 1
    data = {"x", "y", "REC", "TR", "CC", "CYC", "dREC", "dTR", "dCC", "dCYC", *("min", "median", "max", "recall@5")}
    data |= {"q05", "q25", "q75", "q95", "recall@1", "recall@10"}
    fields = {
        key for path in flat({k: v for k, v in perfect.items() if k != "undefined"}) for key in path.split("/")[1:]
    }
    assert {f for f in fields - data if f"``{f}``" not in evaluate.__doc__} == set()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mode": "joint"}, "mode is 'joint'"),
        ({"seed_index": 1}, "seed_index is 1"),
        ({"seed_index": -1}, "seed_index is -1"),
        ({"block": 0}, "a block of 0"),
        ({"sample": 1}, "a sample of 1"),
        ({"labels": [0, 1]}, "stream 'x' has 300 rows and labels of shape"),
        ({"labels": {"x": np.zeros(300, int)}}, "stream 'y' has no labels"),
        ({"labels": np.zeros(300, int), "ids": {s: np.arange(300) for s in "xy"}}, "with ids the labels"),
        ({"truth": {"atom": 1}}, "unknown part 'atom'"),
        ({"truth": {"atoms": {"x": np.eye(16)}}}, "true atoms of 'y'"),
        ({"truth": {"codes": np.zeros(300)}}, "true codes of 'x'"),
        (
            {"truth": {"atoms": {"x": np.eye(16), "y": np.eye(14)}, "codes": np.ones((300, 3))}},
            "16 true atoms and codes",
        ),
        ({"ids": {"x": np.arange(300)}}, "stream 'y' has no ids"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(planted, change, message):
    with pytest.raises(ValueError, match=message) as error:
        evaluate(planted.perfect(), planted.sources, **change)
    assert "\n" not in str(error.value)


def test_other_streams_and_values_beyond_the_type_are_refused(planted):
    with pytest.raises(ValueError, match="wide"):
        evaluate(planted.perfect(), {"x": planted.sources["x"]})
    huge = {s: Array(x) for s, x in planted.rows.items()} | {"x": Array(np.full((300, 16), 1e300))}
    single = planted.perfect()
    single.parameters.update({n: p.float() for n, p in single.parameters.items()})
    with pytest.raises(ValueError, match=r"'x' has values too large for torch\.float32"):
        evaluate(single, huge)
    single.parameters["bias.x"][0, 0] = torch.nan
    with pytest.raises(ValueError, match="not finite"):
        evaluate(single, planted.sources)


def test_single_rows_are_enough_for_an_answer(planted):
    sources = {s: Array(x[:1]) for s, x in planted.rows.items()}
    found = evaluate(planted.perfect(), sources)
    assert found["standalone"]["r2"]["REC"]["x"]["value"] is None
    assert found["undefined"]["standalone/distances/dTR/x/y"] == "fewer than two rows on a side of the sample"
    assert found["standalone"]["streams"]["x"]["l0"] == ACTIVE
    json.dumps(found, allow_nan=False)


def test_the_threshold_decides_and_not_the_rows_beside(planted):
    codes = sparse_codes(np.random.default_rng(3), 50, 12) + 0.9 * LEAST / 2 * (planted.codes[:50] == 0)
    sources = {s: Array(codes @ A) for s, A in planted.A.items()}
    assert (
        evaluate(planted.perfect(), sources, block=3)["standalone"]["streams"]["x"]["l0"]
        == np.sum(codes >= LEAST / 2) / 50
    )

"""What a code may see, and what a system never trains: joint codes, missing streams, free norms, transcoders, seeds."""

import json

import numpy as np
import pytest
import torch
from sklearn.metrics import r2_score

from nonlinear.config import Config
from nonlinear.data import Array
from nonlinear.evaluate import evaluate
from nonlinear.evaluation import Evaluation
from nonlinear.gauge import unit_gauge
from nonlinear.systems import SYSTEMS
from nonlinear.train import train
from theory.properties import registered
from theory.whats import ORDERED, REPRESENTATION, What

from .handmade import Planted, assert_same, flat, model, orthonormal, sparse_codes

ROUNDING = 1e-11


def r2(estimate, reference):
    return r2_score(reference, estimate, multioutput="variance_weighted")


@pytest.fixture(scope="module")
def planted():
    return Planted(seed=2, noise=0.05)


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return {s: Array(rng.normal(size=(90, 5))) for s in "xyz"}


def trained(name, rows, streams="xy", **change):
    given = {"n_atoms": 12, "sparsity": 3, "batch": 30, "steps": 12, "threads": 1, "n_slices": 4, "log_every": 12}
    return train(Config(system=name, **given | change), {s: rows[s] for s in streams})


# Crosscoders: one code of all streams


def halves(planted):
    """A crosscoder whose encoders see half of each code: only together they reach it."""
    return {s: (A / 2, A) for s, A in planted.A.items()}


def test_a_crosscoder_s_shared_code_sees_both_streams_and_its_standalone_codes_one(planted):
    # Weighted by the two decoder norms, a joint score is about twice the code, a standalone one about the code itself.
    found = evaluate(model("crosscoder", halves(planted), threshold=0.5), planted.sources, block=64)
    shared, alone = found["shared"], found["standalone"]
    pre = sum(planted.rows[s] @ A.T / 2 for s, A in planted.A.items())
    z = pre * (2 * pre >= 0.5)
    for s, other in (("x", "y"), ("y", "x")):
        rec = r2(z @ planted.A[s], planted.rows[s])
        assert shared["r2"]["REC"][s]["value"] == pytest.approx(rec, abs=ROUNDING)
        assert shared["r2"]["TR"][other][s]["value"] == pytest.approx(rec, abs=ROUNDING)
        half = planted.rows[s] @ planted.A[s].T / 2
        half = half * (2 * half >= 0.5)
        assert alone["r2"]["REC"][s]["value"] == pytest.approx(r2(half @ planted.A[s], planted.rows[s]), abs=ROUNDING)
    assert shared["r2"]["CC"]["x"]["y"]["value"] == 1.0
    assert alone["r2"]["CC"]["x"]["y"]["value"] < 1.0
    assert shared["r2"]["REC"]["x"]["value"] > alone["r2"]["REC"]["x"]["value"] + 0.1
    # A cycle encodes again, and that is standalone in either mode.
    back = (z @ planted.A["y"]) @ planted.A["y"].T / 2
    back = back * (2 * back >= 0.5)
    assert shared["r2"]["CYC"]["x"]["y"]["value"] == pytest.approx(
        r2(back @ planted.A["x"], planted.rows["x"]), abs=ROUNDING
    )


def test_a_point_that_one_stream_shows_is_coded_from_that_stream(planted):
    ids = {"x": np.arange(300), "y": np.arange(100, 300)}
    sources = {"x": Array(planted.rows["x"]), "y": Array(planted.rows["y"][100:])}
    found = evaluate(model("crosscoder", halves(planted), threshold=0.5), sources, ids, block=64)
    pre = planted.rows["x"] @ planted.A["x"].T / 2
    pre[100:] += planted.rows["y"][100:] @ planted.A["y"].T / 2
    z = pre * (2 * pre >= 0.5)
    entry = found["shared"]["r2"]["REC"]["x"]
    assert (entry["rows"], found["shared"]["r2"]["TR"]["y"]["x"]["rows"]) == (300, 200)
    assert entry["value"] == pytest.approx(r2(z @ planted.A["x"], planted.rows["x"]), abs=ROUNDING)


def free_norms(planted, scale):
    return {s: (A / 2 * scale[:, None], A / scale[:, None]) for s, A in planted.A.items()}


def test_the_scale_that_an_atom_shares_with_its_encoder_changes_nothing(planted):
    given = {"labels": planted.labels, "truth": planted.truth}
    scale = np.random.default_rng(0).uniform(0.1, 10, 12)
    one, other = (model("crosscoder", free_norms(planted, s), threshold=0.5) for s in (np.ones(12), scale))
    expected = evaluate(one, planted.sources, **given)
    assert_same(expected, evaluate(other, planted.sources, **given), 1e-9)
    # Code variance is in units of the data: unit atoms, summed over both decoders, double the code.
    pre = planted.rows["x"] @ planted.A["x"].T
    variance = (pre * (pre >= 0.5)).var(0).sum()
    assert expected["standalone"]["streams"]["x"]["code_variance"] == pytest.approx(variance)


def test_the_gauge_is_that_of_unit_atoms_and_computes_the_same(planted):
    rng = np.random.default_rng(0)
    before = model(
        "crosscoder", free_norms(planted, rng.uniform(0.1, 10, 12)), threshold=0.5, bias={"joint": rng.normal(size=12)}
    )
    before.parameters["decoder.x+y"][0, 4] = 0  # an atom of norm 0 never fires
    coders, x = before.coders(), torch.tensor(planted.rows["x"])
    after = unit_gauge(coders)
    z, w = coders.encode("x", x), after.encode("x", x)
    assert torch.equal(z != 0, w != 0)
    assert float((coders.decode("y", z) - after.decode("y", w)).abs().max()) <= 1e-12
    assert torch.allclose(after.norms("joint"), torch.where(torch.arange(12) == 4, 0.0, 1.0).double())
    assert not torch.equal(before.parameters["decoder.x+y"], after.parameters["decoder.x+y"])
    alike = planted.perfect().coders()
    assert unit_gauge(alike) is alike


def test_relative_norms_tell_whose_an_atom_is(planted):
    A = {s: a.copy() for s, a in planted.A.items()}
    coders = {s: (A[s], A[s] * np.where(np.arange(12) < 6, 1e-9 if s == "y" else 1.0, 1.0)[:, None]) for s in "xy"}
    found = evaluate(model("crosscoder", coders), planted.sources)["shared"]["pairs"]["x"]["y"]["decoders"]
    assert (found["relative_norm"]["min"], found["relative_norm"]["max"]) == pytest.approx((0.0, 0.5), abs=1e-6)


def test_decoders_are_compared_where_an_atom_fires_in_either_stream(planted):
    A, half = planted.A, (np.arange(12) < 6)[:, None]
    coders = {"x": (A["x"], A["x"]), "y": (A["y"] * half, A["y"] * np.where(half, 1.0, 3.0))}
    found = evaluate(model("cosae", coders), planted.sources)["standalone"]
    assert (found["streams"]["x"]["dead"], found["streams"]["y"]["dead"]) == (0.0, 0.5)
    relative = found["pairs"]["x"]["y"]["decoders"]["relative_norm"]
    assert (relative["min"], relative["max"]) == pytest.approx((0.5, 0.75))


# SPARC: a joint support


def test_sparc_s_joint_support_is_shared_by_construction_and_not_evidence(planted):
    noise = np.random.default_rng(1)
    coders = {s: (A + 0.4 * noise.normal(size=A.shape), A) for s, A in planted.A.items()}
    found = evaluate(model("sparc", coders), planted.sources, block=50)
    pre = {s: planted.rows[s] @ coders[s][0].T for s in "xy"}

    def top(scores):
        return scores >= np.sort(scores, axis=1)[:, [-3]]

    joint = top(pre["x"] + pre["y"])
    for mode, kept in (
        ("shared", {s: joint for s in "xy"}),
        ("standalone", {s: top(np.maximum(p, 0)) for s, p in pre.items()}),
    ):
        z = {s: np.maximum(pre[s], 0) * kept[s] for s in "xy"}
        r2_found = found[mode]["r2"]
        assert r2_found["CC"]["x"]["y"]["value"] == pytest.approx(r2(z["x"], z["y"]), abs=ROUNDING)
        assert r2_found["TR"]["y"]["x"]["value"] == pytest.approx(
            r2(z["y"] @ planted.A["x"], planted.rows["x"]), abs=ROUNDING
        )
        active = [v > 0 for v in z.values()]
        overlap = ((active[0] & active[1]).sum(1) / (active[0] | active[1]).sum(1)).mean()
        assert found[mode]["pairs"]["x"]["y"]["support_jaccard"] == pytest.approx(overlap)
    assert (
        found["shared"]["pairs"]["x"]["y"]["support_jaccard"]
        > found["standalone"]["pairs"]["x"]["y"]["support_jaccard"]
    )


@pytest.mark.parametrize("name", ["cosae", "sae", "usae", "sae-a"])
def test_where_a_code_sees_one_stream_the_modes_coincide_and_are_computed_once(name, rows):
    texts = []
    found = evaluate(trained(name, rows), {s: rows[s] for s in "xy"}, on_progress=lambda text, _: texts.append(text))
    assert found["shared"] == {"same_as": "standalone"}
    assert set(texts) == {"evaluating standalone codes"}


@pytest.mark.parametrize("mode", ["standalone", "shared", "both"])
def test_only_the_modes_asked_for_are_computed(mode, rows):
    wanted = {"standalone", "shared"} if mode == "both" else {mode}
    found = evaluate(trained("crosscoder", rows), {s: rows[s] for s in "xy"}, mode=mode)
    assert found.keys() & {"standalone", "shared"} == wanted
    one = evaluate(trained("crosscoder", rows, "x"), {"x": rows["x"]}, mode=mode)
    assert one.get("shared", {"same_as": "standalone"}) == {"same_as": "standalone"}
    assert "standalone" in one


# Transcoders: what is never trained


@pytest.mark.parametrize("name", ["transcoder", "skip-transcoder"])
@pytest.mark.parametrize("selection", ["batchtopk", "topk"])
def test_a_transcoder_translates_one_way_and_says_why_the_rest_is_undefined(name, selection, rows):
    model = trained(name, rows, selection=selection, steps=60)
    sources = {s: rows[s] for s in "xy"}
    found = evaluate(model, sources)
    r2_found, reasons = found["standalone"]["r2"], found["undefined"]
    view = next(Evaluation(model, sources, block=90).blocks(standalone=True))
    expected = r2(view.decode("y", view.code("x")).numpy(), view.x("y").numpy())
    assert r2_found["TR"]["x"]["y"]["value"] == pytest.approx(expected, abs=1e-6)
    assert reasons["standalone/r2/TR/y/x"] == f"{name} never encodes its output 'y'"
    assert reasons["standalone/r2/REC/x"] == f"{name} decodes no code to its input 'x'"
    assert reasons["standalone/streams/y"] == f"{name} never encodes its output 'y'"
    undefined = {p for p, v in flat(r2_found).items() if v is None}
    assert undefined == {"/CC/x/y", "/CC/y/x", "/CYC/x/y", "/CYC/y/x", "/REC/x", "/REC/y", "/TR/y/x"}
    assert found["standalone"]["streams"]["x"]["l0"] > 0
    assert found["standalone"]["distances"]["dTR"]["x"]["y"]["biased"] > 0


def test_the_skip_enters_a_translation(planted):
    skip = np.random.default_rng(0).normal(size=(16, 14))
    made = model("skip-transcoder", {s: (0 * A, A) for s, A in planted.A.items()})
    made.parameters["skip.x.y"][0] = torch.tensor(skip)
    found = evaluate(made, planted.sources)["standalone"]["r2"]["TR"]["x"]["y"]["value"]
    assert found == pytest.approx(r2(planted.rows["x"] @ skip, planted.rows["y"]), rel=1e-9)


def test_an_untrained_batchtopk_is_undefined_and_says_so(planted):
    found = evaluate(planted.perfect(threshold=np.nan), planted.sources)
    assert found["standalone"]["r2"]["REC"] == {"x": None, "y": None}
    assert "no inference threshold" in found["undefined"]["standalone/r2/TR/x/y"]
    assert evaluate(planted.perfect(threshold=np.nan, selection="topk"), planted.sources)["standalone"]["r2"]["REC"][
        "x"
    ]


# Every system, more streams, several seeds, further properties


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("streams", ["xy", "xyz"])
def test_every_system_gives_a_plain_document_that_explains_its_nulls(name, streams, rows):
    sources = {s: rows[s] for s in streams}
    labels = np.arange(90) % 4
    found = evaluate(trained(name, rows, streams), sources, labels=labels, block=40)
    json.dumps(found, allow_nan=False)
    nulls = {p.strip("/") for p, v in flat({k: v for k, v in found.items() if k != "undefined"}).items() if v is None}
    assert nulls == found["undefined"].keys()
    pairs = [(i, j) for i in streams for j in streams if i != j]
    entries = found["standalone"]["r2"]["TR"]
    assert [(i, j) for i in entries for j in entries[i]] == pairs
    if name.endswith("transcoder"):
        return
    assert nulls == set() or all("decoders/cosine" in p or "no atom fired" in found["undefined"][p] for p in nulls)
    for i, j in pairs:
        assert entries[i][j]["value"] <= 1


def test_sparse_and_dense_samples_agree(rows):
    for name in ("cosae", "crosscoder", "sparc", "sae-a"):
        run = Evaluation(trained(name, rows), {s: rows[s] for s in "xy"})
        for standalone in (True, False):
            dense, sparse = run.sample(standalone), run.sample(standalone, sparse=True)
            for s in "xy":
                assert float((dense.code(s) - sparse.code(s).dense()).abs().max()) <= 1e-5


def test_each_seed_is_evaluated_by_itself_with_its_own_normalisation(rows):
    config = {"n_atoms": 12, "sparsity": 3, "batch": 30, "steps": 12, "threads": 1, "n_slices": 4}
    sources = [{s: rows[s] for s in "xy"}, {s: Array(5 + 3 * rows[s].array) for s in "xy"}]
    both = train(Config(system="cosae", seeds=(3, 8), **config), sources)
    found = [evaluate(both, s, seed_index=k) for k, s in enumerate(sources)]
    assert [f["training_seed"] for f in found] == [3, 8]
    assert found[0]["standalone"]["r2"] != found[1]["standalone"]["r2"]
    alone = evaluate(train(Config(system="cosae", seeds=(8,), **config), sources[1]), sources[1])
    assert_same(found[1]["standalone"]["r2"], alone["standalone"]["r2"], 1e-3)


def test_a_property_of_one_s_own_has_its_r2_and_its_distance(planted):
    def sides(view, i, j):
        translated = view.decode(j, view.code(i))
        return view.decode(j, view.encode(j, translated)), translated

    with registered(What("STABLE", REPRESENTATION, ORDERED, sides, crosses=False)):
        found = evaluate(planted.perfect(), planted.sources)["standalone"]
    assert found["r2"]["STABLE"]["x"]["y"]["value"] == pytest.approx(1.0, abs=ROUNDING)
    assert found["distances"]["dSTABLE"]["x"]["y"]["rows"] == [150, 150]
    assert "STABLE" not in evaluate(planted.perfect(), planted.sources)["standalone"]["r2"]


def test_sides_of_different_widths_have_no_r2(planted):
    with registered(What("RAW", REPRESENTATION, ORDERED, lambda v, i, j: (v.x(i), v.x(j)), crosses=True)):
        found = evaluate(planted.perfect(), planted.sources)
    assert found["undefined"]["standalone/r2/RAW/x/y"] == "the two sides are of widths 16 and 14"
    assert "RAW" in found["undefined"]["standalone/distances/dRAW/x/y"]


def test_training_reaches_what_the_planted_coders_have():
    rng = np.random.default_rng(4)
    codes, A = sparse_codes(rng, 1000, 12, 2), {s: orthonormal(rng, 12, 16) for s in "xy"}
    sources, weights = {s: Array(codes @ a) for s, a in A.items()}, {"REC": 1.0, "TR": 1.0, "CC": 1.0}
    config = Config(system="cosae", weights=weights, n_atoms=12, sparsity=2, batch=100, steps=300, lr=1e-2, threads=1)
    found = evaluate(train(config, sources), sources, truth={"atoms": A, "codes": codes})["standalone"]
    for name in ("TR", "CC"):
        entry = found["r2"][name]["x"]["y"]
        assert entry["value"] > 0.5 > 0 > entry["shuffled"]
    assert found["pairs"]["x"]["y"]["matching"]["fixed"] > 0.5

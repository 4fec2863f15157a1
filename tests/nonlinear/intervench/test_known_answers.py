"""Planted data whose answer is known: the benchmark has to give it, by tolerances fixed before the first run."""

import json

import pytest

from .shared import DIAGONAL, OFF, SCORES, SPACES, entry, finite, known, value

# S_ext, S_trans, S_cons of the specification; None where it gives no number of its own.
TABLE = {
    "oracle": (0.998, 0.999, 0.998),
    "permuted": (0.998, 0.018, 0.030),
    "rotated": (0.720, 0.010, 0.017),
    "split": (0.994, 0.995, 0.031),
    "garbage decoders": (0.468, 0.018, 0.992),
    "dead encoders": (0.137, 0.200, 0.031),
    "pairs shuffled": (None, None, None),
    "permuted within classes": (None, None, None),
}
INTERVENTIONS = tuple(f"{m}/{s}" for s in SPACES for m in ("unlearning", "tpp"))


def scores(situation):
    return tuple(value(known(situation), name) for name in SCORES)


def test_oracle():
    assert min(scores("oracle")) >= 0.95


def test_b_s_atoms_permuted():
    extraction, translation, consistency = scores("permuted")
    assert abs(extraction - scores("oracle")[0]) <= 0.01
    assert translation <= 0.1
    assert consistency <= 0.1
    for space in SPACES:
        for edge in OFF:
            assert entry(known("permuted"), f"probe/{space}", edge)["raw"] <= 0.3


def test_b_s_code_basis_rotated():
    found = known("rotated")
    extraction, translation, consistency = scores("rotated")
    assert abs(extraction - 0.72) <= 0.07
    assert translation <= 0.1
    assert consistency <= 0.1
    assert entry(found, "r2", ("B", "B"))["raw"] >= 0.99
    for metric in INTERVENTIONS:
        assert entry(found, metric, ("B", "B"))["raw"] <= 0.1
        assert entry(found, metric, ("A", "A"))["raw"] >= 0.9


def test_split_features():
    extraction, translation, consistency = scores("split")
    assert extraction >= 0.95
    assert translation >= 0.95
    assert consistency <= 0.1


def test_codes_aligned_and_garbage_decoders():
    found, (extraction, translation, consistency) = known("garbage decoders"), scores("garbage decoders")
    assert abs(extraction - 0.468) <= 0.05
    assert translation <= 0.1
    # 0.95 within what the test rows can tell
    assert consistency >= 0.9
    assert found["aggregates"]["S_cons"]["ci"][1] >= 0.95


def test_dead_encoders_and_the_true_dictionary():
    found, (extraction, translation, consistency) = known("dead encoders"), scores("dead encoders")
    assert abs(extraction - 0.137) <= 0.02
    assert abs(translation - 0.2) <= 0.02
    assert consistency <= 0.06
    assert finite(found)
    json.dumps(found, allow_nan=False)
    assert sum("no atom of" in line for line in found["warnings"]) == 2
    for edge in DIAGONAL + OFF:
        # The latent probe never asks the encoder, so that it lives just as the oracle's
        assert entry(found, "probe/latent", edge) == entry(known("oracle"), "probe/latent", edge)
        assert entry(found, "probe/latent", edge)["raw"] >= 0.9
        for metric in found["metrics"]:
            one = entry(found, metric, edge)
            if one["status"].startswith(("ok", "gated")):
                assert isinstance(one["raw"], float)
            else:
                assert one["status"] == "undefined"
            if not metric.startswith("probe/"):
                assert one["gated"] == 0


def test_pairs_shuffled_where_labels_follow_their_rows():
    found, oracle = known("pairs shuffled"), known("oracle")
    for edge in OFF:
        assert -1.2 <= entry(found, "r2", edge)["raw"] <= -0.8
        assert entry(found, "faithfulness", edge)["raw"] < entry(oracle, "faithfulness", edge)["raw"] - 0.5
    for metric in found["metrics"]:
        for edge in DIAGONAL + (() if metric in ("r2", "faithfulness") else OFF):
            one, other = entry(found, metric, edge), entry(oracle, metric, edge)
            assert abs(one["gated"] - other["gated"]) <= 0.08, (metric, edge)
            # Raw products go beyond 1 where a probe of few rows falls below chance: by no more than rows can tell
            assert one["ci"][0] <= other["ci"][1], (metric, edge)
            assert other["ci"][0] <= one["ci"][1], (metric, edge)


def test_permuted_within_classes_is_a_blind_spot_of_probes():
    found = known("permuted within classes")
    for edge in OFF:
        assert entry(found, "r2", edge)["raw"] <= min(entry(found, "r2", e)["raw"] for e in DIAGONAL) - 0.1
        for space in SPACES:
            assert entry(found, f"probe/{space}", edge)["raw"] >= 0.95


@pytest.mark.parametrize("situation", TABLE)
def test_documents_hold_together(situation):
    """What must hold of any document: no NaN, gated values in [0, 1], aggregates their means."""
    found = known(situation)
    json.dumps(found, allow_nan=False)
    parts = {"S_ext": DIAGONAL, "S_trans": OFF, "S_cons": OFF}
    members = {
        "S_ext": {*INTERVENTIONS, "r2", "faithfulness", "probe/latent", "probe/concept"},
        "S_trans": {"r2", "faithfulness", "probe/latent", "unlearning/latent", "tpp/latent"},
        "S_cons": {"probe/concept", "unlearning/concept", "tpp/concept"},
    }
    for name, edges in parts.items():
        assert set(found["aggregates"][name]["metrics"]) == members[name]
        gated = [entry(found, m, e)["gated"] for m in members[name] for e in edges]
        assert all(0 <= g <= 1 for g in gated)
        assert value(found, name) == pytest.approx(sum(gated) / len(gated), abs=1e-12)
        low, high = found["aggregates"][name]["ci"]
        assert low <= high
    assert value(found, "S_align") == pytest.approx((value(found, "S_trans") + value(found, "S_cons")) / 2, abs=1e-12)


def test_our_numbers_beside_the_table(closing_lines):
    lines = closing_lines("InterVench on planted data: ours (specification)")
    lines.append(f"{'':24}" + "".join(f"{name:>18}" for name in SCORES))
    for situation, given in TABLE.items():
        found = zip(scores(situation), given, strict=True)
        cells = [f"{ours:.3f} " + (f"({theirs:.3f})" if theirs is not None else "(  –  )") for ours, theirs in found]
        lines.append(f"{situation:24}" + "".join(f"{cell:>18}" for cell in cells))
    r2 = [entry(known(s), "r2", ("A", "B"))["raw"] for s in ("pairs shuffled", "permuted within classes")]
    lines.append(f"R² of A → B, pairs shuffled {r2[0]:.2f} (≈ −1); permuted within classes {r2[1]:.2f} (.56)")
    probe = entry(known("permuted within classes"), "probe/latent", ("A", "B"))["raw"]
    lines.append(f"latent probe of A → B, permuted within classes {probe:.2f} (1)")
    assert len(lines) == len(TABLE) + 3

"""Predictions, intervals and outcomes, against numbers computed by hand and against scipy's own tests."""

import hashlib
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from proofs_check import predictions, runner
from proofs_check.empirical import NULLS, Experiment
from proofs_check.ledger import load
from proofs_check.predictions import Frozen, frozen, inequality, number, sign
from proofs_check.statistics import holm, p_within, t_interval

SAMPLES = st.tuples(st.integers(0, 2**32 - 1), st.integers(2, 12), st.floats(-3, 3), st.sampled_from([1e-3, 1.0, 50.0]))
P_VALUES = st.lists(st.floats(0, 1), max_size=7)


def drawn(seed, n, mean, spread):
    return mean + spread * np.random.default_rng(seed).standard_normal(n)


class TestStatistics:
    def test_an_interval_by_hand(self):
        # Of 1, 2, 3: standard error 1/√3, and the 97.5 % quantile of t with 2 degrees of freedom is 4.302652730.
        found = t_interval([1.0, 2.0, 3.0])
        assert (found.mean, found.n) == (2.0, 3)
        assert found.high - 2 == pytest.approx(4.302652730 / math.sqrt(3), rel=1e-9)
        assert 2 - found.low == pytest.approx(4.302652730 / math.sqrt(3), rel=1e-9)

    @given(SAMPLES, st.sampled_from([0.8, 0.95, 0.99]))
    def test_intervals_are_those_of_scipy_s_t_test(self, sample, level):
        x = drawn(*sample)
        expected = stats.ttest_1samp(x, 0.0).confidence_interval(level)
        found = t_interval(x.tolist(), level)
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-9, abs=1e-12)

    @given(SAMPLES, st.floats(-3, 3))
    def test_p_values_are_twice_those_of_scipy_s_one_sided_tests(self, sample, limit):
        x = drawn(*sample)
        for low, high, alternative in ((limit, math.inf, "greater"), (-math.inf, limit, "less")):
            expected = min(1.0, 2 * float(stats.ttest_1samp(x, limit, alternative=alternative).pvalue))
            assert p_within(x.tolist(), low, high) == pytest.approx(expected, rel=1e-7, abs=1e-300)

    @given(SAMPLES, st.floats(-3, 3), st.floats(0, 9), st.sampled_from([0.05, 0.2, 0.5]))
    def test_a_small_p_value_is_an_interval_within(self, sample, low, width, alpha):
        x, high = drawn(*sample), low + width
        found = t_interval(x.tolist(), 1 - alpha)
        room = min(found.low - low, high - found.high)
        if abs(room) > 1e-9:
            assert (p_within(x.tolist(), low, high) <= alpha) == (room > 0)

    def test_values_without_spread(self):
        assert p_within([0.5] * 3, 0.5, 1.0) == 0.0
        assert p_within([0.25] * 3, 0.5, 1.0) == 1.0
        assert (t_interval([0.5] * 3).low, t_interval([0.5] * 3).high) == (0.5, 0.5)

    def test_one_value_says_nothing(self):
        assert (t_interval([0.5]).low, t_interval([0.5]).high) == (-math.inf, math.inf)
        assert p_within([0.5], 0.0, 1.0) == 1.0

    @pytest.mark.parametrize("values", [[], [1.0, math.nan], [1.0, math.inf], [[1.0, 2.0]]])
    def test_what_has_no_mean(self, values):
        with pytest.raises(ValueError, match="one finite number for each seed"):
            t_interval(values)

    @pytest.mark.parametrize(
        ("p", "adjusted"),
        [
            ([], []),
            ([0.04], [0.04]),
            ([0.03, 0.03], [0.06, 0.06]),
            ([0.01, 0.04], [0.02, 0.04]),
            ([0.04, 0.01, 0.03, 0.005], [0.06, 0.03, 0.06, 0.02]),
            ([0.9, 0.6, 0.001], [1.0, 1.0, 0.003]),
        ],
    )
    def test_holm_by_hand(self, p, adjusted):
        assert holm(p) == pytest.approx(adjusted)

    @given(P_VALUES, st.floats(0.001, 0.5))
    def test_holm_rejects_what_the_steps_reject(self, p, alpha):
        left = sorted(p)
        while left and left[0] * len(left) <= alpha:
            left.pop(0)
        assert sum(q <= alpha for q in holm(p)) == len(p) - len(left)

    @given(P_VALUES.filter(bool), st.floats(0, 1), st.data())
    def test_a_larger_p_value_supports_nothing_more(self, p, other, data):
        place = data.draw(st.integers(0, len(p) - 1))
        larger = [max(q, other) if i == place else q for i, q in enumerate(p)]
        assert all(a <= b for a, b in zip(holm(p), holm(larger), strict=True))


STATED = {
    "why": "by symmetry",
    "seeds": [[0, 0], [1, 1], [2, 2]],
    "converged": 0.01,
    "beside": ["REC"],
    "predictions": {
        "R²": {"kind": "number", "value": 0.5, "band": 0.125, "margin": 0.25},
        "gain": {"kind": "inequality", "relation": ">=", "bound": 0.5, "margin": 0.25},
        "difference": {"kind": "sign", "sign": "-", "margin": 0.0},
    },
}


class TestFrozen:
    def test_a_file_is_read_with_its_hash(self, tmp_path):
        path = tmp_path / "E0.i.json"
        path.write_text(json.dumps(STATED), encoding="utf-8")
        found = frozen("E0.i", tmp_path)
        assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert (found.claim, found.why, found.converged, found.beside) == ("E0.i", "by symmetry", 0.01, ["REC"])
        assert found.seeds == ((0, 0), (1, 1), (2, 2))
        assert found.predictions["R²"] == number(0.5, 0.125, 0.25)
        assert found.predictions["gain"] == inequality(">=", 0.5, 0.25)
        assert found.predictions["difference"] == sign("-", 0.0)
        path.write_text(json.dumps(STATED) + "\n", encoding="utf-8")
        assert frozen("E0.i", tmp_path).sha256 != found.sha256

    @pytest.mark.parametrize(
        ("change", "word"),
        [
            ({"why": None}, "TypeError"),
            ({"note": "more"}, "TypeError"),
            ({"seeds": [[0, 0], [1, 1]]}, "3 or more different seeds"),
            ({"seeds": [[0, 0], [1, 1], [0, 0]]}, "3 or more different seeds"),
            ({"seeds": [[0, 0], [1, 1], [2, 104]]}, "none of 100 to 104"),
            ({"seeds": [0, 1, 2]}, "TypeError"),
            ({"converged": 0}, "a share between 0 and 1"),
            ({"converged": math.nan}, "a share between 0 and 1"),
            ({"predictions": {}}, "state a prediction"),
            ({"predictions": {"R²": {"kind": "guess"}}}, "'guess' is no kind of prediction"),
            ({"predictions": {"R²": {"kind": "number", "value": 1.0, "band": 0.1}}}, "margin"),
            ({"predictions": {"R²": {"kind": "number", "value": math.nan, "band": 0.1, "margin": 0.1}}}, "finite"),
            ({"predictions": {"R²": {"kind": "number", "value": 1.0, "band": 0.0, "margin": 0.1}}}, "positive band"),
            ({"predictions": {"R²": {"kind": "inequality", "relation": ">", "bound": 1, "margin": 1}}}, "use >= or <="),
            ({"predictions": {"R²": {"kind": "inequality", "relation": ">=", "bound": 1, "margin": 0}}}, "margin"),
            ({"predictions": {"R²": {"kind": "sign", "sign": "up", "margin": 0}}}, "no sign"),
            ({"predictions": {"R²": {"kind": "sign", "sign": "+", "margin": -1}}}, "finite and ≥ 0"),
        ],
    )
    def test_a_file_that_says_something_else_is_one_line(self, tmp_path, change, word):
        stated = {k: v for k, v in (STATED | change).items() if v is not None}
        (tmp_path / "E0.json").write_text(json.dumps(stated), encoding="utf-8")
        with pytest.raises(ValueError, match=r"E0\.json") as caught:
            frozen("E0", tmp_path)
        assert word in str(caught.value)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("text", [None, "", "{", "[]", "null"])
    def test_no_file(self, tmp_path, text):
        if text is not None:
            (tmp_path / "E0.json").write_text(text)
        with pytest.raises(ValueError, match=r"E0\.json states no predictions"):
            frozen("E0", tmp_path)

    def test_every_empirical_claim_has_its_file_and_every_file_its_claim(self):
        files = {path.stem for path in predictions.FOLDER.glob("*.json")}
        assert files == {c.id for c in load() if c.empirical}
        for name in files:
            assert frozen(name).predictions


SEEDS = ((0, 0), (1, 1), (2, 2))
# The interval of 1, 2, 3 is [−0.484, 4.484]; with normal quantiles it were [0.868, 3.132], at 90 % [0.314, 3.686],
# with 1/n in the variance [−0.028, 4.028]. Predictions below are placed between these limits.
VALUES = (1.0, 2.0, 3.0)


def experiment(prediction, values=VALUES, control=(-50.0, -51.0, -52.0), seeds=SEEDS, stated=SEEDS, **more):
    made = Frozen("E0", "why", stated, 0.01, ("REC",), {"R²": prediction}, "a1b2")
    fields = {
        "controls": {"no anchors": control},
        "nulls": {name: [0.0] * len(seeds) for name in NULLS},
        "changes": [0.001] * 2 * len(seeds),
        "beside": {"REC": 0.99},
        "prediction_hash": "a1b2",
        "config_hash": "c3d4",
    }
    return Experiment("demo", made, "R²", seeds, values, **(fields | more))


class TestOutcome:
    @pytest.mark.parametrize(
        ("prediction", "values", "outcome"),
        [
            (inequality(">=", -1.5, 1.0), VALUES, "supported"),
            (inequality(">=", -1.48, 1.0), VALUES, "inconclusive"),
            (inequality(">=", 3.48, 1.0), VALUES, "inconclusive"),
            (inequality(">=", 3.49, 1.0), VALUES, "contradicted"),
            (inequality("<=", 5.49, 1.0), VALUES, "supported"),
            (inequality("<=", 5.48, 1.0), VALUES, "inconclusive"),
            (inequality("<=", 0.52, 1.0), VALUES, "inconclusive"),
            (inequality("<=", 0.51, 1.0), VALUES, "contradicted"),
            (number(2.0, 2.49, 1.0), VALUES, "supported"),
            (number(2.0, 2.48, 1.0), VALUES, "inconclusive"),
            (number(1.9, 2.49, 1.0), VALUES, "inconclusive"),
            (number(2.1, 2.49, 1.0), VALUES, "inconclusive"),
            (number(-2.0, 1.51, 1.0), VALUES, "contradicted"),
            (number(-2.0, 1.52, 1.0), VALUES, "inconclusive"),
            (number(6.0, 1.51, 1.0), VALUES, "contradicted"),
            (number(6.0, 1.52, 1.0), VALUES, "inconclusive"),
            (sign("+", 0.0), VALUES, "inconclusive"),
            (sign("+", 0.0), (2.0, 3.0, 4.0), "supported"),
            (sign("+", 0.51), (2.0, 3.0, 4.0), "supported"),
            (sign("+", 0.52), (2.0, 3.0, 4.0), "inconclusive"),
            (sign("+", 0.0), (-2.0, -3.0, -4.0), "contradicted"),
            (sign("-", 0.0), (2.0, 3.0, 4.0), "contradicted"),
            (sign("-", 0.0), VALUES, "inconclusive"),
            (sign("+", 4.49), VALUES, "contradicted"),
            (sign("+", 0.0), (0.0, 0.0, 0.0), "contradicted"),
            (sign("-", 0.0), (0.0, 0.0, 0.0), "contradicted"),
        ],
    )
    def test_by_hand(self, prediction, values, outcome):
        control = (50.0, 51.0, 52.0) if prediction.low == -math.inf else (-50.0, -51.0, -52.0)
        record = experiment(prediction, values, control)
        assert record.passed
        assert record.outcome == outcome
        assert (record.p_value <= 0.05) == (outcome == "supported")

    def test_a_negative_sign_is_supported(self):
        assert experiment(sign("-", 0.51), (-2.0, -3.0, -4.0), (1.0, 2.0, 6.0)).outcome == "inconclusive"
        assert experiment(sign("-", 0.51), (-2.0, -3.0, -4.0), (2.0, 3.0, 4.0)).outcome == "supported"
        assert experiment(sign("-", 0.52), (-2.0, -3.0, -4.0), (2.0, 3.0, 4.0)).outcome == "inconclusive"

    @pytest.mark.parametrize(
        ("prediction", "control", "reason"),
        [
            (inequality(">=", -1.5, 1.0), VALUES, "the control “no anchors” also satisfies it"),
            (
                inequality(">=", -1.5, 1.0),
                (-4.9, -3.9, -2.9),
                "the control “no anchors” does not miss it by the margin",
            ),
            (inequality(">=", -1.5, 1.0), (-5.0, -4.0, -3.0), None),
            (inequality("<=", 5.5, 1.0), (6.9, 7.9, 8.9), "the control “no anchors” does not miss it by the margin"),
            (inequality("<=", 5.5, 1.0), (7.0, 8.0, 9.0), None),
            (number(2.0, 2.5, 1.0), VALUES, "the control “no anchors” also satisfies it"),
            # Outside the band, but not by the margin: 2.5 + 1 above 2, less the half width 2.484.
            (number(2.0, 2.5, 1.0), (6.9, 7.9, 8.9), "the control “no anchors” does not miss it by the margin"),
            (number(2.0, 2.5, 1.0), (7.0, 8.0, 9.0), None),
            (number(2.0, 2.5, 1.0), (-5.0, -4.0, -3.0), None),
            (number(2.0, 2.5, 1.0), (-4.9, -3.9, -2.9), "the control “no anchors” does not miss it by the margin"),
        ],
    )
    def test_the_control_is_judged_by_the_same_prediction(self, prediction, control, reason):
        record = experiment(prediction, control=control)
        assert record.passed
        assert record.outcome == ("inconclusive" if reason else "supported")
        if reason:
            assert record.reason == reason
            assert record.p_value == 1.0

    def test_every_control_misses(self):
        controls = {"good": (-50.0, -51.0, -52.0), "bad": VALUES}
        assert "“bad” also" in experiment(inequality(">=", -1.5, 1.0), controls=controls).reason

    def test_a_control_excuses_no_contradiction(self):
        assert experiment(inequality(">=", 10.0, 1.0), control=(20.0, 20.1, 20.2)).outcome == "contradicted"

    @pytest.mark.parametrize("change", [0.01, 0.5, -0.5])
    @pytest.mark.parametrize("prediction", [inequality(">=", -1.5, 1.0), inequality(">=", 10.0, 1.0)])
    def test_one_run_that_has_not_converged_decides_nothing(self, prediction, change):
        record = experiment(prediction, changes=[0.001] * 5 + [change])
        assert record.passed
        assert (record.outcome, record.reason, record.p_value) == ("inconclusive", "5 of 6 runs converged", 1.0)

    def test_seeds_that_are_left_out(self):
        stated, values = (*SEEDS, (3, 3)), (2.0, 2.1, 2.2)
        some = experiment(inequality(">=", 0.0, 1.0), values, stated=stated)
        assert some.passed
        assert (some.outcome, some.reason, some.p_value) == ("inconclusive", "3 of 4 seeds", 1.0)
        two = experiment(inequality(">=", 0.0, 1.0), (2.0, 2.1), (-50.0, -51.0), SEEDS[:2], SEEDS[:2])
        assert (two.outcome, two.reason) == ("inconclusive", "2 of 3 seeds")

    def test_the_nulls_judge_nothing(self):
        nulls = dict.fromkeys(NULLS, VALUES)
        assert experiment(inequality(">=", -1.5, 1.0), nulls=nulls).outcome == "supported"


NAN = (1.0, math.nan, 3.0)


class TestForm:
    @pytest.mark.parametrize(
        ("change", "problem"),
        [
            ({"values": NAN}, "not finite"),
            ({"values": (1.0, 2.0, math.inf)}, "not finite"),
            ({"controls": {"no anchors": NAN}}, "not finite"),
            ({"nulls": dict.fromkeys(NULLS, NAN)}, "not finite"),
            ({"changes": [0.001, 0.001, math.nan]}, "not finite"),
            ({"beside": {"REC": math.nan}}, "not finite"),
            ({"prediction_hash": "b2a1"}, "other predictions"),
            ({"config_hash": ""}, "no configuration"),
            ({"seeds": ((0, 0), (1, 1), (3, 3))}, "a seed that was not frozen"),
            ({"seeds": ((0, 0), (1, 1), (1, 1))}, "counts twice"),
            ({"values": (1.0, 2.0)}, "one value for each seed"),
            ({"controls": {"no anchors": (-50.0, -51.0)}}, "one value for each seed"),
            ({"nulls": dict.fromkeys(NULLS, (0.0,))}, "one value for each seed"),
            ({"changes": [0.001, 0.001]}, "change of their loss"),
            ({"controls": {}}, "no control"),
            ({"nulls": {NULLS[0]: VALUES}}, "without the nulls"),
            ({"nulls": {NULLS[1]: VALUES}}, "without the nulls"),
            ({"beside": {}}, "without REC beside it"),
        ],
    )
    def test_what_is_no_evidence(self, change, problem):
        record = replace(experiment(inequality(">=", -1.5, 1.0)), **change)
        assert not record.passed
        assert (record.outcome, record.p_value) == ("BROKEN", 1.0)
        assert problem in record.reason
        assert problem in record.summary
        json.dumps(runner._plain(record), allow_nan=False)

    def test_no_seeds_at_all(self):
        empty = experiment(inequality(">=", -1.5, 1.0), (), (), ())
        assert not empty.passed
        assert "one value for each seed" in empty.reason

    def test_a_contradiction_is_well_formed(self):
        record = experiment(inequality(">=", 10.0, 1.0))
        assert record.passed
        assert record.outcome == "contradicted"

    def test_only_what_was_predicted_is_measured(self):
        with pytest.raises(ValueError, match="no prediction of E0 is called 'CC'; use one of R²"):
            replace(experiment(sign("+", 0.0)), name="CC")

    def test_as_plain_data(self):
        arrays = {name: np.zeros(3) for name in NULLS}
        plain = runner._plain(experiment(inequality(">=", -1.5, 1.0), np.array(VALUES), nulls=arrays))
        assert plain["values"] == [1.0, 2.0, 3.0]
        assert (plain["outcome"], plain["converged"]) == ("supported", 6)
        assert plain["prediction"]["text"] == "≥ -0.5, a control ≤ -1.5"
        assert [(a["role"], a["name"]) for a in plain["arms"]] == [
            ("measured", "R²"),
            ("control", "no anchors"),
            *(("null", name) for name in NULLS),
        ]
        assert plain["arms"][0]["interval"]["low"] == pytest.approx(2 - 4.302652730 / math.sqrt(3), rel=1e-9)
        json.dumps(plain, allow_nan=False)

    def test_the_line_says_what_was_predicted_and_measured(self):
        line = experiment(inequality(">=", -1.5, 1.0)).summary
        for piece in ("R² 2 [-0.484, 4.48] over 3 seeds, predicted ≥ -0.5, a control ≤ -1.5", "6 of 6 runs converged"):
            assert piece in line
        assert "control “no anchors” -51 [" in line
        assert "null “shuffled pairs” 0 [0, 0]" in line
        assert line.endswith("supported, the whole interval lies inside, and every control misses it")


def test_results_carry_the_hash_of_the_file(tmp_path):
    """A result measured before its prediction was changed is no evidence for the changed one."""
    path = tmp_path / "E0.json"
    path.write_text(json.dumps(STATED), encoding="utf-8")
    stated = frozen("E0", tmp_path)
    record = replace(
        experiment(inequality(">=", 0.5, 0.25)),
        frozen=stated,
        name="gain",
        values=[0.8, 0.81, 0.82],
        prediction_hash=stated.sha256,
    )
    assert record.outcome == "supported"
    assert runner._plain(record)["prediction_hash"] == hashlib.sha256(path.read_bytes()).hexdigest()
    changed = STATED | {"predictions": STATED["predictions"] | {"gain": STATED["predictions"]["gain"] | {"bound": 0.4}}}
    path.write_text(json.dumps(changed), encoding="utf-8")
    assert not replace(record, frozen=frozen("E0", tmp_path)).passed

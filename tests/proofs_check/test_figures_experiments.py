"""Figures of E3 to E8 from documents written by hand: points, intervals, the lines of theory, runs that are missing."""

import math
import re
from itertools import product
from typing import Any

import numpy as np
import pytest

from nonlinear.experiments.methods import METHODS
from proofs_check.figures import anchoring, digits, methods, scenes, seeds, unidentifiability
from proofs_check.figures.experiment import FIGURES, draw
from proofs_check.figures.experiment import figure as experiment_figure
from proofs_check.figures.style import BLUE

DATA = {"n_latents": 4, "sparsity": 2, "domains": {"x": 6, "y": 6}, "hidden": []}
BOTTLENECK = {**DATA, "hidden": [3]}
# Student's t at 97.5 %, from a printed table: degrees of freedom → quantile.
TABLE = {1: 12.706, 2: 4.303}
SPREAD = (-0.1, 0.0, 0.1)


def run(name, numbers, **settings):
    """A run of three seeds whose numbers scatter by ±0.1."""
    return {"name": name, "settings": settings, "units": [unit(numbers, s, v) for s, v in enumerate(SPREAD)]}


def unit(numbers, seed, by):
    return {"seed": seed} | {k: unit(v, 0, by) if isinstance(v, dict) else v + by for k, v in numbers.items()}


def arm(name, r2, *, data=DATA, extra=None, **config):
    numbers: dict[str, Any] = {
        "r2": {"REC": 0.7, "TR": r2, "CC": r2 - 0.2, "CYC": 0.1},
        "over_floor": {"dTR": 2.0, "dCC": 3.0},
    }
    return run(name, numbers | (extra or {}), data=data, config=config)


def law(term, sampling, r2, **how):
    return arm(f"linear, REC+{term}, {sampling}", r2, weights={"REC": 1.0, term: 10.0}, sampling=sampling, **how)


def unidentifiable(scale="small"):
    gaussian = {"r2": -0.9, "leak": 1.3, "independent_leak": 0.1, "pairs_r2": 0.95, "regression_r2": 0.45}
    gaussian |= {"over_floor": 1.2, "pairs_over_floor": 1.1, "regression_over_floor": 3.0}
    found = [
        run("gaussian laws", gaussian, width=6),
        arm("linear, REC", -1.0, weights={"REC": 1.0}),
        arm("linear, REC+TR", 0.9, weights={"REC": 1.0, "TR": 1.0}),
        arm("linear, REC+CC", 0.8, weights={"REC": 1.0, "CC": 1.0}),
        law("dTR", "disjoint", -0.8),
        law("dTR", "aligned", -0.6),
        law("dCC", "disjoint", -0.7),
    ]
    if scale == "full":
        how = {"unbiased": True, "init": "same", "data": BOTTLENECK}
        found += [law("dTR", "independent", -0.5, **how), law("dCC", "aligned", -0.5, **how)]
        leaks = product(("disjoint", "independent", "aligned"), ("biased", "unbiased"), ("256", "4096"))
        found.append(run("gaussian leaks", {", ".join(key): -0.4 for key in leaks}, width=6))
    return {"experiment": "unidentifiability", "scale": scale, "results": found}


def anchored(scale="small"):
    keys = ("both", "only", "ridge", "procrustes") + (("adam",) if scale == "full" else ())
    gaussian = {f"{k}_{m}": 0.2 for k in keys for m in (2, 4)}
    found = [run("gaussian curve" if scale == "full" else "gaussian anchors", gaussian, width=6)]
    for m, laws in product((0, 2, 9), (False, True)):
        weights = {"REC": 1.0} | ({"TR": 1.0, "CC": 1.0} if m else {}) | ({"dTR": 1.0, "dCC": 1.0} if laws else {})
        found.append(arm(f"linear, {m}", 0.3, weights=weights, **({"anchors": list(range(m))} if m else {})))
    matched = {"random": -1.0, "best": 0.6, "share_1": 0.25, "share_2": 0.5, "untrained_share_1": 0.1}
    matched = {"name": "matched atoms", "settings": {}, "units": [{"seed": s} | matched for s in range(3)]}
    return {"experiment": "anchoring", "scale": scale, "results": [*found, matched]}


def methodical(scale="small", data=(DATA,), rates=(0.01,), names=tuple(METHODS)):
    found = []
    for source, name, rate in product(data, reversed(names), rates):
        jaccard = {"standalone": {"label_jaccard_live": 0.5}}
        extra: dict[str, Any] = {"supports": jaccard, "untrained_supports": {"standalone": {"label_jaccard_live": 0.2}}}
        extra["validation"] = 1.0 + abs(math.log10(rate / 0.01))
        if name == "SPARC":
            jaccard["shared"] = {"label_jaccard_live": 0.8}
            extra |= {"shared": {"REC": 0.6, "TR": 0.5, "CC": 0.75}}
            extra |= {"untrained": {"CC": -2.0}, "untrained_shared": {"CC": -0.3}}
        found.append(arm(f"linear, {name}, lr {rate:g}", 0.4, data=source, extra=extra, lr=rate))
    return {"experiment": "methods", "scale": scale, "results": found}


SOME = "SAE", "USAE, all update", "SPARC"
DOCUMENTS = {
    "unidentifiability": unidentifiable(),
    "unidentifiability, full": unidentifiable("full"),
    "anchoring": anchored(),
    "anchoring, full": anchored("full"),
    "methods": methodical(),
    "methods, full": methodical("full", data=(DATA, BOTTLENECK)),
    "methods, rates": methodical("rates", rates=(0.001, 0.01, 0.1), names=SOME),
}


def points(axes):
    """(x, y, marker, filled, (low, high) of the interval or None) of every mean that is drawn."""
    found = []
    for line, _, bars in (c.lines for c in axes.containers):
        ends = None
        if bars:
            (segment,) = bars[0].get_segments()
            along = int(np.ptp(segment[:, 1]) > 0)
            ends = tuple(sorted(segment[:, along]))
        x, y = (float(v[0]) for v in line.get_data())
        found.append((x, y, line.get_marker(), line.get_markerfacecolor() != "white", ends))
    return found


def near(axes, x, y):
    """The only point at a position."""
    (found,) = [p for p in points(axes) if abs(p[0] - x) < 0.2 and abs(p[1] - y) < 1e-9]
    return found


def lines(axes):
    return {str(line.get_label()): np.array(line.get_data(), dtype=float) for line in axes.lines}


def levels(axes):
    """{(linestyle, colour): height} of the lines that cross the axes."""
    found = [(line, np.asarray(line.get_ydata(), dtype=float)) for line in axes.lines]
    return {(line.get_linestyle(), line.get_color()): y[0] for line, y in found if len(y) == 2 and np.ptp(y) == 0}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_figure_is_a_picture_with_points(name, tmp_path):
    document = DOCUMENTS[name]
    draw(document, tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    assert content.startswith(b"\x89PNG")
    assert len(content) > 20_000
    made = FIGURES[document["experiment"]](document)
    assert all(points(axes) for axes in made.axes)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_missing_runs_do_not_fail(name):
    document = DOCUMENTS[name]
    results = document["results"]
    two = [{**r, "units": r["units"][:2]} for r in results]
    counts = []
    for kept in ([], results[:1], results[-1:], results[::2], two):
        made = FIGURES[document["experiment"]]({**document, "results": kept})
        counts.append(sum(len(points(axes)) for axes in made.axes))
        if kept in ([], results[:1]):
            made.draw_without_rendering()
    assert counts[0] == 0 < counts[1] <= counts[3] < counts[4]


@pytest.mark.parametrize("name", ["unidentifiability", "anchoring", "methods"])
def test_one_seed_has_a_point_and_no_interval(name):
    document = DOCUMENTS[name]
    one = {**document, "results": [{**r, "units": r["units"][:1]} for r in document["results"]]}
    made = FIGURES[name](one)
    drawn = [p for axes in made.axes for p in points(axes)]
    assert drawn
    assert all(p[-1] is None for p in drawn)
    assert made.get_suptitle().endswith("one seed, no intervals")


def test_intervals_are_students():
    axes = unidentifiability.figure(unidentifiable()).axes[0]
    half = TABLE[2] * 0.1 / math.sqrt(3)
    assert near(axes, 0, -0.9)[-1] == pytest.approx((-0.9 - half, -0.9 + half), abs=1e-4)
    two = {"experiment": "methods", "scale": "small", "results": [dict(methodical()["results"][0])]}
    two["results"][0]["units"] = [{"seed": s, "r2": {"TR": v}} for s, v in enumerate((0.1, 0.2))]
    (point,) = points(methods.figure(two).axes[0])
    assert point[-1] == pytest.approx((0.15 - TABLE[1] * 0.05, 0.15 + TABLE[1] * 0.05), abs=1e-4)


def test_a_mean_below_the_clip_is_drawn_there_with_a_triangle():
    document = unidentifiable()
    document["results"] = [law("dTR", "disjoint", -7.0)]
    axes = unidentifiability.figure(document).axes[2]
    (point,) = points(axes)
    assert point[1] == seeds.LOWEST == -1.5
    assert [line.get_marker() for line in axes.lines if line.get_color() == "black"].count("v") == 1
    assert axes.get_ylim()[0] < -1.58


def test_gaussian_points_and_the_lines_of_c2():
    axes, below = unidentifiability.figure(unidentifiable()).axes[:2]
    # R² of aligned and of independent batches is given as the difference from disjoint ones.
    for x, y in ((0, -0.9), (1, -0.8), (2, 0.4), (3, 0.95), (4, 0.45)):
        near(axes, x, y)
    assert len(points(axes)) == 5
    drawn = lines(axes)
    assert set(drawn["2m/d − 1 at m = 0"][1]) == {-1.0}
    assert set(drawn["2m/d − 1 at m = d"][1]) == {1.0}
    assert set(drawn["m/d at m = d/2"][1]) == {0.5}
    (band,) = [p for p in axes.patches if p.get_label() == "±2/d"]
    assert (band.get_y(), band.get_height()) == pytest.approx((-1 - 2 / 6, 4 / 6))
    assert [p[1] for p in points(below)] == pytest.approx([1.2, 1.1, 3.0])


def test_leaks_by_points_and_form():
    axes = unidentifiability.figure(unidentifiable("full")).axes[0]
    drawn = [p for p in points(axes) if p[1] == pytest.approx(-0.4)]
    assert [sum(round(p[0]) == k for p in drawn) for k in range(3)] == [4, 4, 4]
    assert {(p[2], p[3]) for p in drawn} == {("o", True), ("o", False), ("s", True), ("s", False)}


def test_sparse_coders_with_the_printed_number_and_the_known_terms():
    _, _, tr, cc, below_tr, below_cc = unidentifiability.figure(unidentifiable("full")).axes
    assert [(p[1], p[2], p[3]) for p in points(tr)] == [
        (pytest.approx(-0.8), "o", True), (pytest.approx(-0.6), "o", True), (pytest.approx(-0.5), "D", False)
    ]  # fmt: skip
    assert [p[1] for p in points(cc)] == pytest.approx([-0.9, -0.7])
    assert [round(p[0]) for p in points(tr)] == [0, 2, 1]
    for axes, alone, known in ((tr, -1.0, 0.9), (cc, -1.2, 0.6)):
        drawn = levels(axes)
        assert drawn[":", BLUE] == pytest.approx(alone)
        assert drawn["--", BLUE] == pytest.approx(known)
        assert drawn["-", "black"] == 0.99
    assert [p[1] for p in points(below_tr)] == pytest.approx([2.0] * 3)
    assert [p[1] for p in points(below_cc)] == pytest.approx([3.0] * 2)


@pytest.mark.parametrize("scale", ["small", "full"])
def test_anchors_of_gaussian_rows(scale):
    axes = anchoring.figure(anchored(scale)).axes[0]
    drawn = lines(axes)
    assert drawn["2m/d − 1"].T.tolist() == [[m, pytest.approx(m / 3 - 1)] for m in range(7)]
    assert drawn["m/d"].T.tolist() == [[m, pytest.approx(m / 6)] for m in range(7)]
    assert len(points(axes)) == (10 if scale == "full" else 8)
    assert {round(p[0]) for p in points(axes)} == {2, 4}


def distinct(K, s, m):
    """E of the number of distinct columns of m binary codes, over all of them."""
    codes = [row for row in product((0, 1), repeat=K) if sum(row) == s]
    counts = [len(set(zip(*rows, strict=True))) if m else 1 for rows in product(codes, repeat=m)]
    return sum(counts) / len(counts)


def test_anchors_of_sparse_coders_and_the_curve_of_c5():
    axes = anchoring.figure(anchored()).axes[1]
    drawn = lines(axes)
    x, y = drawn["theorem C5a for matched atoms"]
    for m in range(4):
        share = (distinct(4, 2, m) - 1) / 3
        assert y[list(x).index(m)] == pytest.approx(-1 + 1.6 * share)
    assert x[-1] == 9
    enough = [label for label in drawn if label.startswith("(K/s) ln K")]
    assert drawn[enough[0]][0] == pytest.approx([2 * math.log(4)] * 2)
    diamonds = [(p[0], p[1]) for p in points(axes) if p[2] == "D"]
    assert diamonds == [(1, pytest.approx(-0.6)), (2, pytest.approx(-0.2))]
    for filled, level in ((True, 0.1), (False, 0.3)):
        arms = [p for p in points(axes) if p[2] in "os" and p[3] == filled]
        assert [p[1] for p in arms] == pytest.approx([level] * 6)
        assert sorted({p[2] for p in arms}) == ["o", "s"]
    assert list(axes.get_xticks()) == [0, 1, 2, 9]


def test_methods_in_their_order_with_joint_codes_open():
    left, right = methods.figure(methodical()).axes
    names = [t.get_text() for t in left.get_yticklabels()]
    assert names == list(METHODS)
    row = names.index("SPARC")
    here = [p for p in points(left) if round(p[1]) == row]
    assert {p[2] + "●○"[not p[3]]: p[0] for p in here} == {
        key: pytest.approx(value)
        for key, value in {"o●": 0.7, "s●": 0.4, "^●": 0.2, "o○": 0.6, "s○": 0.5, "^○": 0.75}.items()
    }
    assert sum(not p[3] for p in points(left)) == 3
    assert [p[0] for p in points(right) if round(p[1]) == row] == pytest.approx([0.5, 0.8])
    nulls = [np.array(line.get_data())[:, 0].tolist() for line in right.lines if line.get_marker() == "|"]
    assert nulls == [[pytest.approx(0.2), pytest.approx(k - 0.12)] for k in range(len(METHODS))]
    nulls = [np.array(line.get_data())[:, 0].tolist() for line in left.lines if line.get_marker() == "|"]
    assert sorted(x for x, _ in nulls) == pytest.approx([-1.5, -0.3])  # −2 is below the clip
    assert {round(y) for _, y in nulls} == {row}


def test_rates_mark_the_least_validation_objective():
    axes = methods.figure(DOCUMENTS["methods, rates"]).axes
    above, below = axes[: len(SOME)], axes[len(SOME) :]
    assert [a.get_title().replace("\n", " ") for a in above] == list(SOME)
    for axes in below:
        assert [(p[0], p[1]) for p in points(axes)] == [
            (rate, pytest.approx(value)) for rate, value in ((0.001, 2), (0.01, 1), (0.1, 2))
        ]
        (chosen,) = [line for line in axes.lines if line.get_linestyle() == ":"]
        assert np.array(chosen.get_xdata()).tolist() == [0.01, 0.01]
        assert axes.get_xscale() == "log"


@pytest.mark.parametrize(("name", "across"), [("duality", 0.7), ("cycle", 0.1)])
def test_duality_and_cycle_stay_scatters(name, across):
    results = [arm("linear, REC+TR", 0.9), run("cycle_only", {"gap": 0.3}), {"name": "linear, REC", "units": []}]
    made = FIGURES[name]({"experiment": name, "scale": "small", "results": results})
    (cloud,) = made.axes[0].collections
    expected = [[0.9 + v, across + v] for v in SPREAD]
    np.testing.assert_allclose(np.array(cloud.get_offsets()), expected)


def weighted(experiment, terms):
    found = [arm("linear, alone", 0.7, weights={"REC": 1.0})]
    for n, (term, w) in enumerate(terms):
        result = arm(f"linear, {n}", -1.0 + n / 10, weights={"REC": 1.0, "dTR": 10.0, term: w}, sampling="disjoint")
        for unit in result["units"]:
            unit["over_floor"] = {"dTR": 4.0 + n, "dCC": 40.0 - n}
        found.append(result)
    return {"experiment": experiment, "scale": "weights", "results": found}


@pytest.mark.parametrize("experiment", ["unidentifiability", "anchoring"])
def test_every_weight_has_its_own_points(experiment):
    made = experiment_figure(weighted(experiment, [("dCC", 10.0), ("dCC", 100.0), ("dCC", 1000.0)]))
    above, below = made.axes  # the weight of dTR does not vary
    assert sorted(round(p[0] * 1.08, 6) for p in points(below)) == [10, 100, 1000]
    assert sorted(p[1] for p in points(below)) == pytest.approx([38.0, 39.0, 40.0])
    assert len(points(above)) == 6


ROWS = "none", "TR", "CC", "CYC", "dTR", "dCC", "TR+CC", "dTR+dCC", "TR+CC, 148 anchors", "mixed, 148 anchors"
SYSTEMS = "crosscoder", "USAE", "CoSAE"
COUNTS = 37, 148, 592, 4096


def scored(value):
    return {"S_ext": value, "S_trans": value / 2, "S_cons": value / 4}


def embedded(names, scale):
    """Runs whose R² and scores differ from row to row; the crosscoder has joint scores, too."""
    found = []
    for k, name in enumerate(names):
        extra: dict[str, Any] = {"scores": scored(0.2 + k / 100)} if scale == "full" else {}
        if scale == "full" and "crosscoder" in name:
            extra["shared_scores"] = scored(0.7)
        m = re.search(r"(\d+) anchors", name)
        config = {"anchors": list(range(int(m[1])))} if m else {}
        one = arm(name, 0.9 - k % 13 / 30, extra=extra, data={"embeddings": name.partition(", ")[0]}, **config)
        one["settings"]["rows"] = [4096, 1024]
        found.append(one)
    return found


def digital(scale="full", rows=(*ROWS, *SYSTEMS)):
    names = [f"{source}, {row}" for source in ("digits", "halves") for row in rows]
    return {"experiment": "digits", "scale": scale, "results": embedded(names, scale)}


def scenic(scale="full"):
    rows = (*ROWS[:8], *(f"{row}, {m} anchors" for m in COUNTS for row in ("TR+CC", "mixed")), *SYSTEMS)
    results = embedded([f"scenes, {row}" for row in rows], scale)
    for k, result in enumerate(results):
        m = len(result["settings"]["config"].get("anchors", range(4096)))
        moved: dict[str, Any] = {"coders": 0.3 + k / 100, "ridge": m / 10_000, "procrustes": m / 20_000}
        moved |= {"caption": 0.79, "hits_codes": 0.5, "hits_ridge": 0.6, "hits_chance": 0.16}
        moved |= {"pair_codes": 0.35 + k / 100, "pair_ridge": 0.45, "pair_chance": 0.08}
        for u in result["units"]:
            u["transfer"], u["shuffled_transfer"] = moved, {**moved, "pair_codes": 0.25, "hits_codes": 0.48}
    return {"experiment": "scenes", "scale": scale, "results": results}


REAL = {"digits": digital(), "scenes": scenic()}


def marks(axes):
    """(x, y, form of the marker, colour of its edge, filled) of every point of a scatter."""
    found = []
    for cloud in axes.collections:
        (path,), (edge,), face = cloud.get_paths(), cloud.get_edgecolors(), cloud.get_facecolors()
        look = (tuple(path.vertices.round(3).ravel()), tuple(edge[:3]), len(face) > 0)
        found += [(*offset, *look) for offset in np.asarray(cloud.get_offsets())]
    return found


def test_digits_have_a_point_per_seed_and_a_mark_per_row():
    document = digital()
    panels = digits.figure(document).axes[:2]
    for axes, source in zip(panels, ("digits", "halves"), strict=True):
        units = [u for r in document["results"] if r["name"].startswith(source) for u in r["units"]]
        drawn = marks(axes)
        expected = [(u["r2"]["TR"], u["r2"]["CC"]) for u in units]
        np.testing.assert_allclose([p[:2] for p in drawn], expected)
        assert len({p[2:] for p in drawn}) == len(drawn) / 3 == 13
        (inset,) = axes.child_axes
        assert len(marks(inset)) == sum(min(point) > 0.5 for point in expected) > 3
        (low, high), (bottom, top) = inset.get_xlim(), inset.get_ylim()
        assert all(low < x < high and bottom < y < top for x, y, *_ in marks(inset))


def test_digits_below_the_clip_are_drawn_there():
    document = digital("small", rows=("none",))
    for u in document["results"][0]["units"]:
        u["r2"] |= {"TR": -9.0, "CC": -1.0}
    left = digits.figure(document).axes[0]
    assert [p[:2] for p in marks(left)] == [(-1.5, -1.0)] * 3
    assert left.get_xlim()[0] < -1.5


@pytest.mark.parametrize(("name", "sources", "table"), [("digits", 2, "vision"), ("scenes", 1, "multimodal")])
def test_scores_have_a_line_per_row_beside_the_paper_s(name, sources, table):
    document = REAL[name]
    panels = {axes.get_xlabel()[:7].split(" ")[0]: axes for axes in FIGURES[name](document).axes[-3:]}
    rows = [t.get_text() for t in panels["S_ext"].get_yticklabels()]
    runs = {r["name"].partition(", ")[2].replace("anchors", "pairs") for r in document["results"]}
    assert sorted(rows) == sorted(runs | {"crosscoder, joint codes"})
    for score, part in (("S_ext", 1), ("S_trans", 2), ("S_cons", 4)):
        axes = panels[score]
        drawn = [(rows[round(p[1])], p[0]) for p in points(axes)]
        expected = []
        for result in document["results"]:
            row = result["name"].partition(", ")[2].replace("anchors", "pairs")
            expected.append((row, np.mean([u["scores"][score] for u in result["units"]])))
            if row == "crosscoder":
                expected.append((f"{row}, joint codes", 0.7 / part))
        assert len(drawn) == len(rows) * sources
        assert sorted(drawn) == [(row, pytest.approx(value)) for row, value in sorted(expected)]
    paper = [np.array(line.get_data()).ravel() for line in panels["S_cons"].lines if line.get_marker() == "D"]
    hollow = {rows[int(y)]: x for x, y in paper}
    printed = {
        "vision": {"TR": 0.2174, "CC": 0.6023, "mixed, 148 pairs": 0.7946, "USAE": 0.435},
        "multimodal": {"TR": 0.2377, "CC": 0.3271, "mixed, 148 pairs": 0.5535},
    }[table]
    assert hollow | printed == hollow
    assert len(hollow) == {"vision": 13, "multimodal": 8}[table]


def test_transfer_against_the_number_of_pairs():
    axes, one, two, *_ = scenes.figure(scenic()).axes
    by_look: dict[str, list[tuple[int, float]]] = {}
    for x, y, marker, filled, _ in points(axes):
        by_look.setdefault(marker + "○●"[filled], []).append((min(COUNTS, key=lambda m: abs(math.log(m / x))), y))
    # Runs 8, 10, … know pairs by TR + CC, 9, 11, … with laws, and run 6 has all pairs in every batch.
    assert by_look["o●"] == [(m, pytest.approx(0.38 + k / 50)) for k, m in enumerate(COUNTS)]
    assert by_look["s●"] == [(m, pytest.approx(0.39 + k / 50)) for k, m in enumerate(COUNTS)]
    assert by_look["D○"] == [(4096, pytest.approx(0.36))]
    assert by_look["^●"] == [(m, pytest.approx(m / 10_000)) for m in COUNTS]
    assert by_look["v○"] == [(m, pytest.approx(m / 20_000)) for m in COUNTS]
    drawn = levels(axes)
    assert drawn["-", "0.35"] == pytest.approx(0.79)
    assert drawn[":", "black"] == pytest.approx(1 / 216)
    assert drawn["--", "0.35"] == pytest.approx(0.3)
    for panel, codes, other, ridge, chance in ((one, 0.5, 0.48, 0.6, 0.16), (two, 0.43, 0.25, 0.45, 0.08)):
        near_first = {p[2]: p[1] for p in points(panel) if p[0] < 60}
        assert near_first["o"] == pytest.approx(codes)
        assert near_first["X"] == pytest.approx(other)
        assert near_first["^"] == pytest.approx(ridge)
        assert levels(panel)[":", "black"] == pytest.approx(chance)
        assert len([p for p in points(panel) if p[2] == "X"]) == 5
    assert [t.get_text() for t in axes.get_xticklabels()] == [str(m) for m in COUNTS]


@pytest.mark.parametrize("name", REAL)
def test_real_embeddings_without_some_runs(name, tmp_path):
    document = REAL[name]
    results = document["results"]
    bare = [{**r, "units": [{k: v for k, v in u.items() if k in ("seed", "r2")} for u in r["units"]]} for r in results]
    counts = []
    for kept in ([], [{**results[0], "units": []}], bare, results[6:7], results[-1:], results[::2], results):
        made = FIGURES[name]({**document, "results": kept})
        counts.append(sum(len(points(a)) + len(a.collections) for a in made.axes))
    assert counts[:2] == [0, 0]
    assert 0 < counts[3] < counts[5] < counts[6]
    assert counts[4] > 0
    assert (counts[2] > 0) == (name == "digits")
    one = {**document, "results": [{**r, "units": r["units"][:1]} for r in results[::2]]}
    assert FIGURES[name](one).get_suptitle().endswith("one seed, no intervals")
    draw({**document, "results": results[::3]}, tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 20_000

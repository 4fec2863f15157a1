"""The section on real embeddings, from made-up verdicts and stored runs whose numbers are written here."""

import json
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from proofs_check import experiment_command, page
from proofs_check import real as module
from proofs_check.evidence import Run
from proofs_check.ledger import load
from proofs_check.real import CONCLUSIONS, FILES, ROWS, judged, real
from proofs_check.report import assemble

from .test_synthetic import Tags, finding, reported

# As the paper's text prints them, to three digits: S_ext, S_trans, S_cons.
VISION = {
    "REC": (0.913, 0.018, 0.000),
    "REC + TR": (0.902, 0.728, 0.217),
    "REC + CC": (0.576, 0.055, 0.602),
    "REC + CYC": (0.918, 0.072, 0.000),
    "REC + dTR": (0.831, 0.025, 0.000),
    "REC + dCC": (0.905, 0.052, 0.000),
    "REC + TR + CC": (0.836, 0.733, 0.619),
    "REC + dTR + dCC": (0.893, 0.012, 0.000),
    "TR + CC, few pairs": None,
    "mixed, few pairs": (0.893, 0.732, 0.795),
    "crosscoder, joint": (0.887, 0.596, 0.794),
    "crosscoder, alone": (0.860, 0.319, 0.000),
    "USAE": (0.895, 0.731, 0.435),
    "CoSAE": (0.893, 0.738, 0.795),
}
MULTIMODAL = {
    "REC": (0.896, 0.000, 0.000),
    "REC + TR": (0.739, 0.297, 0.238),
    "REC + CC": (0.879, 0.000, 0.327),
    "REC + dTR": (0.766, 0.000, 0.000),
    "REC + dCC": (0.888, 0.000, 0.000),
    "REC + TR + CC": (0.750, 0.277, 0.345),
    "REC + dTR + dCC": (0.889, 0.000, 0.000),
    "mixed, few pairs": (0.781, 0.505, 0.554),
}
COLUMNS = ["vision", "digits", "halves", "multimodal", "scenes"]
VERDICTS = {
    "E7.i": "contradicted",
    "E7.ii": "contradicted",
    "E7.iii": "supported",
    "E7.iv": "supported",
    "E7.v": "supported",
    "E7.vi": "supported",
    "E7.vii": "inconclusive",
    "E8.i": "supported",
    "E8.ii": "supported",
    "E8.iii": "inconclusive",
    "E8.iv": "supported",
    "E8.v": "contradicted",
}
REPORT = reported({i: [finding(i, f"number of {i}", v)] for i, v in VERDICTS.items()})


def stored(folder: Path, name: str, arms: dict[str, list[dict]]) -> None:
    results = [{"name": arm, "units": units} for arm, units in arms.items()]
    (folder / name).write_text(json.dumps({"results": results}), encoding="utf-8")


def unit(seed, ext, key="scores", **more):
    return {"seed": seed, key: {"S_ext": ext, "S_trans": ext / 2, "S_cons": ext / 4}} | more


@pytest.fixture
def experiments(tmp_path):
    """Digits of two seeds, one run of scenes; a joint score, a unit without scores, rows that the page lacks."""
    stored(
        tmp_path,
        "digits-full.json",
        {
            "digits, TR": [unit(0, 0.4), unit(1, 0.6)],
            "halves, TR": [unit(0, 0.8), {"seed": 1, "r2": {"TR": 0.5}}],
            "digits, mixed, 148 anchors": [unit(0, 0.2), unit(1, 0.2)],
            "digits, TR+CC, 148 anchors": [unit(0, 0.1), unit(1, 0.3)],
            "digits, crosscoder": [unit(s, 0.4) | unit(s, 1.0 - s / 5, "shared_scores") for s in (0, 1)],
        },
    )
    stored(tmp_path, "scenes-full.json", {"scenes, mixed, 37 anchors": [unit(0, 0.9)], "scenes, none": [unit(0, 0.5)]})
    return tmp_path


def test_the_paper_s_numbers_are_those_of_its_text(tmp_path):
    made = real(REPORT, tmp_path)
    assert made is not None
    assert list(made.rows) == list(VISION)
    assert list(made.columns) == COLUMNS
    assert [name for name, theirs in made.columns.items() if theirs] == ["vision", "multimodal"]
    for at, table in ((0, VISION), (3, MULTIMODAL)):
        for row, cells in made.rows.items():
            scores = [cells[5 * k + at] for k in range(3)]
            expected = table.get(row)
            if expected is None:
                assert scores == [None] * 3
            else:
                assert [s.mean for s in scores if s] == pytest.approx(expected, abs=0.00051)
                assert all((s.sd, s.seeds) == (None, 0) for s in scores if s)


def test_the_rows_are_runs_of_the_grids():
    from nonlinear.experiments import digits, scenes

    assert "148" in module.FEW
    assert digits.ANCHORS == 148
    named = {name.removesuffix(module.JOINT) for name, _ in ROWS.values()}
    for source, grid in (("digits", digits.grid()), ("halves", digits.grid()), ("scenes", scenes.grid())):
        runs = {a.name.removeprefix(f"{source}, ") for a in grid if a.name.startswith(f"{source}, ")}
        others = {r for r in runs if re.search(r"\b(37|592|4096) anchors", r)}
        assert named == runs - others
        assert all("intervench" in a.parts for a in grid)


def test_every_claim_on_real_embeddings_belongs_to_one_conclusion():
    asked = [i for ids in CONCLUSIONS.values() for i in ids]
    assert sorted(asked) == sorted(c.id for c in load() if c.id.startswith(("E7.", "E8.")))


def test_means_and_deviations_over_seeds(experiments):
    made = real(REPORT, experiments)
    assert made is not None
    assert made.seeds == {"digits": 2, "halves": 2, "scenes": 1}

    def cells(row, column, rows=made.rows):
        found = [rows[row][5 * k + COLUMNS.index(column)] for k in range(3)]
        return [(c.mean, c.sd, c.seeds) for c in found if c is not None]

    half = pytest.approx(0.2 / 2**0.5)
    assert cells("REC + TR", "digits")[0] == (pytest.approx(0.5), half, 2)
    assert [c[0] for c in cells("REC + TR", "digits")] == pytest.approx([0.5, 0.25, 0.125])
    assert cells("REC + TR", "halves") == [(v, None, 1) for v in (0.8, 0.4, 0.2)]
    assert cells("mixed, few pairs", "digits") == [(v, 0.0, 2) for v in (0.2, 0.1, 0.05)]
    assert cells("TR + CC, few pairs", "digits")[0] == (pytest.approx(0.2), half, 2)
    assert cells("crosscoder, alone", "digits")[0] == (pytest.approx(0.4), 0.0, 2)
    assert cells("crosscoder, joint", "digits")[0] == (pytest.approx(0.9), half, 2)
    assert cells("REC", "scenes")[0] == (0.5, None, 1)
    assert cells("mixed, few pairs", "scenes") == []
    assert sum(c is not None and c.seeds > 0 for row in made.rows.values() for c in row) == 3 * 7


@pytest.mark.parametrize(
    ("verdicts", "found"),
    [
        (["supported"], ("supported", "carries over")),
        (["supported", "supported"], ("supported", "carries over")),
        (["contradicted"], ("contradicted", "does not")),
        (["contradicted", "supported"], ("inconclusive", "in part")),
        (["inconclusive", "supported"], ("inconclusive", "open")),
        (["contradicted", "inconclusive"], ("inconclusive", "open")),
        (["supported", "not run"], ("not run", "not run")),
        (["not run", "BROKEN"], ("BROKEN", "BROKEN")),
    ],
)
def test_a_conclusion_by_the_verdicts_of_its_claims(verdicts, found):
    assert judged(verdicts) == judged(verdicts[::-1]) == found


def test_conclusions_follow_the_report(tmp_path):
    made = real(REPORT, tmp_path)
    assert made is not None
    words = ["in part", "does not", "carries over", "carries over", "carries over", "open", "carries over", "open"]
    assert [c.word for c in made.conclusions] == [*words, "in part"]
    assert [f.claim.id for c in made.conclusions for f in c.findings] == [
        i for ids in CONCLUSIONS.values() for i in ids
    ]
    part = real(reported({"E7.i": [finding("E7.i", "number", "contradicted")]}), tmp_path)
    assert part is not None
    # E7.iii is no part of this report, so that nothing can be said of both.
    assert [(c.word, [f.claim.id for f in c.findings]) for c in part.conclusions] == [("not run", ["E7.i"])]


def test_nothing_where_no_claim_was_measured():
    other = reported({"E3.v": [finding("E3.v", "R²_TR")]}, idle=["E7.i", "E8.i"])
    for report in (assemble([], {}, Run()), other):
        assert real(report) is None
        text = page.render(report)
        assert 'id="real"' not in text
        assert 'href="#real"' not in text


def section(text: str) -> Tags:
    (found,) = re.findall(r'<section id="real">.*?</section>', text, re.DOTALL)
    return Tags(found)


def test_page_with_stored_runs(experiments, monkeypatch):
    monkeypatch.setattr(page, "real", partial(real, experiments=experiments))
    text = page.render(REPORT)
    whole = Tags(text)
    assert len(whole.ids) == len(set(whole.ids))
    assert {link.removeprefix("#") for link in whole.links} <= set(whole.ids)
    assert "#real" in whole.links
    shown = section(text)
    cells = [words for _, words in shown.cells]
    assert len(cells) == 14 * 15
    assert cells[15:30] == [
        *("0.90", "0.50±0.14", "0.80", "0.74", ""),
        *("0.73", "0.25±0.07", "0.40", "0.30", ""),
        *("0.22", "0.12±0.04", "0.20", "0.24", ""),
    ]
    kinds = [kind.split()[-1] if kind else "" for kind, _ in shown.cells[15:20]]
    assert kinds == ["theirs", "ours", "ours", "theirs", ""]
    words = " ".join(shown.words.split())
    for piece in (
        "digits 2 seeds, halves 2 seeds, scenes 1 seed.",
        "vision (high; dTR and dCC medium), multimodal (medium), methods (high).",
        "≈ in partTraining translation does not give consistency E7.i contradicted: number of E7.i 0.5 [0.25, 0.75]; "
        "predicted ≥ -0.5 & moreE7.iii supported",
        "✗ does notTraining consistency",
        "≈ openOnce anchored",
        "✓ carries overCoders transfer",
    ):
        assert piece in words, piece
    assert [i for i in shown.links if i.startswith("#E")] == [
        *("#E7.i", "#E7.iii", "#E7.iv", "#E7.vi", "#E8.i", "#E8.iv", "#E8.v"),
        *("#E7.ii", "#E7.v", "#E7.vii", "#E8.ii", "#E8.iii"),
    ]


def test_page_without_stored_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "real", partial(real, experiments=tmp_path))
    shown = section(page.render(REPORT))
    words = " ".join(shown.words.split())
    assert "digits not run, halves not run, scenes not run." in words
    assert "E8.v contradicted: number of E8.v 0.5" in words
    assert not any("ours" in kind for kind, _ in shown.cells)
    assert sum("theirs" in kind for kind, _ in shown.cells) == 3 * (13 + 8)


def test_section_escapes_what_claims_and_records_say(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "real", partial(real, experiments=tmp_path))
    hostile = "<script>alert(1)</script>"
    text = page.render(reported({"E7.i": [finding("E7.i", hostile, reason=hostile)]}, title=f"{hostile} {{}}"))
    (found,) = re.findall(r'<section id="real">.*?</section>', text, re.DOTALL)
    assert "<script" not in found
    assert found.count("&lt;script&gt;") >= 4


def test_the_terminal_shows_scores_and_transfer(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("COLUMNS", "140")
    transfer = {"coders": 0.9, "ridge": 0.6, "caption": 0.79, "pair_codes": 0.37, "pair_chance": 0.08}
    arms = [
        {"name": "scenes, TR", "units": [unit(s, 0.4 + s / 5, transfer=transfer) for s in (0, 1)]},
        {"name": "scenes, crosscoder", "units": [unit(0, 0.4) | unit(0, 0.8, "shared_scores")]},
        {"name": "scenes, none", "units": [{"seed": 0, "r2": {"TR": -0.5}}]},
    ]
    experiment_command._show(arms, tmp_path)
    shown = [" ".join(re.findall(r"[^\s│┃]+", line)) for line in capsys.readouterr().out.splitlines()]
    for line in (
        "arm S_ext S_trans S_cons",
        "scenes, TR 0.50 ± 0.14 0.25 ± 0.07 0.12 ± 0.04",
        "scenes, crosscoder 0.40 0.20 0.10",
        "scenes, crosscoder 0.80 0.40 0.20",
        "arm coders ridge own caption",
        "scenes, TR 0.90 ± 0.00 0.60 ± 0.00 0.79 ± 0.00",
        "arm codes chance",
        "scenes, TR 0.37 ± 0.00 0.08 ± 0.00",
        "scenes, none -0.50",
    ):
        assert line in shown, line
    assert sum(line.startswith("scenes,") for line in shown) == 6


def test_what_is_shipped_is_what_is_shown():
    made = real(REPORT)
    assert made is not None
    folder = Path(module.__file__).parent / "data" / "experiments"
    for source, name in FILES.items():
        if not (folder / name).exists():
            assert made.seeds[source] == 0
            continue
        found = json.loads((folder / name).read_text(encoding="utf-8"))
        runs = {r["name"]: r["units"] for r in found["results"]}
        expected = np.array([u["scores"]["S_cons"] for u in runs[f"{source}, mixed, 148 anchors"]])
        score = made.rows["mixed, few pairs"][10 + COLUMNS.index(source)]
        assert score is not None
        assert (score.mean, score.sd) == pytest.approx((expected.mean(), expected.std(ddof=1)))
        assert made.seeds[source] == score.seeds == len(expected)

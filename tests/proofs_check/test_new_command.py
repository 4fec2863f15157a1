"""Templates: they say what is missing, and pass their generated tests once it is filled in."""

import re
import subprocess
import sys

import pytest

from proofs_check.cli import main

FILLED = {
    "what": (
        "STABLE",
        {
            "raise sides": ("z = view.code(i)\n    return view.encode(i, view.decode(i, z)), z"),
            "REPRESENTATION,  #": "CONCEPT,  #",
            "ORDERED,  # i": "SELF,  # i",
            'frozenset({"order of the points"})': 'frozenset({"order of the points", "pairing", '
            '"rotation of a representation", "rotation of the codes"})',
        },
    ),
    "level": (
        "same_mean",
        {
            "adds: frozenset[str] = frozenset()": 'adds: frozenset[str] = frozenset({"pairing"})',
            "raise loss": ("a, b = view.samples(what, i, j)\n        return ((a.mean(0) - b.mean(0)) ** 2).sum()"),
            "raise holds": (
                "a, b = what.sides(view, i, j)\n        return bool((a.sum(0) * len(b) == b.sum(0) * len(a)).all())"
            ),
        },
    ),
    "claim": (
        "X1",
        {
            "replace this: a short name": "Squares",
            "replace this: the statement in formulas": "a² ≥ 0",
            "replace this: the statement in words": "Squares are not negative.",
            "replace this: where it stands, or the reference": "ours",
            "raise proof": ('return prove("squares are not negative", [], A * A >= 0)'),
            "raise numeric": ('return run.holds("squares", st.floats(-9, 9), lambda a: [(-a * a, 1e-12)])'),
            "variants: list[Mutant] = []": 'variants = [Mutant("flip", text, proves([], goal), 2.0) for text, goal in '
            '(("a > 0", A > 0), ("a² > 0", A * A > 0), ("a² > a", A * A > A))]',
            "\nCLAIM = Claim(": "\nA = z3.Real('a')\nCLAIM = Claim(",
            "\nfrom proofs_check.evidence": "\nimport z3\nfrom hypothesis import strategies as st\n"
            "from proofs_check.evidence",
        },
    ),
    "system": (
        "half",
        {"raise terms": ('return {"REC": 0.5, "CC": 0.5 / S}')},
    ),
}
MISSING = {
    "what": "sides is not filled in",
    "level": "loss is not filled in",
    "claim": "proof is not filled in",
    "system": "terms is not filled in",
}


def pytest_of(files, folder):
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", folder, *files]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("new")


def test_templates_say_what_is_missing_and_pass_when_it_is_filled_in(folder, capsys):
    for kind, (name, _) in FILLED.items():
        assert main(["new", kind, name, "--out", str(folder)]) == 0
        assert f'{name.lower()} = "{name.lower()}"' in capsys.readouterr().out
    done = pytest_of(sorted(folder.glob("test_*.py")), folder)
    assert done.returncode == 1
    for line in MISSING.values():
        assert line in done.stdout

    for name, changes in FILLED.values():
        path = folder / f"{name.lower()}.py"
        text = path.read_text()
        for old, new in changes.items():
            if old.startswith("raise "):  # the line that says what is missing
                old = re.search(rf'raise NotImplementedError\("{old[6:]} is not filled in: .*"\)', text).group()
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        path.write_text(text)
        lines = [line for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
        assert len(lines) < 40, "a filled-in template is short"
    done = pytest_of(sorted(folder.glob("test_*.py")), folder)
    assert done.returncode == 0, done.stdout[-3000:]


def test_a_claim_of_a_file_is_verified_with_the_others_and_listed(folder):
    code = "import sys; from proofs_check.cli import main; sys.exit(main(sys.argv[1:]))"
    for words in (["verify", "X1", "--plugin", "x1.py"], ["list", "claims", "--plugin", "x1.py"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *words], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "X1" in done.stdout
    assert "verified" in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["what", "tr"], "there is a what called 'TR'; choose another NAME"),
        (["claim", "L4.ii"], "there is a claim called 'L4.ii'"),
        (["system", "cosae"], "there is a system called 'cosae'"),
        (["level", "3d"], "'3d' makes no file name"),
        (["level", "class"], "Python has 'class' already"),
        (["level", "numpy"], "Python has 'numpy' already, and would take one for the other; choose another NAME"),
        (["theorem", "X1"], "'theorem' is not one of 'what', 'level', 'claim', 'system'"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(words, message, tmp_path, capsys):
    assert main(["new", *words, "--out", str(tmp_path)]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path, capsys):
    (tmp_path / "same_mean.py").write_text("mine")
    assert main(["new", "level", "same_mean", "--out", str(tmp_path)]) == 2
    assert "same_mean.py exists; choose another NAME or --out" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["same_mean.py"]

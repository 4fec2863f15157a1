"""The command itself: exit codes, one clear line for everything wrong, nothing half-written."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from dataclasses import replace
from io import BytesIO, TextIOWrapper
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from proofs_check import ledger
from proofs_check.cli import main
from proofs_check.ledger import Verdict
from theory.properties import registered

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "proofs_check.cli"]
RNG = np.random.default_rng(0)
GOOD = RNG.standard_normal((40, 4))


def command(*words, cwd=None, text=True, **variables):
    """Run the real command in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100", **variables}
    words = [*COMMAND, *map(str, words)]
    return subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=text, check=False, timeout=300)


def saved(path, array, **options):
    np.save(path, array, **options)
    return path


def with_value(value):
    A = GOOD.copy()
    A[7, 2] = value
    return A


def truncated(path):
    saved(path, GOOD)
    path.write_bytes(path.read_bytes()[:-1])


def header_only(path):
    saved(path, GOOD)
    path.write_bytes(path.read_bytes()[:50])


def truncated_safetensors(path):
    save_file({"a": GOOD}, path)
    path.write_bytes(path.read_bytes()[:-1])


def dangling(path):
    path.symlink_to(path.parent / "gone.npy")


# Name → (file name of Y, how it is made, what the line has to say).
FILES = {
    "NaN": ("y.npy", lambda p: saved(p, with_value(np.nan)), "nan at row 7, column 2"),
    "infinity": ("y.npy", lambda p: saved(p, with_value(-np.inf)), "-inf at row 7, column 2"),
    "NaN in half precision": ("y.npy", lambda p: saved(p, with_value(np.nan).astype("f2")), "row 7, column 2"),
    "huge values": ("y.npy", lambda p: saved(p, GOOD * 1e200), "rescale"),
    "unequal row counts": ("y.npy", lambda p: saved(p, GOOD[:39]), "40 rows and"),
    "complex": ("y.npy", lambda p: saved(p, GOOD.astype(complex)), "complex128"),
    "strings": ("y.npy", lambda p: saved(p, GOOD.astype(str)), "real type"),
    "dates": ("y.npy", lambda p: saved(p, np.zeros((40, 2), "datetime64[s]")), "real type"),
    "records": ("y.npy", lambda p: saved(p, np.zeros((40, 2), [("a", "f4")])), "real type"),
    "objects": ("y.npy", lambda p: saved(p, GOOD.astype(object), allow_pickle=True), "pickled"),
    "a pickle": ("y.npy", lambda p: p.write_bytes(pickle.dumps(GOOD)), "no valid .npy"),
    "one dimension": ("y.npy", lambda p: saved(p, GOOD[:, 0]), "two dimensions"),
    "three dimensions": ("y.npy", lambda p: saved(p, GOOD[:, :, None]), "two dimensions"),
    "a scalar": ("y.npy", lambda p: saved(p, 3.0), "two dimensions"),
    "no rows": ("y.npy", lambda p: saved(p, GOOD[:0]), "empty"),
    "no columns": ("y.npy", lambda p: saved(p, GOOD[:, :0]), "empty"),
    "truncated": ("y.npy", truncated, "truncated"),
    "header cut": ("y.npy", header_only, "no valid .npy"),
    "empty file": ("y.npy", lambda p: p.write_bytes(b""), "no valid .npy"),
    "text": ("y.npy", lambda p: p.write_text("1,2\n3,4\n"), "no valid .npy"),
    "another format": ("y.csv", lambda p: p.write_text("1,2\n"), "numpy.save"),
    "an archive": ("y.npz", lambda p: np.savez(p, GOOD), "numpy.save"),
    "truncated safetensors": ("y.safetensors", truncated_safetensors, "truncated"),
    "text as safetensors": ("y.safetensors", lambda p: p.write_text("hello, this is text"), "no valid .safetensors"),
    "pickle as safetensors": ("y.safetensors", lambda p: p.write_bytes(pickle.dumps(GOOD)), "no valid .safetensors"),
    "two tensors": ("y.safetensors", lambda p: save_file({"a": GOOD, "b": GOOD}, p), ":KEY"),
    "missing": ("y.npy", lambda p: None, "does not exist"),
    "dangling link": ("y.npy", dangling, "does not exist"),
    "a folder": ("y.npy", lambda p: p.mkdir(), "is a folder"),
    "a pipe": ("y.npy", os.mkfifo, "regular file"),
}
# Name → (arguments after X Y, what the line has to say).
CHOICES = {
    "k zero": (["-k", "0"], "between 1 and 4"),
    "k negative": (["-k", "-3"], "between 1 and 4"),
    "k too large": (["-k", "5"], "between 1 and 4"),
    "k no number": (["-k", "many"], "'-k'"),
    "k no whole number": (["-k", "1.5"], "'-k'"),
    "weight negative": (["--weight", "1", "--weight", "-1"], "--weight -1"),
    "weight NaN": (["--weight", "nan"], "--weight nan"),
    "weight infinite": (["--weight", "inf"], "--weight inf"),
    "ridge negative": (["--ridge", "-0.1"], "--ridge -0.1"),
    "ridge no number": (["--ridge", "some"], "--ridge"),
    "test fraction zero": (["--test-fraction", "0"], "--test-fraction 0"),
    "test fraction one": (["--test-fraction", "1"], "--test-fraction 1"),
    "no shuffles": (["--shuffles", "0"], "--shuffles 0"),
    "seed negative": (["--seed", "-1"], "--seed -1"),
    "unknown option": (["--lambda", "1"], "--lambda"),
    "one file too many": (["z.npy"], "z.npy"),
    "demo and files": (["--demo"], "without files"),
}
# Arguments of the whole command, and what the line has to say.
COMMANDS = {
    "no files": (["audit"], "--demo"),
    "one file": (["audit", "x.npy"], "no partner"),
    "one row": (["audit", "one.npy", "one.npy"], "at least 2"),
    "unknown command": (["audti"], "audti"),
    "unknown list": (["list", "lemmas"], "properties or systems or claims"),
    "unknown claim": (["verify", "P1", "L4.iiii"], "did you mean"),
    "unknown statement": (["verify", "p1"], "did you mean P1"),
    "claim like nothing": (["verify", "zzzzzzzz"], "'zzzzzzzz'; see concept-alignment list claims"),
    "unknown kind": (["verify", "--kind", "proofs"], "did you mean proof"),
    "kind like nothing": (["verify", "--kind", "zzz"], "choose among"),
    "kind that a claim lacks": (["verify", "P1", "--kind", "trained"], "P1.i, P1.ii: no evidence of kind trained; "),
    "verify seed negative": (["verify", "--seed", "-2"], "--seed -2"),
}


def fails_in_one_line(capsys, arguments, word):
    assert main([str(a) for a in arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    assert printed.err.endswith("\n")
    assert "Traceback" not in printed.err
    assert word in printed.err, printed.err


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    saved(tmp_path / "x.npy", GOOD)
    saved(tmp_path / "y.npy", GOOD[:, ::-1] + RNG.standard_normal(GOOD.shape))
    saved(tmp_path / "one.npy", GOOD[:1])
    return tmp_path


def contents(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("case", FILES)
def test_bad_files_end_in_one_line(folder, capsys, case, swapped):
    name, make, word = FILES[case]
    (folder / "y.npy").unlink()
    make(folder / name)
    before = contents(folder)
    files = [name, "x.npy"] if swapped else ["x.npy", name]
    if case == "unequal row counts" and swapped:
        word = "39 rows and"
    fails_in_one_line(capsys, ["audit", *files, "--out", "new/results"], word)
    assert contents(folder) == before


@pytest.mark.parametrize("case", CHOICES)
def test_bad_choices_end_in_one_line(folder, capsys, case):
    arguments, word = CHOICES[case]
    before = contents(folder)
    fails_in_one_line(capsys, ["audit", "x.npy", "y.npy", *arguments, "--out", "results"], word)
    assert contents(folder) == before


@pytest.mark.parametrize("case", COMMANDS)
def test_bad_commands_end_in_one_line(folder, capsys, case):
    arguments, word = COMMANDS[case]
    before = contents(folder)
    fails_in_one_line(
        capsys, [*arguments, *(["--out", "results"] if arguments[0] in ("audit", "verify") else [])], word
    )
    assert contents(folder) == before


@pytest.mark.parametrize("arguments", [["audit", "x.npy", "y.npy"], ["verify", "P1"]])
@pytest.mark.parametrize(
    ("out", "word"),
    [
        ("x.npy", "x.npy is a file"),
        ("x.npy/below", "cannot be written"),
        ("/proc/nothing/here", "cannot be written"),
        ("taken", "is a folder where a file has to go"),
        ("n" * 300, "cannot be written"),
    ],
)
def test_output_that_cannot_be_written_is_found_before_the_work(folder, capsys, monkeypatch, arguments, out, word):
    def work(*_, **__):
        raise AssertionError("the work began")

    monkeypatch.setattr("proofs_check.audit.audit", work)
    monkeypatch.setattr("proofs_check.runner.collect", work)
    for name in ("audit.json", "claims.html"):
        (folder / "taken" / name).mkdir(parents=True)
    before = contents(folder)
    fails_in_one_line(capsys, [*arguments, "--out", out], word)
    assert contents(folder) == before


def test_a_read_only_folder_is_refused(folder, capsys, monkeypatch):
    def denied(*_, **__):
        raise PermissionError(13, "Permission denied", "fixed")

    # Root may write everywhere, so that the mode of a folder would test nothing where the tests run as root.
    monkeypatch.setattr("proofs_check.output.tempfile.mkdtemp", denied)
    (folder / "fixed").mkdir()
    before = contents(folder)
    fails_in_one_line(capsys, ["audit", "x.npy", "y.npy", "--out", "fixed"], "Permission denied")
    fails_in_one_line(capsys, ["audit", "x.npy", "y.npy", "--out", "new/results"], "Permission denied")
    assert contents(folder) == before


@pytest.mark.parametrize("moment", ["draw", "write", "replace"])
def test_a_disk_that_fills_up_leaves_nothing_behind(folder, capsys, monkeypatch, moment):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    target = {
        "draw": "proofs_check.figures.audit.draw",
        "write": "pathlib.Path.write_text",
        "replace": "proofs_check.output.os.replace",
    }[moment]
    monkeypatch.setattr(target, full)
    before = contents(folder)
    fails_in_one_line(capsys, ["audit", "x.npy", "y.npy", "-w", "1", "--out", "new"], "No space left")
    assert contents(folder) == before


@pytest.mark.parametrize("error", [ZeroDivisionError(), FileNotFoundError(2, "No such file", "elsewhere")])
def test_an_error_of_ours_is_not_disguised_and_leaves_nothing_behind(folder, monkeypatch, error):
    def broken(*_):
        raise error

    monkeypatch.setattr("proofs_check.figures.audit.draw", broken)
    before = contents(folder)
    with pytest.raises(type(error)):
        main(["audit", "x.npy", "y.npy", "-w", "1", "--out", "new/results"])
    assert contents(folder) == before


def test_earlier_results_survive_a_failed_run_and_are_replaced_by_a_good_one(folder, capsys):
    (folder / "results").mkdir()
    (folder / "results" / "audit.json").write_text("old")
    (folder / "results" / "mine.txt").write_text("mine")
    saved(folder / "bad.npy", with_value(np.nan))
    fails_in_one_line(capsys, ["audit", "x.npy", "bad.npy", "--out", "results"], "nan")
    assert (folder / "results" / "audit.json").read_text() == "old"
    assert main(["audit", "x.npy", "y.npy", "-w", "1", "--out", "results"]) == 0
    assert sorted(p.name for p in (folder / "results").iterdir()) == ["audit.json", "audit.png", "mine.txt"]
    assert json.loads((folder / "results" / "audit.json").read_text())["schema_version"] == 1
    assert (folder / "results" / "audit.png").read_bytes().startswith(b"\x89PNG")


def test_the_real_command_on_real_files(folder, capsys):
    save_file({"a": GOOD.astype("f4"), "b": GOOD}, folder / "x.safetensors")
    words = ["audit", "x.safetensors:a", "y.npy", "-k", "2", "-w", "0.5", "-w", "2"]
    done = command(*words, "--json", "--out", "results", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout, parse_constant=pytest.fail)
    assert found == json.loads((folder / "results" / "audit.json").read_text())
    assert found["config"]["weights"] == [0.5, 2.0]
    assert found["rank"]["used"] == 2
    assert main(words) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert all(word in printed.out for word in ("Procrustes", "CCA", "Lemma 4, λ=0.5", "Cycle", "CKA"))
    done = command("audit", "x.npy", "none.npy", cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: none.npy does not exist; check the path\n"


def test_nothing_heavy_is_imported_for_help_and_no_torch_for_an_audit(folder):
    heavy = ("torch", "numpy", "scipy", "matplotlib", "sympy", "z3", "sklearn", "hypothesis")
    script = (
        "import sys; from proofs_check.cli import main; code = main(sys.argv[2:]);"
        "print(code, [m for m in sys.argv[1].split(',') if m in sys.modules], file=sys.stderr)"
    )
    for modules, words in (
        (heavy, ["--help"]),
        (heavy, ["audit", "--help"]),
        (heavy, ["verify", "--help"]),
        (("torch",), ["audit", "x.npy", "y.npy", "-w", "1", "--out", "results"]),
        (("torch",), ["list", "properties"]),
    ):
        done = subprocess.run(
            [sys.executable, "-c", script, ",".join(modules), *words],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
        )
        assert done.stderr == "0 []\n"


@pytest.mark.parametrize(
    ("words", "taught"),
    [
        (["--help"], ["audit --demo", "verify", "train", "evaluate", "list"]),
        (["audit", "--help"], ["audit --demo --out demo", "--ridge", "REC", "safetensors"]),
        (["verify", "--help"], ["verify P1", "Exit code", "claims.html"]),
        (["train", "--help"], ["train cosae clip.npy dino.npy", "--resume", "REC=1"]),
        (["evaluate", "--help"], ["evaluate run clip_test.npy", "--labels"]),
        (["list", "--help"], ["list properties", "systems"]),
    ],
)
def test_help_teaches_by_example(words, taught, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    assert main(words) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert all(word in printed for word in taught)


@pytest.mark.parametrize("what", ["properties", "systems", "claims"])
def test_lists_are_tables_and_json(what, capsys):
    assert main(["list", what]) == 0
    shown = capsys.readouterr().out
    assert main(["list", what, "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert len(entries) >= 8
    key = "id" if what == "claims" else "name"
    assert all(entry[key] in shown for entry in entries)


def plugin(folder, source, value):
    """Install a package of one module in the folder."""
    (folder / "plugin_under_test.py").write_text(source)
    information = folder / "plugin_under_test-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin-under-test\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(f"[concept_alignment.plugins]\nmine = {value}\n")


WHAT = """
from theory.properties import REC, REPRESENTATION, SELF, What, register
mine = What("MINE", REPRESENTATION, SELF, REC.sides, crosses=False, text="decoded code = input")
"""


@pytest.mark.parametrize(
    ("source", "value"),
    [(WHAT, "plugin_under_test:mine"), (WHAT + "register(mine)", "plugin_under_test")],
)
def test_properties_of_an_installed_package_are_listed(tmp_path, source, value):
    plugin(tmp_path, source, value)
    done = command("list", "properties", "--json", PYTHONPATH=os.pathsep.join([str(ROOT), str(tmp_path)]))
    assert (done.returncode, done.stderr) == (0, "")
    assert {"MINE", "dMINE"} <= {entry["name"] for entry in json.loads(done.stdout)}


@pytest.mark.parametrize("words", [["list", "properties"], ["verify", "P1", "--kind", "proof"]])
@pytest.mark.parametrize(
    ("source", "value", "word"),
    [
        ("raise RuntimeError('two\\nlines')", "plugin_under_test", "RuntimeError: two lines"),
        ("", "plugin_gone", "ModuleNotFoundError: No module named 'plugin_gone'"),
        (WHAT.replace("MINE", "TR"), "plugin_under_test:mine", "ValueError: 'TR' is the name of another what"),
    ],
)
def test_a_broken_plugin_ends_in_one_line(tmp_path, capsys, monkeypatch, words, source, value, word):
    plugin(tmp_path, source, value)
    monkeypatch.syspath_prepend(tmp_path)
    with registered():
        fails_in_one_line(capsys, words, f"error: the plug-in {value} cannot be loaded: {word}")
    sys.modules.pop("plugin_under_test", None)


def test_every_property_is_told_apart_by_its_text(capsys):
    assert main(["list", "properties", "--json"]) == 0
    text = {entry["name"]: entry["text"] for entry in json.loads(capsys.readouterr().out)}
    assert len(set(text.values())) == len(text)
    assert text["dREC"] == text["REC"] + " in distribution"


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A cache for whoever asks for the same evidence."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def one_claim(monkeypatch, kept):
    """A ledger with the single claim P1.i, whose evidence is quick, and one worker."""
    monkeypatch.setenv("CONCEPT_ALIGNMENT_CACHE", str(kept))
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    (claim,) = (c for c in ledger.load() if c.id == "P1.i")

    def expecting(verdict):
        monkeypatch.setattr(ledger, "load", lambda: [replace(claim, expect=verdict)])

    return expecting


def test_verify_exits_by_its_verdicts(one_claim, tmp_path, capsys):
    one_claim(Verdict.VERIFIED)
    assert main(["verify", "--out", str(tmp_path / "out"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["claims"][0]["verdict"] == "verified"
    assert found == json.loads((tmp_path / "out" / "claims.json").read_text())
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["claims.html", "claims.json"]
    one_claim(Verdict.REFUTED)
    assert main(["verify"]) == 1
    assert "expected refuted, computed verified" in " ".join(capsys.readouterr().out.split())


def test_verify_of_one_kind_is_partial_and_judges_nothing_else(one_claim, capsys):
    one_claim(Verdict.VERIFIED)
    assert main(["verify", "--kind", "proof", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["partial"], found["kinds"], found["claims"][0]["verdict"]) == (True, ["proof"], "not run")


def living(session):
    """Ids of the processes of a session, without those that only wait to be reaped."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, of = path.read_text().rpartition(")")[2].split()[:4]
        except OSError:  # it ended meanwhile
            continue
        if int(of) == session and state != "Z":
            found.append(int(path.parent.name))
    return found


def wait_until(condition, seconds):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (signal.SIGINT, 130, "interrupted"),
        (signal.SIGTERM, 143, ""),
        (signal.SIGKILL, -signal.SIGKILL, None),  # what Python's resource tracker says then is not ours
    ],
)
def test_a_run_that_is_stopped_ends_at_once_with_its_workers(tmp_path, number, code, said):
    run = subprocess.Popen(
        # A piece of work that is soon done, and one that takes a minute.
        [*COMMAND, "verify", "A4", "E1.i", "--kind", "numeric", "--fresh", "--out", str(tmp_path / "new")],
        env={**os.environ, "PYTHONPATH": str(ROOT), "CONCEPT_ALIGNMENT_CACHE": str(tmp_path / "cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Who started us in the background may have had us ignore it, and a child inherits that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        # Evidence that passed is stored: the workers are in the midst of it.
        assert wait_until(lambda: list((tmp_path / "cache").rglob("*.json")), 120)
        assert len(living(run.pid)) >= 2
        (os.killpg if number == signal.SIGINT else os.kill)(run.pid, number)
        assert wait_until(lambda: run.poll() is not None, 10)
        assert wait_until(lambda: not living(run.pid), 10)
        out, err = run.communicate()
    finally:
        for process in living(run.pid):
            os.kill(process, signal.SIGKILL)
        run.wait()
    assert (run.returncode, out) == (code, "")
    assert said is None or err.strip() == said
    assert (tmp_path / "new").exists() == (number == signal.SIGKILL)  # only a process that is killed cannot clean


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["audit", "--help"],
        ["list", "claims"],
        ["list", "properties"],
        ["audit", "x.npy", "y.npy", "-k", "1"],
    ],
)
def test_a_terminal_without_greek_letters_gets_the_rest(folder, capsys, monkeypatch, words, encoding):
    written = BytesIO()
    monkeypatch.setattr(sys, "stdout", TextIOWrapper(written, encoding=encoding))
    assert main(words) == 0
    sys.stdout.flush()
    assert capsys.readouterr().err == ""
    assert len(written.getvalue()) > 300


def test_a_real_terminal_without_greek_letters_gets_the_rest(folder):
    words = ["audit", "x.npy", "y.npy", "-k", "1"]
    done = command(*words, cwd=folder, PYTHONIOENCODING="ascii", PYTHONUTF8="0", text=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(done.stdout) > 300


def test_a_reader_that_leaves_is_no_error(folder):
    words = f"{sys.executable} -m proofs_check.cli list properties --json | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", words],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.stdout == "[\n"
    assert done.stderr == ""

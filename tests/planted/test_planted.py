"""Every planted error dies, by the test that the table names; run on copies of the tree, two at a time."""

import compileall
import json
import os
import py_compile
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from .errors import ERRORS

ROOT = Path(__file__).parent.parent.parent
SERVER = Path(__file__).with_name("server.py")
COPIED = ("theory", "nonlinear", "proofs_check", "tests", "pyproject.toml", "docs")
FAILED = 1  # pytest's code for failing tests; a copy that cannot be imported or collected gives another one


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    """Two copies of the tree."""
    first, second = (tmp_path_factory.mktemp("planted") / "tree" for _ in range(2))
    first.mkdir()
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, first / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, first / name)
    # Bytecode is checked by the hash of its source: a time stamp would hide a change within the same second.
    compileall.compile_dir(first, quiet=1, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
    shutil.copytree(first, second)
    return first, second


@pytest.fixture(scope="module")
def results(copies, request):
    """Function (error, None for the sound tree) → exit code and output of its killers; all selected begin at once."""
    items = [i for i in request.session.items if "results" in getattr(i, "fixturenames", ())]
    selected = {i.callspec.params["error"] for i in items}
    jobs = [
        {"name": e.name, "path": e.path, "old": e.old, "new": e.new, "nodes": [e.killer]}
        for e in ERRORS
        if e in selected
    ]
    if None in selected:
        jobs.append({"name": None, "path": None, "nodes": sorted({e.killer for e in ERRORS})[::6]})
    # Hypothesis need not shrink what it finds.
    environment = os.environ | {"HYPOTHESIS_PROFILE": "planted"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    found = {}
    with subprocess.Popen([sys.executable, SERVER], env=environment, text=True, encoding="utf-8", **pipes) as server:
        with server.stdin as file:
            json.dump({"copies": [str(c) for c in copies], "jobs": jobs}, file)

        def result(error):
            name = error and error.name
            while name not in found:
                text = server.stdout.readline()
                assert text, "the server has ended; what it said is in stderr"
                line = json.loads(text)
                found[line["name"]] = line["code"], line["output"]
            return found[name]

        yield result
        server.terminate()


@pytest.mark.parametrize("error", [pytest.param(e, id=e.name) for e in ERRORS])
def test_it_dies(results, error, closing_lines):
    code, output = results(error)
    killed = code == FAILED
    closing_lines("planted errors").append(f"{'killed' if killed else 'ALIVE ':6}  {error.name:55}  {error.killer}")
    assert killed, f"{error.killer} on {error.path} with {error.new!r}:\n{output[-4000:]}"


@pytest.mark.parametrize("error", [pytest.param(None, id="sound")])
def test_without_errors_killers_pass(results, error):
    """All of them pass in the run that this belongs to; a few show that they do on the copies too."""
    code, output = results(error)
    assert code == 0, output[-4000:]


@pytest.mark.parametrize("error", [pytest.param(e, id=e.name) for e in ERRORS])
def test_the_table_fits_the_sources(error):
    text = (ROOT / error.path).read_text(encoding="utf-8")
    assert text.count(error.old) == 1
    assert error.old != error.new
    assert (ROOT / error.killer.split("::")[0]).exists()


def test_errors_have_names_of_their_own():
    assert Counter(e.name for e in ERRORS).most_common(1)[0][1] == 1
    assert len({e.path for e in ERRORS}) >= 20

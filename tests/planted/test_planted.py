"""Every planted error dies, by the test that the table names; run on copies of the tree, two at a time."""

import compileall
import os
import py_compile
import queue
import shutil
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .errors import ERRORS

ROOT = Path(__file__).parent.parent.parent
COPIED = ("theory", "nonlinear", "proofs_check", "tests", "pyproject.toml", "README.md")
FAILED = 1  # pytest's code for failing tests; a copy that cannot be imported or collected gives another one


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    """Two copies of the tree, handed out one to each thread."""
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
    free = queue.SimpleQueue()
    for copy in (first, second):
        free.put(copy)
    return free


def run(copy, *nodes):
    """Run tests of the copy; Hypothesis need not shrink what it finds."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--assert=plain", *nodes]
    environment = os.environ | {"HYPOTHESIS_PROFILE": "planted", "CONCEPT_ALIGNMENT_CACHE": str(copy / "cache")}
    return subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)


def plant(copies, error):
    """Result of the killer on a copy with the error in it."""
    copy = copies.get()
    path = copy / error.path
    sound = path.read_text(encoding="utf-8")
    try:
        path.write_text(sound.replace(error.old, error.new), encoding="utf-8")
        return run(copy, error.killer)
    finally:
        path.write_text(sound, encoding="utf-8")
        copies.put(copy)


@pytest.fixture(scope="module")
def results(copies, request):
    """Name of the error → result of its killer, for the errors whose tests were selected; all begin at once."""
    selected = {item.callspec.params.get("error") for item in request.session.items if hasattr(item, "callspec")}
    with ThreadPoolExecutor(2) as executor:
        yield {e.name: executor.submit(plant, copies, e) for e in ERRORS if e in selected}
        executor.shutdown(cancel_futures=True)


@pytest.mark.parametrize("error", [pytest.param(e, id=e.name) for e in ERRORS])
def test_it_dies(results, error, closing_lines):
    result = results[error.name].result()
    killed = result.returncode == FAILED
    closing_lines("planted errors").append(f"{'killed' if killed else 'ALIVE ':6}  {error.name:55}  {error.killer}")
    assert killed, f"{error.killer} on {error.path} with {error.new!r}:\n{result.stdout[-3000:]}{result.stderr[-1000:]}"


def test_without_errors_killers_pass(copies):
    """All of them pass in the run that this belongs to; a few show that they do on the copies too."""
    copy = copies.get()
    try:
        result = run(copy, *sorted({e.killer for e in ERRORS})[::6])
    finally:
        copies.put(copy)
    assert result.returncode == 0, result.stdout[-3000:]


@pytest.mark.parametrize("error", [pytest.param(e, id=e.name) for e in ERRORS])
def test_the_table_fits_the_sources(error):
    text = (ROOT / error.path).read_text(encoding="utf-8")
    assert text.count(error.old) == 1
    assert error.old != error.new
    assert (ROOT / error.killer.split("::")[0]).exists()


def test_errors_have_names_of_their_own():
    assert Counter(e.name for e in ERRORS).most_common(1)[0][1] == 1
    assert len({e.path for e in ERRORS}) >= 20

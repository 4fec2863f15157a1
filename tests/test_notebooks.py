"""Every notebook runs from top to bottom in a fresh kernel, and is stored executed, small and thin."""

import ast
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
NAMES = (
    *("00_quickstart", "01_framework", "02_linear_case", "03_duality", "04_cycle", "05_distribution_and_anchors"),
    *("06_methods_and_benchmark", "07_extend"),
)
LARGEST = 256_000  # bytes, pictures included


def code(path):
    return [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]


@pytest.fixture(scope="module")
def executed(request, tmp_path_factory):
    """Function (path) → outcome of `jupyter execute` on a copy; the selected notebooks run on all cores at once."""
    chosen = [i.callspec.params["path"] for i in request.session.items if i.get_closest_marker("notebook")]
    here = [str(FOLDER.parent), *filter(None, [os.environ.get("PYTHONPATH")])]

    def run(path, folder):
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(here), "IPYTHONDIR": str(folder / "ipython")}
        words = [sys.executable, "-c", "from nbclient.cli import main; main()", str(shutil.copy(path, folder))]
        return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = {path: pool.submit(run, path, tmp_path_factory.mktemp(path.stem)) for path in chosen}
        yield lambda path: found[path].result()


@pytest.mark.notebook
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebook_runs(path, executed):
    done = executed(path)
    assert done.returncode == 0, done.stderr[-4000:]


def test_they_are_all_there():
    assert tuple(p.stem for p in NOTEBOOKS) == NAMES


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_it_is_stored_executed_in_order_without_error_and_small(path):
    cells = code(path)
    assert [c.execution_count for c in cells] == list(range(1, len(cells) + 1))
    assert not [o for c in cells for o in c.outputs if o.output_type == "error" or o.get("name") == "stderr"]
    assert path.stat().st_size < LARGEST


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_it_asserts_and_defines_nothing(path):
    text = "\n".join(line for c in code(path) for line in c.source.splitlines() if not line.startswith("%"))
    nodes = list(ast.walk(ast.parse(text)))
    assert any(isinstance(n, ast.Assert) for n in nodes)
    if path.stem != "07_extend":  # whose subject is a definition
        assert not [n for n in nodes if isinstance(n, ast.FunctionDef | ast.ClassDef)]

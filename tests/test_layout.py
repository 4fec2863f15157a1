"""The house: which way imports point, how large a file may be, what the wheel holds."""

import ast
import io
import re
import shutil
import subprocess
import sys
import tokenize
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("theory", "nonlinear", "proofs_check")
MODULES = sorted(p for package in PACKAGES for p in (ROOT / package).rglob("*.py"))
FOLDERS = {"theory", "nonlinear", "proofs_check", "tests", "notebooks", "docs"}
PAPERS = {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "CITATION.cff", "LICENSE"}
FILES = PAPERS | {"pyproject.toml", "constraints.txt", ".gitignore", ".pre-commit-config.yaml", ".ci"}
THEORY_NEEDS = {"numpy", "scipy", "array_api_compat", "threadpoolctl"}
# A numbered statement is one file however many rows it has; nothing else grows past 12 kB.
LIMIT, CLAIM_LIMIT = 12_288, 18_432


def name(path):
    return str(path.relative_to(ROOT))


def imported(path):
    """Top-level packages that a module imports: (when it is itself imported, anywhere in it)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    later = {
        id(n) for f in ast.walk(tree) if isinstance(f, ast.FunctionDef | ast.AsyncFunctionDef) for n in ast.walk(f)
    }
    at_once, anywhere = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found = {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)} imports relatively"
            found = {node.module.split(".")[0]}
        else:
            continue
        anywhere |= found
        if id(node) not in later:
            at_once |= found
    return at_once, anywhere


def test_the_importer_sees_both_kinds_of_import(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    path = tmp_path / "a.py"
    path.write_text("import a.b\nfrom c.d import e\nif 1:\n    import f\ndef g():\n    import h\n")
    assert imported(path) == ({"a", "c", "f"}, {"a", "c", "f", "h"})


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_imports_flow_one_way(path):
    at_once, anywhere = imported(path)
    package = path.relative_to(ROOT).parts[0]
    if package == "theory":
        assert anywhere <= set(sys.stdlib_module_names) | THEORY_NEEDS | {"theory"}
    elif package == "nonlinear":
        assert "proofs_check" not in anywhere
    elif "trained" not in path.parts:  # what trains is imported by the functions that train
        assert not at_once & {"torch", "nonlinear"}
    assert not anywhere & {"tests", "notebooks", "pytest"}


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_files_are_small(path):
    size = path.stat().st_size
    assert size <= (CLAIM_LIMIT if path.parent.name == "claims" else LIMIT)
    assert size > 50, "an empty file says nothing"


def code_lines(text):
    """Number of lines that hold code: no blank lines, comments or docstrings."""
    docstrings = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            docstrings |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    skipped = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in skipped:
            lines |= set(range(token.start[0], token.end[0] + 1))
    return len(lines - docstrings)


def test_lines_of_code_are_counted():
    assert (
        code_lines(
            '"""Doc."""\n\nx = 1  # one\n\n\ndef f():\n    """Doc\n    more."""\n    return (\n        x\n    )\n'
        )
        == 5
    )


def test_the_certificate_checker_is_small_and_stands_alone():
    path = ROOT / "proofs_check" / "algebra.py"
    assert code_lines(path.read_text(encoding="utf-8")) <= 80
    assert imported(path)[1] <= set(sys.stdlib_module_names)


def tracked():
    """Names at the top of the checkout, or of the folder where there is no git."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        return {line.split("/")[0] for line in listed.stdout.splitlines()}
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text().split()}
    return {p.name for p in ROOT.iterdir() if p.name not in ignored and p.suffix != ".egg-info"}


def test_nothing_else_lies_at_the_top():
    assert tracked() <= FOLDERS | FILES
    assert tracked() >= {"theory", "nonlinear", "proofs_check", "tests", "README.md", "LICENSE", "pyproject.toml"}


LIGHT = (
    "import proofs_check",
    "import proofs_check.ledger as l; assert len(l.load()) > 2",
    "import proofs_check.contract, proofs_check.implications, proofs_check.report",
    "import proofs_check.cli",
    "import proofs_check.page, proofs_check.figures.experiment",
    "import theory.properties, theory.solvers",
)
TORCH = "import nonlinear.ecf"


@pytest.fixture(scope="module")
def imported_after():
    """Statement → top-level packages that are imported after it and those before it, in one process."""
    code = "import sys\n" + "".join(f"{s}\nprint(*sys.modules)\n" for s in (*LIGHT, TORCH))
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    found = [{m.split(".")[0] for m in line.split()} for line in done.stdout.splitlines()]
    return dict(zip((*LIGHT, TORCH), found, strict=True))


@pytest.mark.parametrize("statement", LIGHT)
def test_no_torch_before_something_trains(imported_after, statement):
    assert not imported_after[statement] & {"torch", "nonlinear"}


def test_the_import_probe_sees_torch(imported_after):
    assert "torch" in imported_after[TORCH]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built by setuptools itself from a copy: no isolation, no network."""
    copy = tmp_path_factory.mktemp("wheel") / "source"
    copy.mkdir()
    for entry in (*PACKAGES, "tests", "notebooks", "pyproject.toml", "README.md", "LICENSE"):
        source = ROOT / entry
        if source.is_dir():
            shutil.copytree(source, copy / entry, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy(source, copy / entry)
    code = "from setuptools.build_meta import build_wheel; build_wheel('dist')"
    done = subprocess.run([sys.executable, "-c", code], cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    (built,) = (copy / "dist").glob("*.whl")
    shutil.rmtree(copy / "build", ignore_errors=True)
    sources = {str(p.relative_to(copy)) for package in PACKAGES for p in (copy / package).rglob("*") if p.is_file()}
    with zipfile.ZipFile(built) as archive:
        return {n: archive.read(n) for n in archive.namelist()}, sources


def test_the_wheel_holds_exactly_the_three_packages(wheel):
    held, sources = wheel
    assert {n.split("/")[0] for n in held if ".dist-info/" not in n} == set(PACKAGES)
    assert {n for n in held if ".dist-info/" not in n} == sources
    assert {Path(n).suffix for n in sources} >= {".py", ".json", ".j2"}


def test_the_wheel_brings_licence_and_command_and_no_pytest_plugin(wheel):
    held, _ = wheel
    assert any(n.endswith("LICENSE") for n in held)
    (points,) = (text.decode() for n, text in held.items() if n.endswith("entry_points.txt"))
    assert "concept-alignment = proofs_check.cli:main" in points
    assert "pytest11" not in points


def test_every_dependency_of_the_project_is_pinned():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in (ROOT / "constraints.txt").read_text().split()}
    needed = set()
    for block in re.findall(r"^(?:dependencies|test|notebooks|docs) = \[(.*?)\]", text, flags=re.M | re.S):
        needed |= {n.lower() for n in re.findall(r'"([A-Za-z0-9_-]+)', block)}
    assert needed
    assert needed <= pinned

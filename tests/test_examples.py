"""The examples in the docstrings run, in every module of the three packages."""

import ast
import doctest
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from proofs_check.cli import app

ROOT = Path(__file__).parent.parent
SOURCES = {
    ".".join(p.relative_to(ROOT).with_suffix("").parts): p.read_text(encoding="utf-8")
    for package in ("theory", "nonlinear", "proofs_check")
    for p in sorted((ROOT / package).rglob("*.py"))
    if p.name != "__init__.py"
}
EXAMPLES = [name for name, text in SOURCES.items() if ">>>" in text]

COMMANDS = typer.main.get_group(app).commands
PACKAGES_WITH_EXAMPLES = ("theory", "nonlinear", "proofs_check")
# Claims and figures are registered and drawn, not called; the docstrings of these records are texts of a JSON schema.
EXEMPT = ("proofs_check.claims.", "proofs_check.figures.", "proofs_check.intervench_document")

# Module → runs of an experiment, of fixed sizes: seconds to hours.
RUNS = {
    "nonlinear.experiments.gaussian": "laws anchors curve leaks",
    "nonlinear.experiments.leaking": "weights sets leak_map",
    "nonlinear.experiments.pairs": "on_embeddings unit",
}


def public_names() -> Iterator[tuple[str, str, str]]:
    """Module, name and docstring of every public function and class that no command line calls."""
    commands = {(c.callback.__module__, c.callback.__name__) for c in COMMANDS.values() if c.callback}
    for module, text in SOURCES.items():
        if module.split(".")[0] not in PACKAGES_WITH_EXAMPLES or module.startswith(EXEMPT):
            continue
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                if (module, node.name) not in commands:
                    yield module, node.name, ast.get_docstring(node) or ""


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0


def test_every_module_that_a_user_calls_has_an_example():
    public = {n for n in SOURCES if n.startswith(("theory.", "nonlinear."))}
    assert public - set(EXAMPLES) == set()


def test_every_public_name_has_an_example():
    runs = {(module, name) for module, names in RUNS.items() for name in names.split()}
    found = {(module, name): text for module, name, text in public_names()}
    assert all(found.values())
    assert {key for key, text in found.items() if ">>>" not in text} == runs


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_an_example_of_itself(name):
    _, _, examples = (COMMANDS[name].help or "").partition("**Examples**")
    assert f"concept-alignment {name}" in examples

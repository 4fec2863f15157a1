"""The examples in the docstrings run, in every module of the three packages."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = {
    ".".join(p.relative_to(ROOT).with_suffix("").parts): p.read_text(encoding="utf-8")
    for package in ("theory", "nonlinear", "proofs_check")
    for p in sorted((ROOT / package).rglob("*.py"))
    if p.name != "__init__.py"
}
EXAMPLES = [name for name, text in SOURCES.items() if ">>>" in text]
SHARED_BY_SOLVERS = {"theory.solution", *(f"theory.solvers.{n}" for n in ("stiefel", "tradeoff", "whitened"))}


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0


def test_every_module_that_a_user_calls_has_an_example():
    public = {n for n in SOURCES if n.startswith(("theory.", "nonlinear."))}
    assert public - set(EXAMPLES) <= SHARED_BY_SOLVERS

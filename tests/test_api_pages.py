"""API pages: modules import in silence, and what the docstrings say of shapes, errors and examples is on the page."""

import html
import re
from importlib import import_module
from pkgutil import walk_packages

import pytest
from pdoc import doc, render

PACKAGES = ("theory", "nonlinear", "proofs_check")


@pytest.fixture(scope="module")
def page():
    render.configure(docformat="numpy")
    module = doc.Module.from_name("theory.bounds")
    return html.unescape(re.sub(r"<[^>]+>", "", render.html_module(module, {module.fullname: module})))


def test_every_module_imports_in_silence(capfd):
    modules = [m.name for p in PACKAGES for m in walk_packages(import_module(p).__path__, f"{p}.")]
    assert {"theory.bounds", "nonlinear.losses", "proofs_check.trained.setup"} <= set(modules)
    for name in modules:
        import_module(name)
    assert capfd.readouterr() == ("", "")


def test_a_page_shows_shapes_errors_and_source(page):
    assert "(d, k) with d, k ≥ 2." in page
    assert "(k,) difference of the codes." in page
    assert "ValueError: If d or k is below 2" in page
    assert "Largest C compatible with T and R: (T + R)/σ(D), infinite if D is not injective (theorem A1, tight)" in page


def test_a_page_shows_the_example_and_its_result(page):
    assert ">>> consistency_bound([[2.0, 0.0], [0.0, 1.0]], 0.3, 0.2)\n0.5" in page

"""The self-contained page ``claims.html``, for a reader who has never seen the paper or this package."""

import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from proofs_check.beyond import beyond
from proofs_check.real import real
from proofs_check.report import Report, mismatches
from proofs_check.synthetic import synthetic
from theory.properties import all_properties

SCRIPT = re.compile(
    r"(?<![a-z]{5})([_^])(?:\{([^{}]*)\}|(?<=[A-Za-z0-9Α-ω²)\]‖][_^])(d?[A-Z]{2,}(?![a-z_])|[a-zα-ω]+|[A-Z]|-?\d+|[*+>=⊥]))"
)
COVARIANCE = re.compile(r"Σ(xy|yx|x|y)(?![a-z_])")
# Short verdict names are class names of the style sheet, too.
MARKS = {
    "verified": ("ok", "✓"),
    "verified modulo axioms": ("axioms", "✓"),
    "refuted": ("refuted", "✗"),
    "supported": ("ok", "✓"),
    "contradicted": ("refuted", "✗"),
    "inconclusive": ("open", "≈"),
    "open": ("open", "?"),
    "BROKEN": ("broken", "!"),
    "not run": ("notrun", "–"),
}
KIND_TITLES = {
    "experiment": "Measured on every seed",
    "counterexample": "Counterexample",
    "family": "Fails on a whole family",
    "proof": "Proof",
    "numeric": "Generated members",
    "simulated": "Predicted and simulated",
    "necessity": "Each hypothesis is needed",
    "mutants": "False variants",
    "trained": "Trained coders",
}


def render(report: Report) -> str:
    """Return the page as one HTML text without external resources.

    Examples
    --------
    >>> from proofs_check.evidence import Run
    >>> from proofs_check.ledger import Claim, Verdict
    >>> from proofs_check.report import assemble
    >>> claim = Claim("C1", "a title", "W_xD_y = I", "", "", Verdict.OPEN)
    >>> "W<sub>x</sub>D<sub>y</sub> = I" in render(assemble([claim], {}, Run()))
    True
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"formula": formula, "number": number, "mark": lambda verdict: MARKS[verdict]}
    return environment.get_template("claims.html.j2").render(
        report=report,
        by_id={e.id: e for e in report.claims},
        mismatches=mismatches(report),
        synthetic=synthetic(report),
        real=real(report),
        theorems=beyond(report),
        kind_titles=KIND_TITLES,
        marks=MARKS,
        properties=all_properties(),
        matrices=[_grid(m) for m in report.implications],
    )


def formula(text: str) -> Markup:
    """Set ``x_j``, ``Σ_{i≤k}``, ``^{-1}`` and the covariance ``Σxy`` as sub- and superscripts; escape everything else.

    Examples
    --------
    >>> formula("W_xD_y < Σx^{-1/2}, L_CC")
    Markup('W<sub>x</sub>D<sub>y</sub> &lt; Σ<sub>x</sub><sup>-1/2</sup>, L<sub>CC</sub>')
    >>> formula("R²_TR ≥ .8")
    Markup('R²<sub>TR</sub> ≥ .8')

    """
    text = COVARIANCE.sub(r"Σ_\1", text)
    pieces, end = [], 0
    for m in SCRIPT.finditer(text):
        tag = "sub" if m[1] == "_" else "sup"
        inner = m[2] if m[2] is not None else m[3]
        pieces += [escape(text[end : m.start()]), Markup(f"<{tag}>"), escape(inner), Markup(f"</{tag}>")]
        end = m.end()
    return Markup("").join([*pieces, escape(text[end:])])


def number(value: Any, digits: int = 3) -> str:
    """Floats in a few digits, everything else as it is.

    Examples
    --------
    >>> number(0.123456), number(12), number("none")
    ('0.123', '12', 'none')
    """
    return f"{value:.{digits}g}" if isinstance(value, float) else str(value)


def _grid(matrix) -> dict[str, Any]:
    """Cells by (premise, conclusion), and the witnesses in words."""
    cells = {(c["premise"], c["conclusion"]): c for c in matrix["cells"]}
    witnesses: dict[tuple[str, str], list[str]] = {}
    for c in matrix["cells"]:
        if c["status"] != "blank":
            arrow = "⇒" if c["status"] == "proved" else "⇏"
            witnesses.setdefault((c["status"], c["witness"]), []).append(f"{c['premise']} {arrow} {c['conclusion']}")
    conclusions = list(dict.fromkeys(c["conclusion"] for c in matrix["cells"]))
    premises = list(dict.fromkeys(c["premise"] for c in matrix["cells"]))
    order = [n for n in premises if n in conclusions]
    return {
        "given": matrix["given"],
        "premises": premises,
        "conclusions": order,
        "cells": cells,
        "witnesses": sorted(witnesses.items()),
    }

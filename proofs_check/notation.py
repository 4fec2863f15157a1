"""Polynomials, claims and certificates as text for readers, and certificates as small JSON files.

Nothing here is trusted: a file that is read wrongly gives a certificate that the checker rejects.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import groupby
from pathlib import Path

from proofs_check.algebra import Poly, Scalars, Step, Word, transpose
from proofs_check.problem import Problem

SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def word_text(word: Word) -> str:
    """Return the word with ᵀ for transposes and powers for repetitions.

    >>> from proofs_check.algebra import Letter
    >>> word_text((Letter("W", "x", "k").T, Letter("S", "x", "x", True), Letter("S", "x", "x", True)))
    'Wᵀ S²'
    """
    parts = []
    for x, group in groupby(word):
        power = str(len(list(group))).translate(SUPERSCRIPTS)
        name = f"{x.name}ᵀ" if x.star else x.name
        parts.append(name if power == "¹" else f"({name}){power}" if x.star else f"{name}{power}")
    return " ".join(parts)


def scalars_text(scalars: Scalars) -> str:
    """Return the commuting factors, traces written Tr(…) and dimensions by their space.

    Examples
    --------
    >>> from proofs_check.algebra import Letter
    >>> scalars_text(("dim k", "λ", "λ", (Letter("S", "x", "x", True),)))
    'k λ² Tr(S)'
    """

    def closed(word: Word) -> str:
        turns = [w[i:] + w[:i] for w in (word, transpose(word)) for i in range(len(word))]
        return f"Tr({word_text(min(turns, key=lambda w: (w[0].row, sum(x.star for x in w), w)))})"

    names = [s.removeprefix("dim ") if isinstance(s, str) else closed(s) for s in scalars]
    counts = [(name, str(len(list(group))).translate(SUPERSCRIPTS)) for name, group in groupby(names)]
    return " ".join(name if power == "¹" else f"{name}{power}" for name, power in counts)


def _signed(parts: Iterable[tuple[Fraction | int, str]]) -> str:
    text = ""
    for c, body in parts:
        sign = ("−" if c < 0 else "") if not text else (" − " if c < 0 else " + ")
        size = "" if abs(c) == 1 and body else str(abs(c))
        text += sign + " ".join(x for x in (size, body) if x)
    return text or "0"


def poly_text(p: Poly) -> str:
    """Return the polynomial, short words last, the identity of the space k as 1_k.

    >>> from proofs_check.algebra import letter, trace
    >>> W, S = letter("W", "x", "k"), letter("S", "x", "x", symmetric=True)
    >>> poly_text(W.T * S * W - 1), poly_text(2 * trace(W.T * S * W) - trace(W.T * W * (W.T * W - 1)))
    ('Wᵀ S W − 1_k', '−Tr(Wᵀ W Wᵀ W) + 2 Tr(Wᵀ S W) + Tr(Wᵀ W)')
    """
    identity = "" if p.row == "1" else f"1_{p.row}"
    ordered = sorted(p.terms.items(), key=lambda t: (-_size(t[0]), t[1] < 0, str(t[0])))
    return _signed((c, " ".join(x for x in (scalars_text(s), word_text(w) or identity) if x)) for (s, w), c in ordered)


def _size(monomial: tuple[Scalars, Word]) -> int:
    scalars, word = monomial
    return len(word) + sum(1 if isinstance(s, str) else len(s) for s in scalars)


def certificate_text(problem: Problem, steps: Sequence[Step]) -> str:
    """Return ``left − right = Σ c·s·a·⟨h⟩·b``, one term after the other, as a reader can expand it by hand.

    Examples
    --------
    >>> from proofs_check.algebra import letter
    >>> from proofs_check.search import search
    >>> Q, u = letter("Q", "k", "k"), letter("u", "k", "n")
    >>> problem = Problem("isometry", {"orthogonal": Q.T * Q - 1}, u.T * Q.T * Q * u, u.T * u)
    >>> certificate_text(problem, search(problem).steps)
    'left − right = uᵀ ⟨orthogonal⟩ u'
    """

    def body(step: Step) -> str:
        _, scalars, a, name, star, b = step
        product = " ".join(x for x in (word_text(a), f"⟨{name}⟩{'ᵀ' if star else ''}", word_text(b)) if x)
        closed = f"Tr({product})" if problem.kind == "trace" else product
        return " ".join(x for x in (scalars_text(scalars), closed) if x)

    return f"left − right = {_signed((step[0], body(step)) for step in steps)}"


def dump(problem: Problem, steps: Sequence[Step], path: Path) -> None:
    """Store the certificate with the claim in words that a person reads; one line per step.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from proofs_check.algebra import letter
    >>> A = letter("A", "k", "k")
    >>> with TemporaryDirectory() as folder:
    ...     dump(Problem("demo", {}, A, A, identity=True), [], Path(folder, "demo.json"))
    ...     json.loads(Path(folder, "demo.json").read_text(encoding="utf-8"))["claim"]
    'A = A'
    """

    def flat(word: Word) -> str:
        return " ".join(f"{x.name}ᵀ" if x.star else x.name for x in word)

    def fields(step: Step) -> list[object]:
        c, scalars, a, name, star, b = step
        return [
            str(c),
            [s if isinstance(s, str) else [flat(s)] for s in scalars],
            flat(a),
            f"{name}{'ᵀ' * star}",
            flat(b),
        ]

    head = {
        "problem": problem.name,
        "claim": f"{poly_text(problem.left)} = {poly_text(problem.right)}",
        "hypotheses": {name: f"{poly_text(h)} = 0" for name, h in problem.hypotheses.items()},
        "steps (c, s, a, h, b)": [],
    }
    rows = [json.dumps(fields(step), ensure_ascii=False) for step in steps]
    text = json.dumps(head, ensure_ascii=False, indent=1)
    listing = "[\n  " + ",\n  ".join(rows) + "\n ]" if rows else "[]"
    path.write_text(text.removesuffix("[]\n}") + listing + "\n}\n", encoding="utf-8")


def load(problem: Problem, path: Path) -> list[Step]:
    """Read a stored certificate of the problem.

    Raises
    ------
    KeyError
        If it uses a letter that the problem does not have.

    Examples
    --------
    >>> from proofs_check.problems import CASES
    >>> from proofs_check.search import CERTIFICATES
    >>> problem = CASES["L4-readout"].problem
    >>> problem.accepts(load(problem, CERTIFICATES / "L4-readout.json"))
    True
    """
    letters = {x.name: x for x in problem.letters}

    def word(text: str) -> Word:
        return tuple(letters[n.removesuffix("ᵀ")].T if n.endswith("ᵀ") else letters[n] for n in text.split())

    rows = json.loads(path.read_text(encoding="utf-8"))["steps (c, s, a, h, b)"]
    return [
        (
            Fraction(c),
            tuple(s if isinstance(s, str) else word(s[0]) for s in scalars),
            word(a),
            name.removesuffix("ᵀ"),
            name.endswith("ᵀ"),
            word(b),
        )
        for c, scalars, a, name, b in rows
    ]

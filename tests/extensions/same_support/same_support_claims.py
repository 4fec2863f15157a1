"""CC ⇒ sCC: equal codes fire alike; the matrix of implications has it from here."""

import numpy as np
import z3
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from same_support import SAME_SUPPORT

from proofs_check.evidence import Mutant, Mutants
from proofs_check.ledger import Claim, Verdict, register_claim
from proofs_check.logic import prove, proves
from theory.properties import CC
from theory.view import View

CLAIM = Claim(
    "SUPPORT.i",
    "Equal codes fire alike",
    "CC ⇒ sCC",
    "Where both codes of a point are equal, the same coordinates are positive.",
    "ours",
    Verdict.VERIFIED,
    implies=((("CC",), "sCC"),),
)
A, B = z3.Reals("a b")
ALIKE = (A > 0) == (B > 0)
CODES = arrays(float, (5, 3), elements=st.floats(-9, 9))


def loss(a, b):
    """Of two tables of codes."""
    return float(SAME_SUPPORT.loss(CC, View({"x": a, "y": b}, {s: lambda z: z for s in "xy"}, {}), "x", "y"))


@CLAIM.by("proof")
def _(run):
    return prove("at each coordinate", [A == B], ALIKE)


@CLAIM.by("numeric")
def _(run):
    return run.holds("equal codes", CODES, lambda a: [(loss(a, a.copy()), 1e-12)])


@CLAIM.by("mutants")
def _(run):
    one = np.ones((1, 1))
    return Mutants(
        [
            Mutant("weaken", "a² = b² ⇒ alike", proves([A * A == B * B], ALIKE), loss(one, -one) / 0.5),
            Mutant("weaken", "a ≥ b ⇒ alike", proves([A >= B], ALIKE), loss(one, 0 * one) / 0.5),
            Mutant("swap", "alike ⇒ a = b", proves([ALIKE], A == B), float(np.abs(one - 2 * one).max()) / 0.5),
        ]
    )


register_claim(CLAIM)

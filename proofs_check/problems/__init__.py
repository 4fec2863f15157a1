"""The equational parts of the linear statements, as problems for the certificate search.

>>> sorted(CASES)[:2]
['A1-left-inverse', 'A1-lower']
"""

from proofs_check.problems import (
    anchors,
    components,
    consistency,
    cycle,
    discrepancy,
    drift,
    duality,
    maxbet,
    noisy_anchors,
    principal_components,
    reconstruction_tradeoff,
    spectral_bounds,
    tightness,
    translation,
    transport,
)
from proofs_check.problems.setting import CASES, Case

__all__ = [
    "CASES",
    "Case",
    "anchors",
    "components",
    "consistency",
    "cycle",
    "discrepancy",
    "drift",
    "duality",
    "maxbet",
    "noisy_anchors",
    "principal_components",
    "reconstruction_tradeoff",
    "spectral_bounds",
    "tightness",
    "translation",
    "transport",
]

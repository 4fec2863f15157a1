"""A level: both sides have the same similarities, up to scale (RSA; Kriegeskorte et al. 2008); widths may differ."""

from dataclasses import dataclass

import numpy as np
from array_api_compat import array_namespace

from theory.levels import Level, UndefinedError
from theory.similarity import linear_cka


@dataclass(frozen=True)
class SecondOrder(Level):
    """Proportional centred Gram matrices of the matched rows: K = cL, c > 0."""

    prefix: str = "g"
    metric_name: str = "linear CKA"

    def loss(self, what, view, i, j):
        """1 − ⟨K, L⟩/(‖K‖‖L‖), from d × d products: ⟨K, L⟩ = ‖aᵀb‖²."""
        a, b = view.paired(what, i, j)
        xp = array_namespace(a, b)
        u, v = (side - xp.sum(side, axis=0) / max(side.shape[0], 1) for side in (a, b))
        kk, ll, kl = (xp.sum((s.T @ t) ** 2) for s, t in ((u, u), (v, v), (u, v)))
        # What is left of a constant after centring is rounding, and no direction.
        varies = [k > (8 * xp.finfo(a.dtype).eps * xp.sum(s**2)) ** 2 for k, s in ((kk, a), (ll, b))]
        both, one = varies[0] & varies[1], varies[0] | varies[1]
        cka = kl / xp.sqrt(xp.where(both, kk * ll, xp.ones_like(kk)))
        return xp.where(both, 1 - cka, xp.where(one, xp.ones_like(kk), xp.zeros_like(kk)))

    def holds(self, what, view, i, j):
        """Exactly: K TrL = L TrK, and either both vary or none does."""
        a, b = (s - s.sum(0) / len(s) for s in view.paired(what, i, j))
        K, L = a @ a.T, b @ b.T
        return (K.trace() == 0) == (L.trace() == 0) and bool((K * L.trace() == L * K.trace()).all())

    def metric(self, what, view, i, j):
        """Debiased, so that unrelated rows have about 0."""
        found = linear_cka(*(np.asarray(side) for side in view.paired(what, i, j)))
        if np.isnan(found):
            raise UndefinedError("too few matched rows, or a side that does not vary")
        return found


SECOND_ORDER = SecondOrder()

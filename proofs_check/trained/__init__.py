"""What gradient training of linear coders reaches, against predictions fixed beforehand: one function per lemma."""

from proofs_check.trained.consistency import l2, l3
from proofs_check.trained.reconstruction import l1, l7
from proofs_check.trained.tradeoff import l4, l4_free, l6
from proofs_check.trained.translation import l5, s31b

__all__ = ["l1", "l2", "l3", "l4", "l4_free", "l5", "l6", "l7", "s31b"]

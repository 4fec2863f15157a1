"""The choices of an audit, their defaults, and which of them cannot be."""

from dataclasses import dataclass

from proofs_check.errors import InputError
from proofs_check.inputs import Rows, check_pair

DEFAULT_RANK, DEFAULT_WEIGHTS = 16, (0.1, 1.0, 10.0, 100.0)
# Beyond this a weight or a ridge leaves nothing of the other terms in double precision worth a certificate.
LARGEST = 1e12


@dataclass(frozen=True)
class Config:
    """What can be chosen.

    Parameters
    ----------
    rank
        Codes k. By default the smallest of 16, a tenth of the training rows, and the two ranks (at least 1).
    weights
        λ of Lemmas 4 and 6.
    ridge
        Added to both training covariances, in units of the mean variance of a column: 0 is the problem as stated, and
        the small default keeps nearly constant columns from ruling the held-out numbers.
    seed
        Of the split, the shuffles and the bootstrap.
    test_fraction
        Share of the rows held out.
    shuffles
        Repetitions of the null, each fitted anew.
    resamples
        Bootstrap resamples.
    neighbours, subsample
        k of mutual nearest neighbours, and the largest number of held-out rows that they look at.

    Examples
    --------
    >>> Config().rank is None, Config().test_fraction, Config().weights
    (True, 0.2, (0.1, 1.0, 10.0, 100.0))
    """

    rank: int | None = None
    weights: tuple[float, ...] = DEFAULT_WEIGHTS
    ridge: float = 1e-3
    seed: int = 0
    test_fraction: float = 0.2
    shuffles: int = 1
    resamples: int = 1000
    neighbours: int = 10
    subsample: int = 2000

    def check(self, x: Rows, y: Rows) -> None:
        """Raise :class:`InputError` for the first choice that cannot be, given the data."""
        check_pair(x, y)
        largest = min(x.dim, y.dim)
        if self.rank is not None and not 1 <= self.rank <= largest:
            raise InputError(
                f"k = {self.rank} is not between 1 and {largest}, the smaller number of columns; choose -k within"
            )
        for name, value in [("--weight", w) for w in self.weights] + [("--ridge", self.ridge)]:
            if not 0 <= value <= LARGEST:
                raise InputError(f"{name} {value:g} is not a number between 0 and {LARGEST:g}; pass 0.1 for instance")
        if not 0 < self.test_fraction < 1:
            raise InputError(f"--test-fraction {self.test_fraction:g} is not between 0 and 1; 0.2 holds out a fifth")
        if self.shuffles < 1:
            raise InputError(f"--shuffles {self.shuffles} leaves no null; pass at least 1")
        if self.seed < 0:
            raise InputError(f"--seed {self.seed} is negative; pass a whole number ≥ 0")

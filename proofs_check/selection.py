"""Which claims and kinds of evidence a command line names."""

from collections.abc import Sequence
from difflib import get_close_matches

from proofs_check.errors import InputError
from proofs_check.evidence import KINDS
from proofs_check.ledger import Claim


def select(claims: Sequence[Claim], words: Sequence[str]) -> list[Claim]:
    """Claims named by id ("L4.ii") or by statement ("L4"), with what their verdicts rest on; all if none is named.

    Raises
    ------
    InputError
        An id that does not exist, with its neighbours.

    Examples
    --------
    >>> from proofs_check.ledger import Verdict
    >>> def claim(name, **more):
    ...     return Claim(name, "", "", "", "", Verdict.OPEN, **more)
    >>> corrected = claim("L1.ii-corrected", corrects="L1.ii", requires=("P1",))
    >>> known = [claim("P1"), claim("L1.i"), claim("L1.ii"), corrected]
    >>> [c.id for c in select(known, ["L1.ii"])]
    ['P1', 'L1.ii', 'L1.ii-corrected']
    """
    if not words:
        return list(claims)
    by_id = {c.id: c for c in claims}
    queue: list[str] = []
    for word in words:
        named = [i for i in by_id if i == word or i.startswith((f"{word}.", f"{word}-"))]
        if not named:
            names = [*by_id, *sorted({i.split(".")[0] for i in by_id} - set(by_id))]
            raise InputError(_unknown("claim", word, names, "see concept-alignment list claims"))
        queue += named
    for i in queue:
        # A refuted statement needs its correction, every claim what it leans on, a p-value its family.
        claim = by_id[i]
        family = (c.id for c in claims if claim.empirical and c.empirical and c.family == claim.family)
        rests_on = [*claim.requires, *(c.id for c in claims if c.corrects == i), *family]
        queue += [r for r in rests_on if r not in queue]
    return [c for c in claims if c.id in queue]


def check_kinds(kinds: Sequence[str]) -> None:
    """Raise :class:`InputError` for an unknown kind of evidence.

    Examples
    --------
    >>> check_kinds(["prof"])
    Traceback (most recent call last):
    proofs_check.errors.InputError: there is no kind of evidence 'prof'; did you mean proof?
    """
    for kind in kinds:
        if kind not in KINDS:
            raise InputError(_unknown("kind of evidence", kind, KINDS, f"choose among {', '.join(KINDS)}"))


def check_some(claims: Sequence[Claim], kinds: Sequence[str]) -> None:
    """Raise :class:`InputError` where none of the claims has evidence of these kinds, so that nothing would run.

    Examples
    --------
    >>> from proofs_check.ledger import Verdict
    >>> check_some([Claim("C1", "", "", "", "", Verdict.OPEN)], ["proof"])
    Traceback (most recent call last):
    proofs_check.errors.InputError: C1: no evidence of kind proof; there is none at all
    """
    present = {k for c in claims for k in c.evidence}
    if kinds and not present & set(kinds):
        has = f"there is {', '.join(k for k in KINDS if k in present)}" if present else "there is none at all"
        raise InputError(f"{', '.join(c.id for c in claims)}: no evidence of kind {' or '.join(kinds)}; {has}")


def _unknown(what: str, word: str, known: Sequence[str], otherwise: str) -> str:
    lower = {k.lower(): k for k in known}
    near = [lower[k] for k in get_close_matches(word.lower(), list(lower), n=3, cutoff=0.5)]
    if near:
        return f"there is no {what} {word!r}; did you mean {' or '.join(near)}?"
    return f"there is no {what} {word!r}; {otherwise}"

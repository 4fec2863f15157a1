"""The seven systems as presets of one library: selection × code sharing × edges × weighted (what, level)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nonlinear.selection import KINDS

SHARINGS = ("independent", "summed", "weights", "support")
EDGES = ("all", "source", "first")
UPDATES = ("all", "source")


@dataclass(frozen=True)
class System:
    """What a sparse coder of several streams computes and trains.

    Parameters
    ----------
    name, text
        As on the command line, and one line for tables.
    terms
        Number of streams S → weights of the trained properties, by name.
    selection
        "relu", "topk" or "batchtopk".
    sharing
        "independent" codes; "summed": one code of the sum of the encoders (crosscoder); "weights": one coder for all
        streams; "support": each stream's own values on the jointly selected atoms (SPARC).
    edges
        "all"; "source": from one stream drawn at each step to all, itself included; "first": from the first stream to
        the others, without self edges.
    update
        "all" parameters, or those of the "source" stream only (USAE as published; edges "source").
    unit_decoder
        Atoms of norm 1 after every step, so that code values compare; free norms otherwise, which weight the selection.
    skip
        A linear map from input to output beside the code (transcoders).
    guarantee
        Properties that small training losses of this system state, of {"REC", "TR", "CC"}.

    Raises
    ------
    ValueError
        Unknown selection, sharing, edges or update, or such as do not go together.

    Examples
    --------
    >>> SYSTEMS["sparc"].terms(3)["nTR"] == 1 / 6, SYSTEMS["crosscoder"].sharing
    (True, 'summed')
    """

    name: str
    text: str
    terms: Callable[[int], Mapping[str, float]]
    selection: str = "batchtopk"
    sharing: str = "independent"
    edges: str = "all"
    update: str = "all"
    unit_decoder: bool = True
    skip: bool = False
    guarantee: frozenset[str] = frozenset({"REC"})

    def __post_init__(self):
        for field, known in (("selection", KINDS), ("sharing", SHARINGS), ("edges", EDGES), ("update", UPDATES)):
            if getattr(self, field) not in known:
                raise ValueError(f"{field} is {getattr(self, field)!r}; use one of {', '.join(known)}")
        if self.update == "source" and self.edges != "source":
            raise ValueError("only the source's parameters can learn where there is one; use edges 'source'")
        if self.sharing == "support" and self.selection == "batchtopk":
            raise ValueError("a support shared by streams is chosen point by point; use selection 'topk'")


SAE = System("sae", "one sparse autoencoder per stream (Bussmann et al. 2024)", lambda S: {"REC": 1.0})
TRANSCODER = System(
    "transcoder",
    "from the first stream to the others (Dunefsky et al. 2024)",
    lambda S: {"TR": 1.0},
    edges="first",
    guarantee=frozenset({"TR"}),
)
SKIP_TRANSCODER = System(
    "skip-transcoder",
    "the same with a linear skip",
    TRANSCODER.terms,
    edges="first",
    skip=True,
    guarantee=frozenset({"TR"}),
)
CROSSCODER = System(
    "crosscoder",
    "one code of the summed encoders (Lindsey et al. 2024; Minder et al. 2025)",
    lambda S: {"REC": 1.0},
    sharing="summed",
    unit_decoder=False,
)
USAE = System(
    "usae",
    "from a stream drawn at each step to all (Thasarathan et al. 2025)",
    lambda S: {"REC": 1.0, "TR": 1.0},
    selection="topk",
    edges="source",
    update="source",
    guarantee=frozenset({"REC", "TR"}),
)
SAE_A = System(
    "sae-a",
    "one autoencoder for all streams, codes pulled together by a small cosine (Dhimoïla et al. 2026)",
    lambda S: {"REC": 1.0, "cCC": 3e-4},
    sharing="weights",
)
SPARC = System(
    "sparc",
    "joint selection of atoms, all cross-reconstructions (Global TopK)",
    lambda S: {"nREC": 1 / S} | ({"nTR": 1 / (S * (S - 1))} if S > 1 else {}),
    selection="topk",
    sharing="support",
    guarantee=frozenset({"REC", "TR"}),
)
COSAE = System(
    "cosae",
    "coupled autoencoders, every loss but the cycle (the paper)",
    lambda S: {"REC": 1.0, "TR": 1.0, "CC": 1.0, "dTR": 1.0, "dCC": 1.0},
    guarantee=frozenset({"REC", "TR", "CC"}),
)
SYSTEMS = {s.name: s for s in (SAE, TRANSCODER, SKIP_TRANSCODER, CROSSCODER, USAE, SAE_A, SPARC, COSAE)}


def register_system(system: System) -> None:
    """Make a system trainable by name.

    Raises
    ------
    ValueError
        When the name is taken.

    Examples
    --------
    >>> register_system(SAE)        # the same thing again changes nothing
    """
    if SYSTEMS.setdefault(system.name, system) != system:
        raise ValueError(f"the name {system.name!r} is taken by another system; choose another one")

"""Classical facts that proofs lean on but that are not proved here: each cited, each property-tested."""

from dataclasses import dataclass

from proofs_check.evidence import Step


@dataclass(frozen=True)
class Axiom:
    """A named classical fact.

    Parameters
    ----------
    name, statement
        Short name and formula.
    reference
        Where it is proved.

    Examples
    --------
    >>> AXIOMS["square inverse"].statement
    'AB = 1 ⇒ BA = 1 for square matrices'
    """

    name: str
    statement: str
    reference: str


AXIOMS = {
    a.name: a
    for a in (
        Axiom("spectral theorem", "S = Sᵀ real ⇒ S = QΛQᵀ with QᵀQ = 1", "Horn & Johnson, Matrix Analysis, Thm 4.1.5"),
        Axiom(
            "singular value decomposition",
            "A = PSQᵀ, PᵀP = QᵀQ = 1, S ≥ 0 diagonal",
            "Horn & Johnson, Matrix Analysis, Thm 2.6.3",
        ),
        Axiom(
            "Ky Fan",
            "max of Tr(UᵀSU) over UᵀU = 1_k is Σ_{i≤k} λ_i(S), attained exactly by top-k eigenbases",
            "Fan 1949; Horn & Johnson, Matrix Analysis, Cor. 4.3.39",
        ),
        Axiom(
            "von Neumann",
            "max of Tr(UᵀMV) over UᵀU = VᵀV = 1_k is Σ_{i≤k} σ_i(M); if σ_k > 0 it is attained exactly by U = U_kQ, "
            "V = V_kQ with U_k, V_k top-k singular vectors of one SVD and Q ∈ O(k)",
            "von Neumann 1937; Horn & Johnson, Matrix Analysis, Thm 7.4.1.1",
        ),
        Axiom(
            "Eckart–Young",
            "min of ‖N − B‖² over rank B ≤ k is Σ_{i>k} σ_i(N)², attained exactly by the truncated SVDs",
            "Eckart & Young 1936; Mirsky 1960",
        ),
        Axiom(
            "Lusin–Souslin",
            "an injective Borel map has a Borel left inverse on its image",
            "Kechris, Classical Descriptive Set Theory, Thm 15.1",
        ),
        Axiom(
            "characteristic functions",
            "two finite Borel measures on R^d are equal iff their Fourier transforms are",
            "Billingsley, Probability and Measure, Thm 26.2 (Cramér–Wold with all slices: Thm 29.4)",
        ),
        Axiom(
            "vanishing integral",
            "f ≥ 0 continuous, w > 0 almost everywhere, ∫ f w = 0 ⇒ f = 0",
            "Rudin, Real and Complex Analysis, Thm 1.39(a)",
        ),
        Axiom(
            "identity theorem",
            "P compactly supported ⇒ t ↦ φ_P(tu) is entire; entire functions that agree on an interval are equal",
            "Rudin, Real and Complex Analysis, Thm 10.18 and 19.3",
        ),
        Axiom(
            "distribution functions",
            "two probability measures on R are equal iff their distribution functions are",
            "Billingsley, Probability and Measure, Thm 3.3 (π–λ)",
        ),
        Axiom(
            "Darmois–Skitovich",
            "s_i independent, Σ a_i s_i and Σ b_i s_i independent ⇒ a_i b_i = 0 for every s_i that is not Gaussian",
            "Darmois 1953; Skitovich 1953; Kagan, Linnik & Rao 1973, ch. 3; used for identifiability by Comon 1994",
        ),
        Axiom("square inverse", "AB = 1 ⇒ BA = 1 for square matrices", "Horn & Johnson, Matrix Analysis, 0.5"),
    )
}


def cite(name: str) -> Step:
    """Use an axiom as a step of a proof.

    Raises
    ------
    KeyError
        When no axiom has that name.

    Examples
    --------
    >>> cite("square inverse").engine, cite("square inverse").accepted
    ('axiom', True)
    """
    axiom = AXIOMS[name]
    return Step("axiom", axiom.name, True, f"{axiom.statement} [{axiom.reference}]")

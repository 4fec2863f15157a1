"""The generators against what they promise: laws by Monte Carlo within 5 standard errors, exact facts to rounding."""

import hashlib
import subprocess
import sys
from dataclasses import replace
from itertools import combinations_with_replacement, permutations, product
from math import comb, sqrt
from pathlib import Path

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from nonlinear.incoherence import incoherence
from nonlinear.linear_pairs import gaussian_pair, linear_pair
from nonlinear.random_rows import BLOCK, rows, stream_of
from nonlinear.sparse_generator import SparseGenerator
from theory.ambiguity.components import Ambiguity
from theory.ambiguity.sources import LAWS, draw_sources
from theory.linalg import tolerance

ROOT = Path(__file__).parents[2]
FEW = settings(max_examples=40)
# Standard errors: with some hundred comparisons per test, 5 are exceeded by chance once in a few thousand runs.
LIMIT = 5
NOISY = SparseGenerator(20, 3, {"x": 12, "y": 9}, (10,), dropout=0.2, noise=(0.3, 0.5), structure=4)
LINEAR = replace(NOISY, activation="linear", hidden=())
# Skewness and kurtosis, exact.
SHAPES = {
    "gaussian": (0, 3),
    "uniform": (0, 9 / 5),
    "laplace": (0, 6),
    "exponential": (2, 9),
    "chi-square": (2 * sqrt(2), 15),
    "gamma-2": (sqrt(2), 6),
    "gamma-4": (1, 9 / 2),
    "two-point": (1 / sqrt(2), 3 / 2),
    "rare": (8 / 3, 73 / 9),
}
SIGNED_LAWS = [sign + law for law in LAWS for sign in ("", "-")]


def z_scores(values, expected):
    """Deviation of the mean of each column, in standard errors."""
    deviation, error = values.mean(axis=0) - expected, values.std(axis=0) / sqrt(len(values))
    return np.abs(deviation) / error


def monomials(x, degree):
    """All products of at most `degree` coordinates, the constant left out."""
    indices = [c for k in range(1, degree + 1) for c in combinations_with_replacement(range(x.shape[1]), k)]
    return np.stack([x[:, c].prod(axis=1) for c in indices], axis=1)


def law_distance(x, y, degree=4):
    """Largest difference of a moment of two samples, in standard errors."""
    a, b = monomials(x, degree), monomials(y, degree)
    error = np.sqrt(a.var(axis=0) / len(a) + b.var(axis=0) / len(b))
    return float((np.abs(a.mean(axis=0) - b.mean(axis=0)) / error).max())


# Sparse generator -----------------------------------------------------------------------------------------------------


@FEW
@given(st.data())
def test_every_row_has_s_active_latents_and_codes_stay_inside(data):
    K = data.draw(st.integers(2, 30))
    s, seed = data.draw(st.integers(1, K - 1)), data.draw(st.integers(0, 2**40))
    sample = replace(NOISY, n_latents=K, sparsity=s, activation="linear").draw(50, seed)
    assert sample.latents.shape == (50, K)
    assert (sample.latents.sum(axis=1) == s).all()
    for name, z in sample.codes.items():
        assert not z[~sample.latents].any()
        assert sample.streams[name].shape == (50, NOISY.domains[name])
        assert sample.streams[name].dtype == np.float64


def test_supports_are_uniform():
    K, s, n = NOISY.n_latents, NOISY.sparsity, 40_000
    active = NOISY.draw(n, 0).latents.astype(float)
    triples = active[:, [[0, 1, 2], [3, 9, 19], [4, 5, 18]]].prod(axis=2)
    assert z_scores(active, s / K).max() < LIMIT
    assert z_scores(monomials(active, 2)[:, K:], active_pair(K, s)).max() < LIMIT
    assert z_scores(triples, 1 / comb(K, 3)).max() < LIMIT


def active_pair(K, s):
    """E of the products of two latents, in the order of `monomials`."""
    pairs = combinations_with_replacement(range(K), 2)
    return np.array([s / K if i == j else s * (s - 1) / (K * (K - 1)) for i, j in pairs])


def test_the_latents_are_the_largest_normal_ones():
    normal = stream_of(7, 3, 0, 0).standard_normal((BLOCK, 20))
    expected = normal >= np.sort(normal, axis=1)[:, -3:-2]
    np.testing.assert_array_equal(NOISY.draw(BLOCK, 7).latents, expected)


def test_dropout_and_noise_have_their_share_and_are_independent():
    sample, p = NOISY.draw(30_000, 1), NOISY.dropout
    on = sample.latents
    lost = {name: z[on] == 0 for name, z in sample.codes.items()}
    both = np.stack([lost["x"], lost["y"], lost["x"] & lost["y"]], axis=1)
    assert z_scores(both, [p, p, p**2]).max() < LIMIT
    # Rows have exactly s active latents, so the active ones of a row come in threes.
    inside = lost["x"].reshape(-1, 3)
    assert z_scores(monomials(inside.astype(float), 2)[:, 3:], [p, p**2, p**2, p, p**2, p]).max() < LIMIT
    kept = ~lost["x"] & ~lost["y"]
    a, b = (sample.codes[name][on][kept] - 1 for name in ("x", "y"))
    sa, sb = NOISY.deviations["x"], NOISY.deviations["y"]
    facts = np.stack([a, b, a**2, b**2, a * b, a**3, a**4], axis=1)
    assert z_scores(facts, [0, 0, sa**2, sb**2, 0, 0, 3 * sa**4]).max() < LIMIT


def test_noise_levels_are_clipped_to_their_interval():
    levels = np.array([list(replace(NOISY, structure=seed).deviations.values()) for seed in range(300)])
    least, largest = NOISY.noise
    assert levels.min() == least
    assert levels.max() == largest
    assert ((levels > least) & (levels < largest)).any()
    # P(|N(0, 1)| ≥ 1) at the upper end, P(|N(0, 1)| ≤ 3/5) at the lower one.
    ends = np.stack([levels.ravel() == largest, levels.ravel() == least], axis=1)
    assert z_scores(ends, [0.3173105, 0.4514938]).max() < LIMIT


def test_without_dropout_and_noise_every_domain_has_the_binary_codes():
    sample = replace(NOISY, dropout=0, noise=(0, 0)).draw(500, 0)
    for z in sample.codes.values():
        np.testing.assert_array_equal(z, sample.latents)


def test_the_default_codes_agree_as_documented():
    g = SparseGenerator()
    K, s, p, n = g.n_latents, g.sparsity, g.dropout, 50_000
    codes, (vx, vy) = g.draw(n, 0).codes, (g.deviations[name] ** 2 for name in ("x", "y"))
    error = s * ((1 - p) ** 2 * (vx + vy) + p * (1 - p) * (2 + vx + vy))
    assert z_scores(((codes["x"] - codes["y"]) ** 2).sum(axis=1)[:, None], error).max() < LIMIT
    variance = s * (1 - p) * (1 + vy) - K * ((1 - p) * s / K) ** 2
    assert 0.985 < 1 - error / variance < 0.995


@pytest.mark.parametrize("g", [LINEAR, replace(NOISY, activation="linear"), replace(LINEAR, activation="relu")])
def test_linear_domains_are_their_atoms(g):
    a, b = g.draw(200, 0), g.draw(200, 1)
    for name, x in a.streams.items():
        size = np.abs(a.codes[name]).max() * np.abs(a.atoms[name]).max()
        assert np.abs(x - a.codes[name] @ a.atoms[name]).max() <= tolerance(size, g.n_latents)
        np.testing.assert_array_equal(a.atoms[name], b.atoms[name])
        np.testing.assert_allclose(g.respond(name, np.eye(g.n_latents)), a.atoms[name], rtol=0, atol=1e-14)
        assert np.linalg.matrix_rank(a.atoms[name]) == min(g.n_latents, g.domains[name], *g.hidden)
    assert a.additivity() == pytest.approx({"x": 1, "y": 1}, abs=1e-12)


def forward(g, name, z):
    """Rows by the definition, one unit at a time."""
    out = []
    for h in z:
        for depth, W in enumerate(g.maps[name]):
            h = [v if v > 0 else 0.0 for v in h] if depth else list(h)
            h = [sum(v * W[i, j] for i, v in enumerate(h)) for j in range(W.shape[1])]
        out.append(h)
    return np.array(out)


def test_relu_domains_are_maps_with_relu_between_them():
    g = replace(NOISY, hidden=(14, 6, 11))
    sample = g.draw(20, 0)
    for name, x in sample.streams.items():
        assert [W.shape for W in g.maps[name]] == [(20, 14), (14, 6), (6, 11), (11, g.domains[name])]
        np.testing.assert_allclose(x, forward(g, name, sample.codes[name]), rtol=0, atol=1e-12)
        np.testing.assert_allclose(g.respond(name, 3 * sample.codes[name]), 3 * x, rtol=0, atol=1e-12)
        assert np.abs(g.respond(name, -sample.codes[name]) + x).max() > 0.1


@pytest.mark.parametrize("hidden", [(), (30,), (40, 20, 40)])
@pytest.mark.parametrize("sizes", [(64, 4), (64, 40)])
def test_every_layer_keeps_variance_one(hidden, sizes):
    K, s = sizes
    g = SparseGenerator(K, s, {"x": 50}, hidden, dropout=0.1, noise=(1.0, 1.0))
    h = g.draw(5000, 0).codes["x"]
    for depth, W in enumerate(g.maps["x"]):
        h = (np.maximum(h, 0) if depth else h) @ W
        # The scale is that of one block of 1024 other rows.
        assert h.var(axis=0).mean() == pytest.approx(1, abs=0.1)
        assert h.var(axis=0).max() < 6


def test_the_atoms_of_a_relu_domain_are_the_best_dictionary_given_the_codes():
    sample = NOISY.draw(60_000, 0)
    for name, x in sample.streams.items():
        z, D = sample.codes[name], sample.atoms[name]
        best = np.linalg.lstsq(z, x, rcond=None)[0]
        loss, least, single = (
            float(((x - z @ A) ** 2).sum()) for A in (D, best, NOISY.respond(name, np.eye(NOISY.n_latents)))
        )
        # Excess risk of K coefficients fitted to 8192 rows: about K/n of the residual.
        assert least <= loss <= least * (1 + 3 * 20 / 8192)
        assert single > 1.5 * least
        assert sample.additivity()[name] == pytest.approx(1 - loss / ((x - x.mean(axis=0)) ** 2).sum())
        assert 0.5 < sample.additivity()[name] < 0.95


def test_structure_and_rows_have_their_own_seeds():
    a, b = NOISY.draw(50, 0), NOISY.draw(50, 1)
    c = replace(NOISY, structure=5).draw(50, 0)
    assert (a.latents != b.latents).any()
    np.testing.assert_array_equal(a.latents, c.latents)
    assert np.abs(a.atoms["x"] - c.atoms["x"]).max() > 0.1
    # A sample whose seed is that of the structure is not the rows that the maps were scaled on.
    assert not np.array_equal(NOISY.draw(BLOCK, 4).codes["x"], NOISY._codes(4, 2, 0)[1]["x"])


def test_an_appended_domain_leaves_the_others():
    sample = replace(NOISY, domains={**NOISY.domains, "z": 5}).draw(30, 0)
    for name, x in NOISY.draw(30, 0).streams.items():
        np.testing.assert_array_equal(sample.streams[name], x)
    assert sample.streams["z"].shape == (30, 5)


def test_domains_have_maps_of_their_own():
    a, b = replace(NOISY, domains={"a": 9, "b": 9}).maps.values()
    assert all(np.abs(V / np.linalg.norm(V) - W / np.linalg.norm(W)).max() > 0.1 for V, W in zip(a, b, strict=True))


def test_arrays_of_a_sample_may_be_changed():
    sample = NOISY.draw(5, 0)
    sample.atoms["x"][:] = 0
    assert NOISY.atoms["x"].any()


# What is the same whenever and wherever it is drawn -------------------------------------------------------------------


def arrays(seed, n):
    """Every array of each kind of sample."""
    a, b = NOISY.draw(n, seed), linear_pair(["laplace", "two-point", "gaussian"], correlations=0.5).draw(n, seed)
    return [*a.streams.values(), *a.codes.values(), a.latents, *b.streams.values(), b.sources]


@pytest.mark.parametrize("m", [1, 7, BLOCK, BLOCK + 1])
def test_fewer_rows_are_a_prefix(m):
    for more, fewer in zip(arrays(3, 2 * BLOCK + 5), arrays(3, m), strict=True):
        np.testing.assert_array_equal(more[:m], fewer)


def test_blocks_of_rows_differ():
    for x in arrays(3, 2 * BLOCK)[2:]:
        assert (x[:BLOCK] != x[BLOCK:]).any()


def fingerprint(n=BLOCK + 3):
    return hashlib.sha256(b"".join(np.ascontiguousarray(x).tobytes() for x in arrays(0, n))).hexdigest()


def test_another_process_draws_the_same_bytes():
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_generators as t; "
    done = subprocess.run(
        [sys.executable, "-c", code + "print(t.fingerprint())"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == fingerprint()


def test_keys_make_streams_apart():
    keys = [(0,), (0, 0), (1,), (0, 1), (1, 0)]
    assert len({stream_of(seed, *key).random() for seed in (0, 1, 2**32) for key in keys}) == 15


def test_rows_are_cut_from_whole_blocks():
    seen = []
    found = rows(BLOCK + 2, lambda b: seen.append(b) or {"a": np.full((BLOCK, 2), b)})["a"]
    assert seen == [0, 1]
    assert found.shape == (BLOCK + 2, 2)
    assert found.sum() == 4


# Incoherence ----------------------------------------------------------------------------------------------------------


def test_incoherence_of_known_frames():
    assert incoherence(3 * np.eye(4)) == {"rank": 4, "overcompleteness": 1, "coherence": 0, "welch": 0}
    angles = 2 * np.pi * np.arange(3) / 3
    frame = np.column_stack([np.cos(angles), np.sin(angles), np.zeros(3)])
    assert incoherence(frame) == pytest.approx({"rank": 2, "overcompleteness": 1.5, "coherence": 0.5, "welch": 0.5})
    with pytest.raises(ValueError, match="an atom is zero"):
        incoherence(np.diag([1.0, 0.0]))


@FEW
@given(st.integers(2, 12), st.integers(2, 8), st.integers(0, 2**32 - 1))
def test_coherence_obeys_welch(K, d, seed):
    found = incoherence(np.random.default_rng(seed).standard_normal((K, d)))
    assert found["rank"] == min(K, d)
    assert found["welch"] <= found["coherence"] + tolerance(1, K)


# Linear pairs ---------------------------------------------------------------------------------------------------------

SPECTRUM_X, SPECTRUM_Y, RHO = [4.0, 1.0, 0.25], [3.0, 2.0, 0.5], [0.9, 0.5, 0.0]
TURN = np.linalg.qr(np.random.default_rng(5).standard_normal((3, 3)))[0]
PAIRS = pytest.mark.parametrize(
    "laws", [["gaussian"] * 3, ["exponential", "-two-point", "uniform"], ["laplace", "gaussian", "laplace"]]
)


@PAIRS
@pytest.mark.parametrize("rho", [1.0, RHO])
def test_covariances_are_as_asked(laws, rho):
    pair = linear_pair(laws, SPECTRUM_X, SPECTRUM_Y, TURN, rho)
    Sx, Sxy, Sy = pair.covariances
    np.testing.assert_allclose(np.linalg.eigvalsh(Sx), SPECTRUM_X[::-1], rtol=1e-12)
    np.testing.assert_allclose(np.linalg.eigvalsh(Sy), SPECTRUM_Y[::-1], rtol=1e-12)
    inverse = [np.linalg.inv(scipy.linalg.sqrtm(S)) for S in (Sx, Sy)]
    correlations = np.linalg.svd(inverse[0] @ Sxy @ inverse[1], compute_uv=False)
    np.testing.assert_allclose(correlations, np.broadcast_to(rho, 3), rtol=0, atol=1e-12)
    streams = pair.draw(100_000, 0).streams
    both = np.hstack([streams["x"], streams["y"]])
    products = monomials(both, 2)[:, 6:]
    expected = np.block([[Sx, Sxy], [Sxy.T, Sy]])[np.triu_indices(6)]
    assert z_scores(both, 0).max() < LIMIT
    assert z_scores(products, expected).max() < LIMIT


@PAIRS
def test_y_is_the_map_of_x(laws):
    pair = linear_pair(laws, SPECTRUM_X, SPECTRUM_Y, TURN)
    sample = pair.draw(500, 0)
    x, y = sample.streams["x"], sample.streams["y"]
    assert np.abs(y - x @ pair.A).max() <= tolerance(np.abs(x).max() * np.abs(pair.A).max(), 3)
    assert np.abs(x - sample.sources @ pair.group.M).max() <= tolerance(np.abs(x).max(), 3)
    # In columns, with Q_* = Qᵀ: A_* = Σy^{1/2} Q_* Σx^{-1/2}.
    root_x, root_y = (scipy.linalg.sqrtm(pair.covariances[i]) for i in (0, 2))
    np.testing.assert_allclose(pair.A.T, root_y @ TURN.T @ np.linalg.inv(root_x), rtol=0, atol=1e-12)


def test_noise_leaves_the_regression():
    pair = linear_pair(["exponential"] * 3, SPECTRUM_X, SPECTRUM_Y, TURN, RHO)
    streams = pair.draw(100_000, 2).streams
    error = streams["y"] - streams["x"] @ pair.regression
    assert z_scores((error[:, :, None] * monomials(streams["x"], 2)[:, None]).reshape(len(error), -1), 0).max() < LIMIT
    assert np.abs(pair.A - pair.regression).max() > 0.1


def test_a_drawn_q_and_a_default_spectrum():
    pair, other = (gaussian_pair([2.0, 1.0], structure=seed) for seed in (0, 1))
    Sx, _, Sy = pair.covariances
    np.testing.assert_allclose(np.linalg.eigvalsh(Sy), [1, 2], rtol=1e-12)
    np.testing.assert_allclose(pair.A.T @ Sx @ pair.A, Sy, rtol=0, atol=1e-12)
    assert np.abs(pair.A - other.A).max() > 0.01


@pytest.mark.parametrize("law", SIGNED_LAWS)
def test_sources_have_their_moments(law):
    sign = -1 if law.startswith("-") else 1
    skewness, kurtosis = SHAPES[law.removeprefix("-")]
    s = draw_sources([law, law], 200_000, np.random.default_rng(1))
    for column in s.T:
        powers = np.stack([column**k for k in (1, 2, 3, 4)], axis=1)
        assert z_scores(powers, [0, 1, sign * skewness, kurtosis]).max() < LIMIT
    assert z_scores((s[:, :1] * s[:, 1:]), 0).max() < LIMIT


# Ambiguity ------------------------------------------------------------------------------------------------------------


def keeps_the_laws(laws, source, signs):
    """Whether the law of each source is that of the signed one put in its place, told by exact moments."""
    moments = {}
    for law in SIGNED_LAWS:
        skewness, kurtosis = SHAPES[law.removeprefix("-")]
        moments[law] = (-skewness if law.startswith("-") else skewness, kurtosis)
    return all(
        moments[laws[j]] == (e * moments[laws[i]][0], moments[laws[i]][1])
        for j, (i, e) in enumerate(zip(source, signs, strict=True))
    )


@FEW
@given(st.lists(st.sampled_from(SIGNED_LAWS), min_size=1, max_size=4))
def test_the_signed_permutations_are_those_that_keep_the_laws(laws):
    d, group = len(laws), Ambiguity(tuple(laws), np.eye(len(laws)))
    gaussian = [i for i, law in enumerate(laws) if law.endswith("gaussian")]
    assert group.gaussian == gaussian
    expected = set()
    for source, signs in product(permutations(range(d)), product((1, -1), repeat=d)):
        fixed = all(source[i] == i and signs[i] == 1 for i in gaussian)
        if fixed and keeps_the_laws(laws, source, signs):
            P = np.zeros((d, d), dtype=int)
            P[source, range(d)] = signs
            expected.add(P.tobytes())
    found = [P.astype(int).tobytes() for P in group.signed_permutations()]
    assert found[0] == np.eye(d, dtype=int).tobytes()
    assert len(found) == len(set(found)) == group.order
    assert set(found) == expected


def test_known_groups():
    def order(*laws):
        return Ambiguity(laws, np.eye(len(laws))).order

    assert order("exponential", "two-point", "gaussian", "gaussian") == 1  # asymmetric and different
    assert order("two-point", "-two-point") == 2  # different and asymmetric, yet not trivial
    assert order("uniform", "laplace") == 4
    assert order(*["laplace"] * 3) == 48
    assert order(*["exponential"] * 3) == 6
    assert str(gaussian_pair([1.0] * 5).group) == "O(5) ⊕ H of order 1"


# Laws of x, and P in the place of an element that is none: it acts on the sources, Gaussian ones included.
INSIDE = {
    "gaussian": ["gaussian", "gaussian", "gaussian"],
    "mixed": ["gaussian", "two-point", "gaussian"],
    "signed swap": ["two-point", "-two-point", "uniform"],
    "equal": ["exponential", "exponential", "laplace"],
}
OUTSIDE = {
    "scaling of a Gaussian": (["gaussian"] * 3, np.diag([1.1, 1, 1])),
    "reflection of a skewed one": (["gaussian", "two-point", "gaussian"], np.diag([1, -1, 1])),
    "rotation of a Gaussian with another": (
        ["gaussian", "uniform", "gaussian"],
        scipy.linalg.block_diag(TURN[:2, :2], 1),
    ),
    "swap without sign": (["two-point", "-two-point", "uniform"], np.eye(3)[[1, 0, 2]]),
    "swap of different ones": (["exponential", "two-point", "laplace"], np.eye(3)[[1, 0, 2]]),
    "sign of one in an equal pair": (["exponential", "exponential", "laplace"], np.diag([-1, 1, 1])),
    "rotation of equal ones": (["laplace"] * 3, scipy.linalg.block_diag([[0.8, 0.6], [-0.6, 0.8]], 1)),
}


def planted(laws):
    return linear_pair(laws, [2.0, 1.0, 0.5])


@pytest.mark.parametrize("laws", INSIDE.values(), ids=INSIDE)
def test_elements_of_the_group_keep_the_law(laws):
    pair, rng = planted(laws), np.random.default_rng(2)
    x, other = (pair.draw(60_000, seed).streams["x"] for seed in (0, 1))
    drawn = [pair.group.draw(rng) for _ in range(3)]
    listed = [pair.group.element(P) for P in pair.group.signed_permutations()]
    for S in drawn + listed[1:4]:
        assert law_distance(x @ S, other) < LIMIT
    assert any(np.abs(S - np.eye(3)).max() > 0.1 for S in drawn)


@pytest.mark.parametrize(("laws", "P"), OUTSIDE.values(), ids=OUTSIDE)
def test_an_element_outside_changes_the_law(laws, P):
    pair = planted(laws)
    x, other = (pair.draw(60_000, seed).streams["x"] for seed in (0, 1))
    assert law_distance(x, other) < LIMIT
    assert law_distance(x @ pair.group.element(P), other) > 2 * LIMIT


@pytest.mark.parametrize("laws", INSIDE.values(), ids=INSIDE)
def test_the_group_is_closed_and_drawn_elements_are_in_it(laws):
    pair, rng = planted(laws), np.random.default_rng(0)
    M, gaussian = pair.group.M, pair.group.gaussian
    others = [i for i in range(3) if i not in gaussian]
    allowed = {P[np.ix_(others, others)].tobytes() for P in pair.group.signed_permutations()}
    seen, signs = set(), set()
    for S in [pair.group.draw(rng) @ pair.group.draw(rng) for _ in range(50)]:
        local = M @ S @ np.linalg.inv(M)
        np.testing.assert_allclose(local.T @ local, np.eye(3), atol=1e-12)
        np.testing.assert_allclose(local[np.ix_(gaussian, others)], 0, atol=1e-12)
        signs.add(round(np.linalg.det(local[np.ix_(gaussian, gaussian)])))
        seen.add(local[np.ix_(others, others)].round(9).astype(int).tobytes())
    assert seen == allowed
    assert signs == ({1, -1} if gaussian else {1})
    Q = np.linalg.qr(rng.standard_normal((len(gaussian), len(gaussian))))[0]
    local = M @ pair.group.element(np.eye(3), Q) @ np.linalg.inv(M)
    np.testing.assert_allclose(local[np.ix_(gaussian, gaussian)], Q, atol=1e-12)


# Bad parameters -------------------------------------------------------------------------------------------------------

BAD = {
    "more active than there are": (lambda: SparseGenerator(4, 5), "sparsity 5 is not between 1 and n_latents = 4"),
    "none active": (lambda: SparseGenerator(4, 0), "sparsity 0 is not"),
    "half a latent": (lambda: SparseGenerator(4.5, 1), "n_latents is 4.5"),  # pyright: ignore[reportArgumentType]
    "no latents": (lambda: SparseGenerator(0, 1), "n_latents is 0"),
    "no width": (lambda: SparseGenerator(domains={"x": 3, "y": 0}), "width of domain 'y' is 0"),
    "no domain": (lambda: SparseGenerator(domains={}), "no domain"),
    "no hidden width": (lambda: SparseGenerator(hidden=(3, 0)), "a hidden width is 0"),
    "dropout below": (lambda: SparseGenerator(dropout=-0.1), r"dropout -0.1 is not in \[0, 1\)"),
    "dropout above": (lambda: SparseGenerator(dropout=1.1), "dropout 1.1 is not"),
    "dropout of all": (lambda: SparseGenerator(dropout=1.0), "dropout 1.0 is not"),
    "dropout nan": (lambda: SparseGenerator(dropout=float("nan")), "dropout nan is not"),
    "noise reversed": (lambda: SparseGenerator(noise=(0.2, 0.1)), "is no interval"),
    "noise negative": (lambda: SparseGenerator(noise=(-0.2, 0.1)), "is no interval"),
    "noise infinite": (lambda: SparseGenerator(noise=(0, np.inf)), "is no interval"),
    "activation": (lambda: SparseGenerator(activation="tanh"), "activation is 'tanh'; use one of relu, linear"),
    "constant codes": (lambda: SparseGenerator(4, 4, dropout=0, noise=(0, 0)), "no row differs"),
    "structure": (lambda: SparseGenerator(structure=-1), "seed is -1"),
    "seed": (lambda: LINEAR.draw(3, seed=-1), "seed is -1"),
    "rows": (lambda: LINEAR.draw(0, seed=0), "n is 0"),
    "dead layer": (lambda: [SparseGenerator(hidden=(1,) * 9, structure=s).maps for s in range(20)], "never varies"),
    "law": (lambda: linear_pair(["cauchy"]), "unknown law 'cauchy'; use one of gaussian, uniform"),
    "one string": (lambda: linear_pair("gaussian"), "pass a list"),
    "no law": (lambda: linear_pair([]), "pass a list"),
    "spectrum": (lambda: gaussian_pair([1.0, 0.0]), "spectrum_x has the eigenvalue 0"),
    "length": (lambda: gaussian_pair([1.0, 2.0], [1.0] * 3), r"spectrum_y has shape \(3,\)"),
    "not a number": (lambda: gaussian_pair([1.0, np.nan]), "is not finite"),
    "correlation": (lambda: gaussian_pair([1.0], correlations=1.5), r"not all in \[0, 1\]"),
    "no rotation": (lambda: gaussian_pair([1.0, 1.0], Q=np.ones((2, 2))), "Q of shape .* is not orthogonal"),
    "shape of Q": (lambda: gaussian_pair([1.0, 1.0], Q=np.eye(3)), "not orthogonal of order 2"),
    "pair seed": (lambda: gaussian_pair([1.0], structure=-3), "seed is -3"),
}


@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=BAD)
def test_bad_parameters_are_one_clear_line(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)

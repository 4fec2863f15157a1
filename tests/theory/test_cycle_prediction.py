"""D1-D3: the translations that cycle consistency leaves, on data, over random Γ, and along training by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.stats import ortho_group

from theory.cycle import CycleOptima, flip_averaged_r_squared, flipped
from theory.linalg import tolerance
from theory.moments import Moments

from . import oracle
from .members import WELL_POSED, build, covariance, mean_square, members


def direct_r_squared(m, A):
    return 1 - mean_square(m.Y - m.X @ A) / mean_square(m.Y)


def standard_error(sample):
    return float(np.std(sample, ddof=1)) / len(sample) ** 0.5


# D1


@settings(deadline=None, max_examples=60)
@given(members(WELL_POSED))
def test_every_gamma_is_optimal_for_the_cycle_and_has_its_r_squared(m):
    optima = CycleOptima.of(m.moments, m.k)
    gamma = m.rng.standard_normal((m.k, m.k)) + 3 * np.eye(m.k)
    A, B = optima.map(gamma), optima.Vy @ np.linalg.inv(gamma) @ optima.Vx.T
    maps = {"Wx": A, "Dy": np.eye(m.Y.shape[1]), "Wy": B, "Dx": np.eye(m.X.shape[1])}
    tails = (np.sum(np.linalg.svdvals(m.X)[m.k :] ** 2) + np.sum(np.linalg.svdvals(m.Y)[m.k :] ** 2)) / m.n
    amplified = m.scale * np.linalg.cond(gamma) ** 4
    assert abs(oracle.cyc(m, maps) - tails) <= tolerance(amplified, m.size)
    found = direct_r_squared(m, A)
    allowed = tolerance(10 * (1 + mean_square(m.X @ A) / mean_square(m.Y)), m.size)
    assert abs(optima.r_squared(gamma) - found) <= allowed
    np.testing.assert_allclose(optima.gamma(A), gamma, atol=tolerance(np.linalg.norm(gamma), m.size))
    assert found <= optima.supremum + allowed


@settings(deadline=None, max_examples=60)
@given(members(WELL_POSED))
def test_the_supremum_is_least_squares_between_the_principal_components(m):
    optima = CycleOptima.of(m.moments, m.k)
    Vx, Vy = (np.linalg.svd(Z, full_matrices=False)[2].T[:, : m.k] for Z in (m.X, m.Y))
    A = Vx @ np.linalg.lstsq(m.X @ Vx, m.Y @ Vy, rcond=None)[0] @ Vy.T
    allowed = tolerance(np.linalg.cond(m.X) ** 2, m.size)
    assert abs(direct_r_squared(m, A) - optima.supremum) <= allowed
    assert abs(optima.r_squared(optima.best) - optima.supremum) <= allowed
    np.testing.assert_allclose(optima.map(optima.best), A, atol=np.linalg.cond(m.X) * allowed * (1 + np.linalg.norm(A)))
    for _ in range(5):
        nearby = optima.best + 0.1 * m.rng.standard_normal((m.k, m.k))
        assert optima.r_squared(nearby) <= optima.supremum + allowed


def test_sign_symmetric_gammas_translate_worse_than_the_mean():
    m = build("generic", 60, 4, 3, 3, 0.5, 1)
    optima = CycleOptima.of(m.moments, 3)
    rng = np.random.default_rng(2)
    root = np.array([[1.0, 0.0, 0.0], [0.5, 0.2, 0.0], [0.0, 0.3, 0.1]])
    # Γ = root·G: E ΓΓᵀ = 3 root rootᵀ, and −Γ has the same law.
    gammas = root @ rng.standard_normal((4000, 3, 3))
    sample = np.array([direct_r_squared(m, optima.map(G)) for G in gammas])
    expected = optima.expected_r_squared(3 * root @ root.T)
    assert abs(sample.mean() - expected) <= 5 * standard_error(sample)
    assert abs(sample.mean() - optima.expected_r_squared(3 * root.T @ root)) > 5 * standard_error(sample)
    assert expected < 0
    pair = (direct_r_squared(m, optima.map(G)) for G in (gammas[0], -gammas[0]))
    assert abs(sum(pair) / 2 - optima.expected_r_squared(gammas[0] @ gammas[0].T)) <= tolerance(10, m.size)
    # Without the symmetry the sign is free: the best Γ is far above zero.
    assert optima.supremum > 0.3


# D2


@pytest.mark.parametrize(("dx", "dy", "k"), [(3, 4, 2), (4, 3, 3), (3, 3, 3)])
def test_covariance_matched_gammas(dx, dy, k):
    m = build("full" if dx == dy == k else "generic", 50, dx, dy, k, 1.0, 3)
    optima = CycleOptima.of(m.moments, k)
    drawn = ortho_group.rvs(k, size=4000, random_state=np.random.default_rng(4))
    A = optima.map(optima.matched_gamma(drawn[0]))
    Vy = np.linalg.svd(m.Y, full_matrices=False)[2].T[:, :k]
    principal = m.Y @ Vy @ Vy.T
    np.testing.assert_allclose(covariance(m.X @ A, m.X @ A), covariance(principal, principal), atol=1e-10)
    sample = np.array([direct_r_squared(m, optima.map(optima.matched_gamma(Q))) for Q in drawn])
    mean, variance = optima.matched_r_squared()
    assert abs(mean + np.sum(np.linalg.svdvals(m.Y)[:k] ** 2) / np.sum(m.Y**2)) <= tolerance(1, m.size)
    assert abs(sample.mean() - mean) <= 5 * standard_error(sample)
    squares = (sample - sample.mean()) ** 2
    assert abs(squares.mean() - variance) <= 5 * standard_error(squares)
    for wrong in (2 * variance, variance * k, variance / k):
        assert abs(squares.mean() - wrong) > 5 * standard_error(squares)


def test_one_code_has_two_matched_translations():
    m = build("generic", 50, 3, 3, 1, 1.0, 5)
    optima = CycleOptima.of(m.moments, 1)
    pair = [optima.r_squared(optima.matched_gamma([[sign]])) for sign in (1.0, -1.0)]
    mean, variance = optima.matched_r_squared()
    assert abs(np.mean(pair) - mean) <= tolerance(10, m.size)
    assert abs(np.var(pair) - variance) <= tolerance(10, m.size)
    assert variance > 0.01


def test_rotations_alone_have_another_variance():
    m = build("generic", 50, 3, 3, 2, 1.0, 6)
    optima = CycleOptima.of(m.moments, 2)
    angles = 2 * np.pi * np.arange(12) / 12  # exact for trigonometric polynomials of degree 2
    turns = [np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) for a in angles]
    reflections = [Q @ np.diag([1.0, -1.0]) for Q in turns]
    values = [[optima.r_squared(optima.matched_gamma(Q)) for Q in kind] for kind in (turns, reflections)]
    mean, variance = optima.matched_r_squared()
    assert abs(np.mean(values) - mean) <= tolerance(10, m.size)
    assert abs(np.var(values) - variance) <= tolerance(10, m.size)
    assert abs(np.var(values[0]) - variance) > 0.1 * variance


# D3


def gradients(m, W, translate=0.0):
    """Gradient of ½[REC + CYC + translate · TR] in the four coders, by hand."""
    Sx, Sy, Sxy = covariance(m.X, m.X), covariance(m.Y, m.Y), covariance(m.X, m.Y)
    total = {name: np.zeros_like(value) for name, value in W.items()}

    def add(chain, S, target):
        """½ E‖target − source·product‖², S the second moment of the source."""
        product = np.linalg.multi_dot([np.eye(len(S)), *(W[name] for name in chain)])
        outer = S @ product - target
        for i, name in enumerate(chain):
            left = np.linalg.multi_dot([np.eye(len(S)), np.eye(len(S)), *(W[c] for c in chain[:i])])
            right = np.linalg.multi_dot([*(W[c] for c in chain[i + 1 :]), *[np.eye(outer.shape[1])] * 2])
            total[name] += left.T @ outer @ right.T

    add(["Wx", "Dx"], Sx, Sx)
    add(["Wy", "Dy"], Sy, Sy)
    add(["Wx", "Dy", "Wy", "Dx"], Sx, Sx)
    add(["Wy", "Dx", "Wx", "Dy"], Sy, Sy)
    if translate:
        add(["Wx", "Dy"], translate * Sx, translate * Sxy)
        add(["Wy", "Dx"], translate * Sy, translate * Sxy.T)
    return total


def start(m, rng, size=0.5):
    dx, dy = m.X.shape[1], m.Y.shape[1]
    shapes = {"Wx": (dx, m.k), "Dx": (m.k, dx), "Wy": (dy, m.k), "Dy": (m.k, dy)}
    return {name: size * rng.standard_normal(shape) for name, shape in shapes.items()}


def trained(m, W, steps, adam, translate=0.0):
    """Coders after every step of gradient descent, or of Adam with weight decay: both commute with signs."""
    first, second = ({name: np.zeros_like(v) for name, v in W.items()} for _ in range(2))
    rate = 0.02 if adam else 0.05 / m.scale
    for step in range(1, steps + 1):
        G, new = gradients(m, W, translate), {}
        for name, g in G.items():
            first[name] = 0.9 * first[name] + 0.1 * g
            second[name] = 0.99 * second[name] + 0.01 * g**2
            moved = first[name] / (1 - 0.9**step) / (np.sqrt(second[name] / (1 - 0.99**step)) + 1e-8) if adam else g
            new[name] = (1 - 0.001 * adam) * W[name] - rate * moved
        W = new
        yield W


def test_the_gradients_are_those_of_the_losses():
    m = build("generic", 20, 3, 2, 2, 0.5, 7)
    W, rng = start(m, np.random.default_rng(8)), np.random.default_rng(9)
    direction = {name: rng.standard_normal(v.shape) for name, v in W.items()}

    def loss(h):
        V = {name: v + h * direction[name] for name, v in W.items()}
        return (oracle.rec(m, V) + oracle.cyc(m, V) + 0.7 * oracle.tr(m, V)) / 2

    slope = sum(float(np.sum(g * direction[name])) for name, g in gradients(m, W, 0.7).items())
    assert slope == pytest.approx((loss(1e-5) - loss(-1e-5)) / 2e-5, rel=1e-6)


@settings(deadline=None, max_examples=40)
@given(members(WELL_POSED))
def test_the_flip_leaves_the_losses_and_negates_the_translations(m):
    W = start(m, m.rng)
    V = flipped(W)
    assert oracle.rec(m, W) == oracle.rec(m, V)
    assert oracle.cyc(m, W) == oracle.cyc(m, V)
    np.testing.assert_array_equal(V["Wx"] @ V["Dy"], -W["Wx"] @ W["Dy"])
    np.testing.assert_array_equal(V["Wy"] @ V["Dx"], -W["Wy"] @ W["Dx"])
    assert flipped(V).keys() == W.keys()
    A = W["Wx"] @ W["Dy"]
    mean = (direct_r_squared(m, A) + direct_r_squared(m, -A)) / 2
    found = flip_averaged_r_squared(m.moments, A)
    assert abs(found - mean) <= tolerance(10 * (1 - found), m.size)
    assert found <= 0


@pytest.mark.parametrize("adam", [False, True])
def test_flipped_starts_stay_flipped(adam):
    m = build("generic", 30, 3, 3, 2, 0.5, 10)
    W = start(m, np.random.default_rng(11))
    for V, U in zip(trained(m, W, 60, adam), trained(m, flipped(W), 60, adam), strict=True):
        for name, value in flipped(V).items():
            np.testing.assert_array_equal(value, U[name])
    # A loss that sees pairs breaks the symmetry.
    *_, V = trained(m, W, 60, adam, translate=1.0)
    *_, U = trained(m, flipped(W), 60, adam, translate=1.0)
    assert np.abs(flipped(V)["Wy"] - U["Wy"]).max() > 1e-3


def test_random_starts_do_not_translate_at_any_step():
    m = build("generic", 30, 3, 3, 2, 0.5, 12)
    rng, moments = np.random.default_rng(13), m.moments
    runs = [list(trained(m, start(m, rng), 80, adam=True))[::20] for _ in range(60)]
    for step in zip(*runs, strict=True):
        maps = [W["Wx"] @ W["Dy"] for W in step]
        found = np.array([direct_r_squared(m, A) for A in maps])
        predicted = np.array([flip_averaged_r_squared(moments, A) for A in maps])
        # The start is symmetric, so that the two have one mean; their difference is odd under the flip.
        assert abs((found - predicted).mean()) <= 5 * standard_error(found - predicted)
        assert predicted.mean() < -5 * standard_error(predicted)
    # Where the loss sees pairs the same training translates: the prediction is about REC and CYC.
    *_, W = trained(m, start(m, rng), 200, adam=True, translate=1.0)
    assert direct_r_squared(m, W["Wx"] @ W["Dy"]) > 0.3


def test_coders_that_start_alike_are_no_symmetric_start():
    m = build("full", 30, 3, 3, 3, 0.5, 14)
    W = start(m, np.random.default_rng(15))
    alike = {"Wx": W["Wx"], "Dx": W["Wx"].T, "Wy": W["Wx"], "Dy": W["Wx"].T}
    A = alike["Wx"] @ alike["Dy"]
    # A is positive semi-definite: on y = x its R² is above the mean over the flip.
    moments = Moments.from_arrays(m.X, m.X)
    same = 1 - mean_square(m.X - m.X @ A) / mean_square(m.X)
    assert same > flip_averaged_r_squared(moments, A) + 0.1


def test_guards():
    m = build("generic", 30, 4, 3, 2, 0.5, 16)
    with pytest.raises(ValueError, match="smaller rank of Σx and Σy = 3"):
        CycleOptima.of(m.moments, 4)
    low = Moments.from_arrays(m.X[:, [0, 0, 1, 1]], m.Y)
    assert CycleOptima.of(low, 2).cross.shape == (2, 2)
    with pytest.raises(ValueError, match="= 2; choose one"):
        CycleOptima.of(low, 3)
    assert np.isnan(flip_averaged_r_squared(Moments.from_arrays(m.X, 0 * m.Y), np.ones((4, 3))))

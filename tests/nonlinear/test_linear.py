import numpy as np
import pytest
import scipy.linalg
import torch

from nonlinear.linear import loss, train
from nonlinear.parametrisation import CONSTRAINTS, orthonormal, parametrise
from theory.linalg import tolerance
from theory.moments import Moments

TERMS = ("REC", "TR", "CYC", "CC", ("TR", "x", "y"), ("CYC", "y", "x"))


def data(seed=0, n=40, dx=5, dy=4):
    """Correlated pairs of unequal spectra, from a shared part and two private ones."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n, 3))
    X = shared @ rng.normal(size=(3, dx)) + rng.normal(size=(n, dx)) * np.linspace(2, 0.3, dx)
    Y = shared @ rng.normal(size=(3, dy)) + rng.normal(size=(n, dy)) * np.linspace(1.5, 0.4, dy)
    return X - X.mean(0), Y - Y.mean(0)


def random_coders(rng, dx, dy, k):
    shapes = {"Wx": (dx, k), "Dx": (k, dx), "Wy": (dy, k), "Dy": (k, dy)}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def by_hand(X, Y, c, term):
    """Formulas (3)-(6), row by row, in words of the paper rather than of the package."""
    total = 0.0
    for x, y in zip(X, Y, strict=True):
        zx, zy = x @ c["Wx"], y @ c["Wy"]
        there, back = zx @ c["Dy"], zy @ c["Dx"]
        parts = {
            "REC": ((zx @ c["Dx"] - x), (zy @ c["Dy"] - y)),
            "TR": (there - y, back - x),
            "CYC": (there @ c["Wy"] @ c["Dx"] - x, back @ c["Wx"] @ c["Dy"] - y),
            "CC": (zx - zy,),
            ("TR", "x", "y"): (there - y,),
            ("CYC", "y", "x"): (back @ c["Wx"] @ c["Dy"] - y,),
        }
        total += sum(float(d @ d) for d in parts[term])
    return total / len(X)


@pytest.mark.parametrize("term", TERMS, ids=str)
@pytest.mark.parametrize(("dx", "dy", "k"), [(5, 4, 2), (2, 3, 4), (1, 1, 1)])
def test_the_loss_is_the_formula_of_the_paper(term, dx, dy, k):
    X, Y = data(n=7, dx=dx, dy=dy)
    coders = random_coders(np.random.default_rng(1), dx, dy, k)
    tensors = {name: torch.from_numpy(w) for name, w in coders.items()}
    expected = by_hand(X, Y, coders, term)
    for value in (
        loss(X, Y, coders, {term: 1.0}),
        loss(torch.from_numpy(X), torch.from_numpy(Y), tensors, {term: 1.0}),
    ):
        assert abs(float(value) - expected) <= tolerance(expected, 50)


def test_weights_add_up():
    X, Y = data(n=9)
    coders = random_coders(np.random.default_rng(2), 5, 4, 2)
    expected = 2.0 * by_hand(X, Y, coders, "CC") + 0.5 * by_hand(X, Y, coders, "CYC")
    assert abs(loss(X, Y, coders, {"CC": 2.0, "CYC": 0.5}) - expected) <= tolerance(expected, 50)


def gram(fit, X, Y, start, when):
    coders = getattr(fit, when)
    zx, zy = X @ coders["Wx"][start], Y @ coders["Wy"][start]
    return zx.T @ zx / len(X), zy.T @ zy / len(Y)


DEGENERATE = {
    "full rank": lambda X, Y: (X, Y),
    "a column twice": lambda X, Y: (np.hstack([X, X[:, :1]]), Y),
    "a constant column": lambda X, Y: (X, np.hstack([Y, np.zeros((len(Y), 1))])),
    "fewer rows than columns": lambda X, Y: (X[:4] - X[:4].mean(0), Y[:4] - Y[:4].mean(0)),
}


@pytest.mark.parametrize("kind", DEGENERATE)
@pytest.mark.parametrize("when", ["initial", "coders"])
def test_constraints_hold_at_every_start_and_end(kind, when):
    X, Y = DEGENERATE[kind](*data())
    m = Moments.from_arrays(X, Y)
    values = [v[v > 1e-10 * v.max()] for v in (np.linalg.eigvalsh(m.Sx), np.linalg.eigvalsh(m.Sy))]
    atol = tolerance(max(v.max() / v.min() for v in values), 6)
    white = train(X, Y, 2, {"CC": 1.0, "REC": 0.3}, "whitened", starts=4, steps=30)
    joint = train(X, Y, 2, {"CC": 1.0}, "joint", starts=4, steps=30)
    for start in range(4):
        for G in gram(white, X, Y, start, when):
            np.testing.assert_allclose(G, np.eye(2), atol=atol)
        np.testing.assert_allclose(sum(gram(joint, X, Y, start, when)), 2 * np.eye(2), atol=atol)


def test_an_unconstrained_start_is_not_whitened():
    X, Y = data()
    fit = train(X, Y, 2, {"REC": 1.0}, starts=4, steps=1)
    assert all(np.abs(gram(fit, X, Y, s, "initial")[0] - np.eye(2)).max() > 1e-3 for s in range(4))


def test_the_same_seed_gives_the_same_bytes():
    X, Y = data()
    first, second = (train(X, Y, 2, {"CC": 1.0, "REC": 0.5}, "whitened", starts=5, seed=7) for _ in range(2))
    assert first.curve.tobytes() == second.curve.tobytes()
    assert all(first.coders[name].tobytes() == second.coders[name].tobytes() for name in first.coders)
    other = train(X, Y, 2, {"CC": 1.0, "REC": 0.5}, "whitened", starts=5, seed=8)
    assert not np.allclose(other.initial["Wx"], first.initial["Wx"])


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_a_start_does_not_depend_on_the_others(constraint):
    X, Y = data()
    weights = {"CC": 1.0, "REC": 0.5}
    few, many = (train(X, Y, 2, weights, constraint, starts=s, steps=5) for s in (2, 6))
    for name in few.coders:
        np.testing.assert_array_equal(few.initial[name], many.initial[name][:2])
        np.testing.assert_allclose(few.coders[name], many.coders[name][:2], rtol=1e-8, atol=1e-10)


def tail(A, k):
    return float((scipy.linalg.svdvals(A)[k:] ** 2).sum() / len(A))


def oracle_REC(X, Y, k):
    return tail(X, k) + tail(Y, k)


def oracle_CC(X, Y, k):
    """2k − 2Σ of the cosines of the principal angles between the column spaces."""
    return 2 * k - 2 * float(np.sort(np.cos(scipy.linalg.subspace_angles(X, Y)))[::-1][:k].sum())


def oracle_TR(X, Y, k):
    """Residual of the full regression plus the singular tail of its fitted values."""
    fitted = X @ np.linalg.lstsq(X, Y, rcond=None)[0]
    return float(((Y - fitted) ** 2).sum() / len(X)) + tail(fitted, k)


def oracle_CYC(X, Y, k):
    r = min(k, X.shape[1], Y.shape[1])
    return tail(X, r) + tail(Y, r)


OPTIMA = {
    "reconstruction": ({"REC": 1.0}, "none", oracle_REC),
    "consistency, whitened": ({"CC": 1.0}, "whitened", oracle_CC),
    "consistency, jointly whitened": ({"CC": 1.0}, "joint", oracle_CC),
    "translation": ({("TR", "x", "y"): 1.0}, "none", oracle_TR),
    "full cycles": ({"CYC": 1.0}, "none", oracle_CYC),
}


@pytest.mark.parametrize("name", OPTIMA)
@pytest.mark.parametrize(("dx", "dy", "k"), [(5, 4, 2), (3, 3, 3), (4, 2, 1)])
def test_training_reaches_the_optimum_and_no_start_passes_it(name, dx, dy, k):
    weights, constraint, oracle = OPTIMA[name]
    X, Y = data(3, dx=dx, dy=dy)
    predicted = oracle(X, Y, k)
    band = 1e-6 * (float((X**2).sum() + (Y**2).sum()) / len(X) + 2 * k)
    fit = train(X, Y, k, weights, constraint, steps=400)
    assert fit.losses.min() >= predicted - band
    assert fit.losses.min() <= predicted + band
    assert fit.losses[fit.best] == fit.losses.min()
    assert fit.drift[fit.best] <= band
    assert abs(fit.measure(X, Y, weights)[fit.best] - fit.losses.min()) <= tolerance(predicted + 2 * k, 50)


def test_cycles_through_more_codes_than_dimensions():
    X, Y = data(4, dx=5, dy=2)
    fit = train(X, Y, 4, {"CYC": 1.0}, steps=400)
    band = 1e-6 * float((X**2).sum() + (Y**2).sum()) / len(X)
    assert abs(fit.losses.min() - oracle_CYC(X, Y, 4)) <= band
    assert fit.losses.min() > tail(X, 4) + tail(Y, 4) + band  # the value with k in place of min(k, dx, dy)


def test_scaled_and_plain_coders_reach_the_same_minimum_where_there_is_one():
    X, Y = data(5)
    plain, scaled = (train(X, Y, 2, {"REC": 1.0}, c, steps=400) for c in ("none", "scaled"))
    assert abs(plain.losses.min() - scaled.losses.min()) <= 1e-6 * float((X**2).sum() + (Y**2).sum()) / len(X)


def test_centring_is_done_inside():
    X, Y = data()
    plain, shifted = (train(X + c, Y - c, 2, {"CC": 1.0}, "whitened", starts=3).losses for c in (0.0, 7.0))
    np.testing.assert_allclose(plain, shifted, atol=1e-9)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_whitened_training_has_a_mirror_image_that_traps(k):
    """Large λ: a start that finds the principal subspaces with the wrong relative orientation ends 4σ_k too high.

    Within the principal subspaces the loss is a constant − 2Tr(QᵀB), B = VxᵀMVy, Q ∈ O(k): least −2Σσ_i over one of
    the two components of O(k), and −2Σσ_i + 4σ_k over the other. Leaving the subspaces gains at most 4k/(λ·gap).
    """
    weight = 1e2
    X, Y = data(6)
    m = Moments.from_arrays(X, Y)
    (lx, Vx), (ly, Vy) = np.linalg.eigh(m.Sx), np.linalg.eigh(m.Sy)
    Rx, Ry = (scipy.linalg.inv(scipy.linalg.sqrtm(S)).real for S in (m.Sx, m.Sy))
    sigma = scipy.linalg.svdvals(Vx[:, -k:].T @ Rx @ m.Sxy @ Ry @ Vy[:, -k:])
    gain = 4 * k / (weight * min(lx[-k] - lx[-k - 1], ly[-k] - ly[-k - 1]))
    above = train(X, Y, k, {"CC": 1.0, "REC": weight}, "whitened", starts=16).losses
    above -= above.min()
    trapped = above > gain
    assert 4 * sigma[k - 1] > 2 * gain
    assert 0 < trapped.sum() < 16
    np.testing.assert_allclose(above[trapped], 4 * sigma[k - 1], atol=gain)


def test_haar_starts():
    A = torch.from_numpy(np.random.default_rng(0).normal(size=(4000, 3, 2)))
    Q = torch.func.vmap(orthonormal)(A).numpy()
    np.testing.assert_allclose(Q.swapaxes(1, 2) @ Q, np.tile(np.eye(2), (4000, 1, 1)), atol=tolerance(1.0, 3))
    # Entries of a Haar column in R³ are uniform on [−1, 1]: mean 0, variance 1/3; five standard errors.
    assert np.abs(Q.mean(0)).max() < 5 * np.sqrt(1 / 3 / 4000)
    assert np.abs((Q**2).mean(0) - 1 / 3).max() < 5 * np.sqrt(4 / 45 / 4000)


def test_normalised_parameters_give_the_same_coders():
    X, Y = data()
    for constraint in CONSTRAINTS:
        model = parametrise(Moments.from_arrays(X, Y), 2, constraint)
        p = torch.from_numpy(3.0 * model.start(np.random.default_rng(0)))
        before, after = model.coders(p), model.coders(model.normalised(p))
        assert set(before) == {"Wx", "Dx", "Wy", "Dy"}
        for name in before:
            np.testing.assert_allclose(after[name].numpy(), before[name].numpy(), atol=tolerance(10.0, 5))


@pytest.mark.parametrize(
    ("constraint", "rank", "message"),
    [
        ("whiten", 2, "use one of none, scaled, whitened, joint"),
        ("whitened", 5, "ranks 5, 4"),
        ("joint", 10, "ranks 5, 4"),
    ],
)
def test_bad_requests_are_refused_in_one_line(constraint, rank, message):
    X, Y = data()
    with pytest.raises(ValueError, match=message) as refused:
        train(X, Y, rank, {"CC": 1.0}, constraint)
    assert "\n" not in str(refused.value)


def test_an_unknown_property_is_refused():
    X, Y = data()
    with pytest.raises(KeyError, match="unknown property"):
        train(X, Y, 2, {"RECON": 1.0})

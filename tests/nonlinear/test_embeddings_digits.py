"""The digits against scikit-learn's own, and the networks against their formulas and against linear probes."""

from functools import partial
from math import sqrt

import numpy as np
import pytest
import torch
from scipy.signal import correlate2d
from scipy.special import erf
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nonlinear.embeddings import digits as module
from nonlinear.embeddings.digit_networks import WIDTHS, embed, weights
from nonlinear.embeddings.digits import BRIGHTNESS, MOVE, NETWORKS, NOISE, PARTS, digits, halves, images
from nonlinear.embeddings.kept import kept
from nonlinear.random_rows import BLOCK

# Standard errors of a share: a few dozen comparisons of fixed seeds.
LIMIT = 5
# Accuracy on test rows that both networks have to reach.
CLASS, BAR = 0.9, 0.85
STEPS = 3


def lesson(seed=0, network=0):
    return partial(module._lesson, seed, network)


def frames(seen):
    """Pixels [n, 10, 10] from the two halves."""
    left, right = (x.reshape(-1, 10, 5) for x in seen.streams.values())
    return np.concatenate([left, right], axis=2)


def same(a, b):
    arrays = [[*seen.streams.values(), seen.labels, seen.attribute] for seen in (a, b)]
    return all(x.tobytes() == y.tobytes() and x.dtype == y.dtype for x, y in zip(*arrays, strict=True))


# The images -----------------------------------------------------------------------------------------------------------


def test_the_parts_are_all_images_and_have_none_in_common():
    pixels, labels = load_digits(return_X_y=True)
    given = {(x.tobytes(), c) for x, c in zip(pixels, labels, strict=True)}
    parts = [{(16 * x).tobytes() + bytes([c]) for x, c in zip(*images(part), strict=True)} for part in PARTS]
    assert len(given) == len(pixels) == sum(map(len, parts))
    assert set().union(*parts) == {x + bytes([c]) for x, c in given}


@pytest.mark.parametrize(("part", "share"), [("train", 2 / 3), ("validation", 1 / 6), ("test", 1 / 6)])
def test_every_class_is_split_alike(part, share):
    whole, found = (np.bincount(c, minlength=10) for c in (load_digits()["target"], images(part)[1]))
    assert np.abs(found - share * whole).max() < 2  # images


@pytest.mark.parametrize("part", PARTS)
def test_rows_show_the_images_of_their_part_and_of_their_class(part, monkeypatch):
    monkeypatch.setattr(module, "NOISE", 0)
    monkeypatch.setattr(module, "MOVE", 0)
    seen = halves(3, part, 600)
    shown = frames(seen)[:, 1:-1, 1:-1].reshape(-1, 64)
    pixels, labels = load_digits(return_X_y=True)
    cosine = (shown / np.linalg.norm(shown, axis=1, keepdims=True)) @ (pixels.T / np.linalg.norm(pixels, axis=1))
    assert cosine.max(axis=1).min() > 1 - 1e-6
    nearest = cosine.argmax(axis=1)
    np.testing.assert_array_equal(labels[nearest], seen.labels)
    assert {(pixels[i] / 16).tobytes() for i in nearest} <= {x.tobytes() for x in images(part)[0]}
    assert len(set(nearest)) > 200
    bright = np.linalg.norm(shown, axis=1) / np.linalg.norm(pixels[nearest] / 16, axis=1)
    least, largest = BRIGHTNESS
    assert least - 1e-6 <= bright.min() < least + 0.01 < largest - 0.01 < bright.max() <= largest + 1e-6


def test_images_move_by_up_to_half_a_pixel_each_way(monkeypatch):
    monkeypatch.setattr(module, "NOISE", 0)
    moved = halves(0, "train", 2000)
    monkeypatch.setattr(module, "MOVE", 0)
    centred = halves(0, "train", 2000)
    plain = ~moved.attribute
    places = []
    for seen in (moved, centred):
        x = frames(seen)[plain].astype(float)
        assert np.ptp(x[:, 0, 0]) == 0
        mass = x.sum(axis=(1, 2))
        places.append([x.sum(axis=axis) @ np.arange(10) / mass for axis in (1, 2)])
    shifts = np.subtract(*places)
    assert MOVE - 0.01 < shifts.max() < MOVE + 1e-5
    assert MOVE - 0.01 < -shifts.min() < MOVE + 1e-5
    # Uniform, and the two directions apart from each other.
    assert np.abs(shifts.std(axis=1) - MOVE / sqrt(3)).max() < 0.02
    assert abs(np.corrcoef(shifts)[0, 1]) < LIMIT / sqrt(plain.sum())


def test_the_noise_is_white(monkeypatch):
    noisy = frames(halves(0, "test", BLOCK))
    monkeypatch.setattr(module, "NOISE", 0)
    noise = (noisy - frames(halves(0, "test", BLOCK))).reshape(-1, 100) / NOISE
    assert abs(noise.mean()) < LIMIT / sqrt(noise.size)
    assert np.abs(noise.T @ noise / len(noise) - np.eye(100)).max() < 0.3


# The bar --------------------------------------------------------------------------------------------------------------


def test_the_bar_is_where_the_attribute_is_and_lies_in_both_halves(monkeypatch):
    monkeypatch.setattr(module, "NOISE", 0)
    seen = halves(0, "validation", 2000)
    for half in seen.streams.values():
        top = half[:, :5]
        np.testing.assert_array_equal((top[:, 0] > 0.7) & (np.ptp(top, axis=1) == 0), seen.attribute)


def test_half_the_rows_of_every_class_have_the_bar():
    n = 64 * BLOCK  # a share of .45 in one class shows
    seen = halves(1, "train", n)
    for chosen in (np.ones(n, dtype=bool), *(seen.labels == c for c in range(10))):
        assert abs(seen.attribute[chosen].mean() - 0.5) < LIMIT * 0.5 / sqrt(chosen.sum())


# The draw -------------------------------------------------------------------------------------------------------------


def test_rows_depend_on_seed_and_part_alone():
    rows = halves(0, "test", BLOCK + 9)
    assert same(rows, halves(0, "test", BLOCK + 9))
    few, many = halves(0, "test", 7), halves(0, "test", 3 * BLOCK)
    for some in (few, rows):
        n = len(some.labels)
        assert all(x.tobytes() == many.streams[name][:n].tobytes() for name, x in some.streams.items())
        assert some.labels.tobytes() == many.labels[:n].tobytes()
    for other in (halves(1, "test", BLOCK + 9), halves(0, "validation", BLOCK + 9)):
        assert not same(rows, other)
        assert (rows.attribute == other.attribute).mean() < 0.6
    assert [a.dtype for a in (*rows.streams.values(), rows.labels, rows.attribute)] == ["f4", "f4", "i8", "?"]


@pytest.mark.parametrize("view", [digits, halves])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, "dev", 5), "part is 'dev'; use one of train, validation, test"),
        ((0, "test", 0), "n is 0; pass a whole number ≥ 1"),
        ((0, "test", 1.5), "n is 1.5; pass a whole number ≥ 1"),
        ((-1, "test", 5), "the seed is -1; pass a whole number ≥ 0"),
    ],
)
def test_bad_arguments(view, arguments, message, monkeypatch):
    monkeypatch.setattr(module, "kept", None)  # told before anything is trained
    with pytest.raises(ValueError, match=r"; (use|pass)") as error:
        view(*arguments)
    assert str(error.value) == message


# The networks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
def test_same_seed_same_bytes_and_other_seed_other_bytes(name):
    first, again, other = (weights(name, lesson(), seed, STEPS) for seed in (0, 0, 1))
    assert all(first[part].tobytes() == again[part].tobytes() for part in first)
    assert all(first[part].tobytes() != other[part].tobytes() for part in first)
    elsewhere = weights(name, lesson(network=1), 0, STEPS)
    assert all(first[part].tobytes() != elsewhere[part].tobytes() for part in first)


def test_the_lessons_of_networks_and_seeds_differ_and_are_none_of_the_rows():
    batches = [lesson(*key)(0) for key in ((0, 0), (0, 1), (1, 0))] + [lesson()(1)]
    rows = {x.tobytes() for x in frames(halves(0, "train", BLOCK))}
    seen = [x.tobytes() for batch in batches for x in batch.shown]
    assert len({*seen, *rows}) == 5 * BLOCK


@pytest.mark.parametrize("name", NETWORKS)
def test_training_leaves_the_state_of_torch_alone(name):
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        embed(name, weights(name, lesson(), 0, 1), lesson()(0).shown)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(torch.get_rng_state(), state)


def test_what_is_kept_is_what_is_computed(tmp_path, monkeypatch):
    monkeypatch.setenv("CONCEPT_ALIGNMENT_CACHE", str(tmp_path))
    monkeypatch.setattr(module, "weights", partial(weights, steps=STEPS))
    computed, read = digits(4, "test", 9), digits(np.int64(4), "test", 9)
    assert len(list(tmp_path.rglob("*.safetensors"))) == 2
    assert same(computed, read)
    for number, name in enumerate(NETWORKS):
        direct = weights(name, lesson(4, number), 4, STEPS)
        found = kept(f"digits-{name}", {"seed": 4}, dict)
        assert {part: w.tobytes() for part, w in found.items()} == {part: w.tobytes() for part, w in direct.items()}
        # Whole blocks are embedded, see nonlinear.random_rows.
        shown = frames(halves(4, "test", BLOCK))
        assert embed(name, direct, np.ascontiguousarray(shown))[:9].tobytes() == read.streams[name].tobytes()


@pytest.mark.parametrize("name", NETWORKS)
def test_embeddings_are_those_of_the_layers_in_numpy(name):
    known = weights(name, lesson(), 0, STEPS)
    shown = lesson()(0).shown[:3]
    a = [w.astype(float) for part, w in known.items() if part.startswith("encoder")]
    h = shown.astype(float)
    if name == "mlp":
        h = h.reshape(3, -1)
        for W, b in zip(a[:-2:2], a[1:-2:2], strict=True):
            u = h @ W.T + b
            h = u * (1 + erf(u / sqrt(2))) / 2
    else:
        h = h[:, None]
        for K, b, step in ((a[0], a[1], 1), (a[2], a[3], 2)):
            u = [[sum(map(partial(correlate2d, mode="same"), x, k))[::step, ::step] for k in K] for x in h]
            h = np.maximum(np.array(u) + b[:, None, None], 0)
        h = h.reshape(3, -1)
    np.testing.assert_allclose(embed(name, known, shown), h @ a[-2].T + a[-1], rtol=0, atol=1e-5)


@pytest.fixture(scope="module")
def seen():
    return digits(0, "train", 2048), digits(0, "test", 2048)


@pytest.mark.parametrize("name", NETWORKS)
def test_linear_probes_find_class_and_bar(seen, name):
    (train, test), accuracy = seen, []
    assert test.streams[name].shape == (2048, WIDTHS[name])
    for known, asked in ((train.labels, test.labels), (train.attribute, test.attribute)):
        probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
        accuracy.append(probe.fit(train.streams[name], known).score(test.streams[name], asked))
    assert accuracy[0] >= CLASS
    assert accuracy[1] >= BAR


def test_both_views_show_the_same_points_and_neither_network_is_the_other(seen):
    pixels = halves(0, "test", 2048)
    assert (pixels.labels == seen[1].labels).all()
    assert (pixels.attribute == seen[1].attribute).all()
    for i, j in (NETWORKS, NETWORKS[::-1]):
        fitted = Ridge(1e-3).fit(seen[0].streams[i], seen[0].streams[j]).predict(seen[1].streams[i])
        assert 0.5 < r2_score(seen[1].streams[j], fitted, multioutput="variance_weighted") < 0.99

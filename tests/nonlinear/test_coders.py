"""Codes of every sharing against a reference in NumPy, one sample at a time."""

import numpy as np
import pytest
import torch

from nonlinear.coders import Coders
from nonlinear.systems import SYSTEMS
from nonlinear.train import train

from .small import batch_of, planted, ready, sources, widths_of

PATHS = pytest.mark.parametrize("path", ["sparse", "dense"])
IDS = {"x": np.arange(0, 60), "y": np.arange(20, 80), "z": np.arange(40, 90)}


def best(scores, count, positive=True):
    """Mask of the largest entries of an array, by sorting all of them; no ties here."""
    flat = scores.ravel()
    kept = np.zeros(flat.size, dtype=bool)
    kept[np.argsort(-flat)[:count]] = True
    return (kept & (flat > 0 if positive else True)).reshape(scores.shape)


def problem(system, path, streams="xyz", **changes):
    """A batch with missing streams: coders of one seed, rows and parameters as arrays, and the layout."""
    arrays, _ = planted(80, widths_of(system, streams))
    ids = {s: IDS[s] for s in streams}
    trainer = ready(
        system, {s: a[: len(ids[s])] for s, a in arrays.items()}, ids, path=path, precision="float64", **changes
    )
    x = {s: rows[0] for s, rows in batch_of(trainer).items()}
    parameters = {name: p.detach()[0] for name, p in trainer.parameters.items()}
    coders = Coders(trainer.shape, parameters, 3, sparse=trainer.sparse)
    return coders, x, {n: p.numpy() for n, p in parameters.items()}, trainer.layout


def dense(z):
    return (z if isinstance(z, torch.Tensor) else z.dense()).numpy()


def pre(p, s, x, code=None):
    """Pre-activations of stream s, of rows as tensors."""
    return x.numpy() @ p[f"encoder.{s}"].T + p[f"bias.{code or s}"]


def points_of(layout, s):
    return np.arange(layout.n_points)[layout.points(s)]


@PATHS
@pytest.mark.parametrize("selection", ["relu", "topk", "batchtopk"])
def test_independent(path, selection):
    coders, x, p, layout = problem("cosae", path, selection=selection)
    for s, rows in x.items():
        z = np.maximum(pre(p, s, rows), 0)
        if selection == "topk":
            z = np.stack([row * best(row, 3) for row in z])
        elif selection == "batchtopk":
            z = z * best(z, 3 * len(z))
        np.testing.assert_allclose(dense(coders.code(s, x, layout)), z, atol=1e-12)
        np.testing.assert_allclose(dense(coders.encode(s, rows)), z, atol=1e-12)
        assert coders.fired[s].tolist() == (z > 0).any(0).tolist()
        assert np.isclose(float(coders.least[s]), z[z > 0].min())


@PATHS
def test_joint_support(path):
    coders, x, p, layout = problem("sparc", path)
    sums = np.zeros((layout.n_points, 24))
    for s, rows in x.items():  # those present at a point
        for point, h in zip(points_of(layout, s), pre(p, s, rows), strict=True):
            sums[point] += h
    joint = np.stack([best(g, 3, positive=False) for g in sums])
    for s, rows in x.items():
        z = np.maximum(pre(p, s, rows), 0) * joint[points_of(layout, s)]
        np.testing.assert_allclose(dense(coders.code(s, x, layout)), z, atol=1e-12)
        alone = np.maximum(pre(p, s, rows), 0)
        np.testing.assert_allclose(
            dense(coders.encode(s, rows)), np.stack([row * best(row, 3) for row in alone]), atol=1e-12
        )
    some = [dense(coders.code(s, x, layout)) for s in x]
    assert any((z > 0).sum(1).min() < 3 for z in some), "values of either sign under one support"


@PATHS
def test_a_joint_support_takes_negative_sums_and_each_stream_its_positive_values(path):
    coders, x, p, layout = problem("sparc", path, "xy", sparsity=20)
    coders = Coders(coders.shape, coders.parameters, 20, sparse=coders.sparse)
    mine, theirs = layout.matched("x", "y")
    h = {"x": pre(p, "x", x["x"])[mine], "y": pre(p, "y", x["y"])[theirs]}
    joint = np.stack([best(g, 20, positive=False) for g in h["x"] + h["y"]])
    carried = joint & (h["x"] + h["y"] < 0) & (h["x"] > 0)
    assert carried.any()
    assert (dense(coders.code("x", x, layout))[mine][carried] > 0).all()


@PATHS
def test_one_code_of_all_streams_selected_by_the_decoders_norms(path):
    coders, x, p, layout = problem("crosscoder", path)
    total = np.tile(p["bias.joint"], (layout.n_points, 1))
    for s, rows in x.items():
        for point, row in zip(points_of(layout, s), rows.numpy(), strict=True):
            total[point] += row @ p[f"encoder.{s}"].T
    atoms = np.split(p["decoder.x+y+z"], np.cumsum([5, 4]), axis=1)
    norms = sum(np.linalg.norm(a, axis=1) for a in atoms)
    z = np.maximum(total, 0)
    weighted, plain = z * best(z * norms, 3 * len(z)), z * best(z, 3 * len(z))
    assert ((weighted > 0) != (plain > 0)).any(), "the norms did not decide anything"
    for s in x:
        np.testing.assert_allclose(dense(coders.code(s, x, layout)), weighted[points_of(layout, s)], atol=1e-12)
        decoded = weighted[points_of(layout, s)] @ atoms["xyz".index(s)] + p[f"offset.{s}"]
        np.testing.assert_allclose(coders.decode(s, coders.code(s, x, layout)).numpy(), decoded, atol=1e-12)
    assert np.isclose(float(coders.least["joint"]), (z * norms)[weighted > 0].min())
    # Standalone: the same weights, one stream.
    z = np.maximum(pre(p, "y", x["y"], "joint"), 0)
    np.testing.assert_allclose(dense(coders.encode("y", x["y"])), z * best(z * norms, 3 * len(z)), atol=1e-12)


@PATHS
def test_one_coder_for_all_streams_selects_over_their_rows_together(path):
    coders, x, p, layout = problem("sae-a", path)
    assert set(p) == {"encoder.shared", "decoder.shared", "offset.shared", "bias.shared"}
    z = np.maximum(np.concatenate([pre(p, "shared", x[s]) for s in x]), 0)
    z = z * best(z, 3 * len(z))
    codes = {s: coders.code(s, x, layout) for s in x}
    np.testing.assert_allclose(np.concatenate([dense(code) for code in codes.values()]), z, atol=1e-12)
    decoded = dense(codes["x"]) @ p["decoder.shared"] + p["offset.shared"]
    np.testing.assert_allclose(coders.decode("y", codes["x"]), decoded, atol=1e-12)


@PATHS
def test_each_code_is_decoded_by_the_decoder_asked_for(path):
    coders, x, p, layout = problem("cosae", path)
    atoms = dict(zip("xyz", np.split(p["decoder.x+y+z"], np.cumsum([5, 4]), axis=1), strict=True))
    for i in "xyz":
        z = coders.code(i, x, layout)
        for j in "zxy":
            np.testing.assert_allclose(coders.decode(j, z), dense(z) @ atoms[j] + p[f"offset.{j}"], atol=1e-12)


@PATHS
def test_a_skip_leads_from_the_first_stream_and_starts_at_zero(path):
    arrays, _ = planted(80, widths_of("skip-transcoder"))
    start = ready("skip-transcoder", arrays, perturbed=False).parameters
    assert not start["skip.x.y"].any()
    coders, x, p, layout = problem("skip-transcoder", path, "xy")
    z = coders.code("x", x, layout)
    plain = dense(z) @ p["decoder.y"] + p["offset.y"]
    np.testing.assert_allclose(coders.decode("y", z), plain + x["x"].numpy() @ p["skip.x.y"], atol=1e-12)
    assert p["skip.x.y"].any()
    other = x["x"].flip(0)
    again = coders.encode("x", other)
    expected = dense(again) @ p["decoder.y"] + p["offset.y"] + other.numpy() @ p["skip.x.y"]
    np.testing.assert_allclose(coders.decode("y", again), expected, atol=1e-12)


@PATHS
@pytest.mark.parametrize("system", ["cosae", "crosscoder", "sae-a", "sparc"])
def test_codes_are_computed_once_and_belong_to_their_batch(system, path):
    coders, x, _, layout = problem(system, path)
    first = coders.code("x", x, layout)
    assert coders.code("x", x, layout) is first
    other = {s: rows.flip(0) for s, rows in x.items()}
    assert (dense(coders.code("x", other, layout)) != dense(first)).any()


@PATHS
def test_products_in_half_precision_are_near_those_in_single(path):
    coders, x, _, layout = problem("cosae", path)
    half = Coders(coders.shape, coders.parameters, 3, sparse=coders.sparse, half=True)
    z, near = dense(coders.code("x", x, layout)), dense(half.code("x", x, layout))
    assert 0 < np.abs(near - z)[(near > 0) & (z > 0)].max() < 0.05
    assert ((near > 0) == (z > 0)).mean() > 0.98


@PATHS
@pytest.mark.parametrize("system", ["sae", "crosscoder", "cosae", "sae-a", "usae", "sparc"])
def test_at_inference_the_code_of_a_row_does_not_depend_on_its_batch(system, path):
    arrays, _ = planted(80, widths_of(system))
    model = train(ready(system, arrays, precision="float64").config, sources(arrays))
    coders = model.coders(sparse=path == "sparse")
    x = model.normalisers[0]["x"](torch.tensor(arrays["x"]))
    whole = dense(coders.encode("x", x))
    assert 0 < (whole > 0).sum() < whole.size
    for rows in ([0], [3, 0], list(range(40)), [7] * 5):
        np.testing.assert_allclose(dense(coders.encode("x", x[rows])), whole[rows], atol=1e-12)
    if SYSTEMS[system].selection == "batchtopk":  # and the threshold is what decides
        code = model.shape.codes["x"]
        norms = 1.0 if coders.norms(code) is None else coders.norms(code).numpy()
        scores = np.maximum(x.numpy() @ coders.encoder("x")[0].numpy().T + coders.encoder("x")[1].numpy(), 0)
        np.testing.assert_array_equal(whole > 0, scores * norms >= float(model.thresholds[code]))


@PATHS
def test_an_untrained_model_says_so(path):
    arrays, _ = planted(80, widths_of("sae"))
    model = ready("sae", arrays).model(0)
    with pytest.raises(ValueError, match="the code of 'x' has no inference threshold yet; train the system first"):
        model.coders(sparse=path == "sparse").encode("x", torch.zeros(2, 5))
    trained = train(ready("transcoder", arrays).config, sources(arrays)).coders(sparse=path == "sparse")
    trained.encode("x", torch.zeros(2, 5))
    with pytest.raises(ValueError, match="the code of 'y' has no inference threshold yet"):
        trained.encode("y", torch.zeros(2, 4))


@PATHS
@pytest.mark.parametrize("system", ["cosae", "crosscoder"])
def test_penalty_is_the_mean_over_rows_of_code_values_times_norms(system, path):
    coders, x, p, layout = problem(system, path, selection="relu")
    if system == "crosscoder":
        total = np.tile(p["bias.joint"], (layout.n_points, 1))
        for s, rows in x.items():
            total[points_of(layout, s)] += rows.numpy() @ p[f"encoder.{s}"].T
        norms = sum(np.linalg.norm(a, axis=1) for a in np.split(p["decoder.x+y+z"], np.cumsum([5, 4]), axis=1))
        expected = (np.maximum(total, 0) * norms).sum(1).mean()
    else:
        expected = sum(np.maximum(pre(p, s, rows), 0).sum(1).mean() for s, rows in x.items())
    for s in x:
        coders.code(s, x, layout)
    assert np.isclose(float(coders.penalty()), expected, rtol=1e-12)


@PATHS
def test_the_penalty_holds_the_norms_of_free_decoders_down(path):
    coders, x, p, layout = problem("crosscoder", path, selection="relu")
    decoder = coders.parameters["decoder.x+y+z"].requires_grad_()
    z = coders.code("x", x, layout)
    coders.penalty().backward()
    # The mean of each atom's values over all points is the derivative in the sum of its norms.
    total = np.tile(p["bias.joint"], (layout.n_points, 1))
    for s, rows in x.items():
        total[points_of(layout, s)] += rows.numpy() @ p[f"encoder.{s}"].T
    mean = np.maximum(total, 0).mean(0)[:, None]
    assert len(z) < layout.n_points
    for atoms, found in zip(
        *(np.split(a, np.cumsum([5, 4]), axis=1) for a in (p["decoder.x+y+z"], decoder.grad)), strict=True
    ):
        np.testing.assert_allclose(found, mean * atoms / np.linalg.norm(atoms, axis=1, keepdims=True), atol=1e-12)

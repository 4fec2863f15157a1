"""SAEs of another library: SAELens's two on the halves of the digits, read by the adapter that users copy."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from sklearn.datasets import load_digits
from sklearn.metrics import r2_score

from ..adapters.saelens import load

RUN = Path(__file__).parents[1] / "data" / "saelens"
NAMES = ("left", "right")
K, ATOMS = 8, 128
# Fixed before the two were trained.
TOLERANCE, LEAST_R2, L0_WITHIN = 1e-5, 0.8, 1.0


@pytest.fixture(scope="module")
def rows():
    images = load_digits(return_X_y=True)[0].reshape(-1, 8, 8)
    return {"left": images[:, :, :4].reshape(-1, 32), "right": images[:, :, 4:].reshape(-1, 32)}


@pytest.fixture(scope="module")
def reference():
    with np.load(RUN / "reference.npz") as stored:
        return dict(stored)


def agrees(coder, name, rows, reference):
    """Codes and reconstructions are those that SAELens gave."""
    Z = coder.encode(rows[name][reference["rows"]])
    np.testing.assert_allclose(Z, reference[f"{name}.codes"], rtol=TOLERANCE, atol=TOLERANCE)
    np.testing.assert_array_equal(Z > 0, reference[f"{name}.codes"] > 0)
    np.testing.assert_allclose(coder.decode(Z), reference[f"{name}.reconstruction"], rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("name", NAMES)
def test_codes_and_reconstructions_are_those_of_the_library(name, rows, reference):
    assert len(reference["rows"]) == 64
    assert reference[f"{name}.codes"].any()
    agrees(load(str(RUN), [name])[name], name, rows, reference)


@pytest.mark.parametrize("name", NAMES)
def test_a_trained_sae_reconstructs_with_few_atoms(name, rows):
    coder = load(str(RUN), NAMES)[name]
    Z = coder.encode(rows[name])
    assert Z.shape == (1797, ATOMS)
    assert Z.min() >= 0
    assert r2_score(rows[name], coder.decode(Z), multioutput="variance_weighted") >= LEAST_R2
    assert abs((Z > 0).sum(1).mean() - K) <= L0_WITHIN


def test_the_two_are_of_the_two_kinds(rows):
    active = {name: (coder.encode(rows[name]) > 0).sum(1) for name, coder in load(str(RUN), NAMES).items()}
    assert active["left"].min() < K < active["left"].max()  # a threshold
    assert active["right"].max() == K  # the k largest


@pytest.mark.parametrize("name", NAMES)
def test_the_decoder_is_affine_in_the_dictionary(name):
    coder = load(str(RUN), [name])[name]
    Z = np.random.default_rng(0).standard_normal((5, ATOMS))
    assert coder.dictionary.shape == (ATOMS, 32)
    np.testing.assert_allclose(coder.decode(Z), Z @ coder.dictionary + coder.decode(0 * Z), atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_a_value_that_is_no_number_is_not_hidden(name, rows):
    X = rows[name][:2].copy()
    X[1, 3] = np.nan
    Z = load(str(RUN), [name])[name].encode(X)
    np.testing.assert_array_equal(np.isnan(Z).any(1), [False, True])


@pytest.fixture
def altered(tmp_path):
    """Function (name, change of configuration and weights) → a run with that SAE changed."""

    def alter(name, change):
        shutil.copytree(RUN / name, tmp_path / name)
        config, weights = tmp_path / name / "cfg.json", tmp_path / name / "sae_weights.safetensors"
        c, w = json.loads(config.read_text()), {k: v.astype(np.float64) for k, v in load_file(weights).items()}
        change(c, w)
        config.write_text(json.dumps(c))
        save_file(w, weights)
        return str(tmp_path)

    return alter


def test_norms_of_the_decoder_are_a_gauge_where_the_library_takes_them_out(altered, rows, reference):
    def stretch(config, w):
        assert config["rescale_acts_by_decoder_norm"]
        g = np.random.default_rng(0).uniform(0.1, 10, ATOMS)
        w["W_dec"] = w["W_dec"] * g[:, None]
        w["W_enc"], w["b_enc"] = w["W_enc"] / g, w["b_enc"] / g

    agrees(load(altered("right", stretch), ["right"])["right"], "right", rows, reference)


@pytest.mark.parametrize("name", NAMES)
def test_the_bias_may_be_taken_from_the_input_or_not(altered, name, rows, reference):
    def fold(config, w):
        assert config["apply_b_dec_to_input"]
        config["apply_b_dec_to_input"] = False
        w["b_enc"] = w["b_enc"] - w["b_dec"] @ w["W_enc"]

    agrees(load(altered(name, fold), [name])[name], name, rows, reference)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("architecture", "gated", "an SAE is 'gated'; this adapter reads 'topk' and 'jumprelu'"),
        (
            "normalize_activations",
            "layer_norm",
            "an SAE scales its input by 'layer_norm'; fold that into the weights first",
        ),
    ],
)
def test_what_the_adapter_does_not_read_is_refused(altered, key, value, message):
    run = altered("left", lambda config, _: config.update({key: value}))
    with pytest.raises(ValueError, match=message):
        load(run, ["left"])


def test_a_folder_without_an_sae_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"holds no cfg\.json and sae_weights\.safetensors; pass the folder above"):
        load(str(tmp_path), ["left"])

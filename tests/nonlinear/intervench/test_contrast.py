"""The contrastive loss: against its definition, and what faithfulness by it says on planted data."""

import numpy as np
import pytest
import torch

from nonlinear.intervench import contrast
from nonlinear.intervench.benchmark import intervench
from nonlinear.intervench.config import Config
from nonlinear.intervench.planted import planted

CONFIG = Config(
    faithfulness="contrastive", rows_per_class=50, subsets=1, budgets=(5,), counts=(2, 5), resamples=20, penalty=1e-2
)
rng = np.random.default_rng(0)


def test_row_losses_are_both_cross_entropies_within_the_batch():
    a, b = rng.standard_normal((2, 300, 5))
    found = contrast.row_losses(a, b, 7.0)
    for rows in (slice(0, 256), slice(256, 300)):
        x, y = (torch.nn.functional.normalize(torch.from_numpy(v[rows]), dim=1) for v in (a, b))
        logits, own = 7.0 * x @ y.T, torch.arange(len(x))
        losses = [torch.nn.functional.cross_entropy(z, own, reduction="none") for z in (logits, logits.T)]
        np.testing.assert_allclose(found[rows], (sum(losses) / 2).numpy(), rtol=1e-10)


def test_the_factor_is_the_best_of_a_grid():
    a = rng.standard_normal((200, 5))
    b = a + rng.standard_normal((200, 5))
    best = contrast.row_losses(a, b, contrast.best_factor(a, b)).mean()
    assert all(best <= contrast.row_losses(a, b, f).mean() + 1e-6 for f in np.exp(np.linspace(*contrast.FACTORS, 40)))


@pytest.fixture(scope="module")
def scored():
    found = {}
    for situation in ("oracle", "permuted"):
        data = planted(1500, 3, situation)
        found[situation] = intervench(
            data.sources, data.coders, data.labels, CONFIG, forget=data.forget, baselines=False
        )
    return found


def values(document, metric):
    return [document["metrics"][metric][i][j]["gated"] for i, j in ("AA", "AB", "BA", "BB")]


def test_true_codes_are_faithful_and_permuted_ones_are_not(scored):
    assert min(values(scored["oracle"], "faithfulness")) > 0.9
    assert min(values(scored["oracle"], "faithfulness/concept")) > 0.8
    own, there, back, other = values(scored["permuted"], "faithfulness")
    assert min(own, other) > 0.9
    assert max(there, back) < 0.3
    assert max(values(scored["permuted"], "faithfulness/concept")) < 0.3


def test_codes_count_for_consistency_alone(scored):
    used = {name: s["metrics"] for name, s in scored["oracle"]["aggregates"].items()}
    assert "faithfulness/concept" in used["S_cons"]
    assert "faithfulness/concept" not in used["S_ext"] + used["S_trans"]


def test_three_streams_are_refused():
    data = planted(600, 0)
    sources, coders = ({**d, "C": d["A"]} for d in (data.sources, data.coders))
    with pytest.raises(ValueError, match="a contrastive loss needs two streams, not 3; use faithfulness 'probe'"):
        intervench(sources, coders, data.labels["A"], CONFIG, baselines=False)

"""Another split, other subsets and resamples: every score stays within what its interval allows."""

import pytest

from .shared import SCORES, known

SITUATIONS = "oracle", "garbage decoders"


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("name", SCORES)
def test_two_seeds_differ_within_the_interval(situation, name):
    one, other = (known(situation, seed)["aggregates"][name] for seed in (0, 1))
    assert one["value"] != other["value"], "another seed changed nothing"
    assert one["ci"][0] <= other["ci"][1]
    assert other["ci"][0] <= one["ci"][1]
    for a, b in ((one, other), (other, one)):
        low, high = a["ci"]
        half = (high - low) / 2
        assert low - half <= b["value"] <= high + half


@pytest.mark.parametrize("situation", SITUATIONS)
def test_another_seed_splits_and_draws_anew(situation):
    one, other = (known(situation, seed)["selected_atoms"] for seed in (0, 1))
    assert one["subset/0"] != other["subset/0"]

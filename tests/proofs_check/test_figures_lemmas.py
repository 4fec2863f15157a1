"""The figures of the lemmas: training meets the drawn closed form, and misses what is drawn as the paper states it."""

from functools import cache

import numpy as np
import pytest
from matplotlib.colors import to_hex

from proofs_check.figures import framework, implications, l1, l2, l3, l4, l5, l6, l7
from proofs_check.figures.linear_case import pair
from proofs_check.figures.style import BLUE, GREEN, ORANGE
from theory.properties import CONCEPT, UNORDERED, What, registered


@cache
def drawn(lemma):
    return lemma.figure()


def curve(axes, colour, line):
    """The values of the one line of this colour and style."""
    (found,) = (
        np.asarray(p.get_ydata(), dtype=float)
        for p in axes.lines
        if to_hex(p.get_color()) == to_hex(colour) and p.get_linestyle() == line and len(p.get_xdata()) > 1
    )
    return found


def trained(axes):
    """Position → the least loss that training reached: the filled points."""
    filled = [p for p in axes.lines if to_hex(p.get_color()) == to_hex(GREEN) and p.get_fillstyle() == "full"]
    return np.array([p.get_ydata()[0] for p in filled if len(p.get_xdata()) == 1], dtype=float)


@pytest.mark.parametrize(
    ("lemma", "stated"), [(l1, False), (l3, False), (l4, True), (l5, True), (l6, True), (l7, True)]
)
def test_training_is_on_the_closed_form_and_not_on_what_is_stated(lemma, stated):
    axes = drawn(lemma).axes[0]
    closed, found = curve(axes, BLUE, "-"), trained(axes)
    assert len(found) == len(closed) >= 4
    np.testing.assert_allclose(found, closed, rtol=0, atol=1e-4 * closed.max())
    if stated:
        paper = curve(axes, ORANGE, "--")
        assert (np.abs(found - paper) > 0.05 * closed.max()).any()
        # As an encoder that is allowed, it costs no less; as a value (Lemma 7) it promises too little.
        assert (paper <= closed + 1e-9).all() if lemma is l7 else (paper >= closed - 1e-9).all()


def test_whitened_encoders_lie_in_the_principal_plane_but_not_on_its_axes():
    axes = drawn(l1).axes[1]
    plane, directions = (
        np.concatenate([np.ravel(p.get_ydata()) for p in axes.lines if p.get_marker() == m and len(p.get_xdata())])
        for m in "so"
    )
    assert plane.max() < 0.1 < 5 < directions.max()


def test_consistency_vanishes_and_rotations_alone_leave_it():
    left, right = drawn(l2).axes
    final = [p.get_ydata()[-1] for p in left.lines if to_hex(p.get_color()) == to_hex(GREEN) and len(p.get_ydata()) > 2]
    assert len(final) == 4
    assert max(final) < 1e-6
    shares = {p.get_label(): np.asarray(p.get_ydata(), dtype=float) for p in right.lines}
    np.testing.assert_allclose(shares["rotation"], 1, atol=1e-9)
    assert np.abs(shares["invertible"] - 1).max() > 1


def test_angles_go_from_the_cca_to_the_pca():
    to_cca, to_pca = (np.asarray(p.get_ydata(), dtype=float) for p in drawn(l4).axes[1].lines[:2])
    assert to_cca[0] < 10 < 45 < to_cca[-1]
    assert to_pca[-1] < 1 < 45 < to_pca[0]


def test_canonical_correlations_are_those_of_the_whitened_rows():
    X, Y, _ = pair(0)
    bases = (np.linalg.qr(rows)[0] for rows in (X, Y))
    heights = np.concatenate([np.ravel(p.get_ydata()) for p in drawn(l3).axes[1].lines if p.get_marker() == "o"])
    np.testing.assert_allclose(heights, np.linalg.svd(next(bases).T @ next(bases), compute_uv=False)[:4], atol=1e-9)


def test_cycles_of_least_loss_translate_by_chance():
    points = [(p.get_xdata()[0], p.get_ydata()) for p in drawn(l7).axes[1].lines if p.get_marker() == "o"]
    assert [k for k, _ in points] == [1, 2, 3, 4]
    assert all(np.max(r2) < 0.5 for _, r2 in points)
    assert all(np.ptp(r2) > 1 for _, r2 in points)


def test_the_framework_and_the_matrix_grow_with_what_is_registered():
    words = [t.get_text() for t in framework.figure().axes[0].texts]
    assert {"REC", "CYC", "TR", "CC", "dREC", "dCYC", "dTR", "dCC"} <= set(words)
    before = len(implications.figure().axes[0].patches)
    new = What("ONE", CONCEPT, UNORDERED, lambda v, i, j: (v.code(i), v.code(j)), crosses=True)
    with registered(new):
        assert "dONE" in [t.get_text() for t in framework.figure().axes[0].texts]
        assert len(implications.figure().axes[0].patches) > before

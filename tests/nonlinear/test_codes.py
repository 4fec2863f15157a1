"""Sparse codes against the dense tensors that they stand for."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nonlinear.codes import SparseCodes, Support
from nonlinear.published import masked_cosine
from theory import discrepancy, levels

GRID = discrepancy.t_grid(points=5)


def sparse(dense):
    """Codes of a dense tensor, with its zeros left out."""
    positions = dense.reshape(-1).nonzero().squeeze(1)
    return SparseCodes(dense.reshape(-1)[positions], Support.at_positions(positions, *dense.shape))


def random_codes(seed, n, m, density=0.4):
    generator = torch.Generator().manual_seed(seed)
    values = torch.rand(n, m, generator=generator, dtype=torch.float64) + 0.1
    return values * (torch.rand(n, m, generator=generator) < density)


@st.composite
def cases(draw):
    """Dense codes, also without an entry, and rows: a slice, or numbers in any order and with repetitions."""
    n, m = draw(st.integers(1, 6)), draw(st.integers(1, 5))
    dense = random_codes(draw(st.integers(0, 10**6)), n, m, draw(st.sampled_from([0.0, 0.3, 1.0])))
    if draw(st.booleans()):
        bound = st.one_of(st.none(), st.integers(-n - 1, n + 1))
        return dense, slice(draw(bound), draw(bound))
    return dense, torch.tensor(draw(st.lists(st.integers(-n, n - 1), max_size=8)), dtype=torch.int64)


@settings(max_examples=200)
@given(cases())
def test_rows_are_those_of_the_dense_codes(case):
    dense, rows = case
    codes = sparse(dense)
    found, expected = codes[rows], dense[rows]
    assert torch.equal(codes.dense(), dense)
    assert torch.equal(found.dense(), expected)
    assert (found.shape, len(found)) == (tuple(expected.shape), len(expected))
    assert torch.equal(found.active(), (expected != 0).any(0))
    assert torch.equal(found.support.rows * found.shape[1] + found.support.atoms, found.support.keys)
    assert bool((found.support.keys.diff() > 0).all())


@settings(max_examples=50)
@given(cases())
def test_entries_atom_by_atom(case):
    support = sparse(case[0]).support
    order, pointers = support.by_atom
    groups = [order[a:b].tolist() for a, b in pairwise(pointers)]
    atoms = support.atoms.tolist()
    assert groups == [[e for e, a in enumerate(atoms) if a == atom] for atom in range(support.n_atoms)]


@pytest.mark.parametrize("m", [1 << 16, (1 << 16) + 1])
def test_atoms_are_sorted_beyond_sixteen_bits(m):
    support = Support.at_positions(torch.tensor([0, m - 1, m + 3, 2 * m - 1]), 2, m)
    order, pointers = support.by_atom
    assert order.tolist() == [0, 2, 1, 3]
    assert pointers[[0, 1, 4, m - 1, m]].tolist() == [0, 1, 2, 2, 4]


def test_a_row_that_only_zeros_stand_for_is_not_active():
    codes = SparseCodes(torch.tensor([0.0, 1.0]), Support.at_positions(torch.tensor([0, 3]), 2, 2))
    assert codes.active().tolist() == [False, True]


def value_and_gradients(function, a, b, how):
    """Value, and gradients in the dense codes, of a function of codes made by `how`."""
    a, b = a.clone().requires_grad_(), b.clone().requires_grad_()
    value = function(how(a), how(b))
    value.backward()
    # A dense code is zero off its support, where a sparse one has no gradient.
    return [value.detach(), a.grad * (a != 0), b.grad * (b != 0)]


ROWS = {
    "all": slice(None),
    "some": slice(1, 5),
    "none": slice(2, 2),
    "by index": torch.tensor([5, 0, 0, 3]),
}


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("density", [0.0, 0.3, 1.0])
def test_squared_distance_is_that_of_the_dense_codes(rows, density):
    a, b = random_codes(0, 7, 4, density), random_codes(1, 7, 4, 0.5)
    on_sparse = value_and_gradients(lambda x, y: levels.squared_distance(x[rows], y[rows]), a, b, sparse)
    on_dense = value_and_gradients(lambda x, y: ((x[rows] - y[rows]) ** 2).sum(), a, b, lambda x: x)
    for found, expected in zip(on_sparse, on_dense, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("unbiased", [False, True])
@pytest.mark.parametrize(("first", "second"), [("all", "some"), ("by index", "some"), ("some", "by index")])
def test_characteristic_functions_are_those_of_the_dense_codes(first, second, unbiased):
    a, b = random_codes(2, 7, 5), random_codes(3, 7, 5, 0.2)
    a[:, 4] = b[:, 4] = b[:, 0] = a[:, 3] = 0  # one atom is active nowhere, one on either side alone

    def distance(x, y):
        return discrepancy.canonical_ecf(x[ROWS[first]], y[ROWS[second]], GRID, unbiased)

    def reference(x, y):
        x, y = x[ROWS[first]], y[ROWS[second]]
        active = (x != 0).any(0) | (y != 0).any(0)
        return discrepancy.ecf_distance(x, y, GRID, unbiased)[active].mean()

    on_sparse = value_and_gradients(distance, a, b, sparse)
    for found, expected in zip(on_sparse, value_and_gradients(reference, a, b, lambda x: x), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("density", [0.0, 0.3, 1.0])
def test_masked_cosine_is_that_of_the_dense_codes(rows, density):
    a, b = random_codes(4, 7, 5, density), random_codes(5, 7, 5, 0.6)
    a, b = (a * 4).round(), (b * 4).round()  # ties for the strongest atom

    def weighted(x, y):
        cosines = masked_cosine(x[rows], y[rows])
        return (cosines * torch.arange(1, len(cosines) + 1)).sum()

    on_sparse = value_and_gradients(weighted, a, b, sparse)
    for found, expected in zip(on_sparse, value_and_gradients(weighted, a, b, lambda x: x), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_no_active_atom_is_no_distance():
    empty = sparse(torch.zeros(3, 2, dtype=torch.float64))
    assert float(discrepancy.canonical_ecf(empty, empty, GRID)) == 0
    assert float(levels.squared_distance(empty, empty)) == 0


def test_what_cannot_be_compared_is_refused():
    two, three = sparse(torch.ones(2, 2)), sparse(torch.ones(3, 2))
    with pytest.raises(ValueError, match="match their rows first"):
        levels.squared_distance(two, three)
    with pytest.raises(ValueError, match="pass rows of the same atoms"):
        discrepancy.canonical_ecf(two, sparse(torch.ones(2, 3)), GRID)
    with pytest.raises(ValueError, match="pass rows of the same atoms"):
        discrepancy.canonical_ecf(two[:0], three, GRID)
    with pytest.raises(ValueError, match="consecutive rows or an index"):
        two[::2]

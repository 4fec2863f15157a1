"""The fast form against the reference, its gradient against finite differences, and its memory."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nonlinear import ecf
from theory import discrepancy

# Fixed for this path: equality to 1e-12 in float64 and 1e-6 in float32, for |t·x| of some tens.
BOUND = {torch.float64: 1e-12, torch.float32: 1e-6}
UNEVEN = discrepancy.TGrid([0.0, 0.1, 0.5, 2.5], [1.0, 0.5, 0.25, 0.3])
GRIDS_BY_NAME = {
    "default": discrepancy.t_grid(),
    "offset": discrepancy.TGrid(0.25 + 0.5 * np.arange(5), np.linspace(1, 0.1, 5)),
    "descending": discrepancy.TGrid(np.linspace(3, -1, 9), np.full(9, 0.2)),
    "one node": discrepancy.TGrid([0.7], [2.0]),
    "two nodes": discrepancy.TGrid([0.0, 1.5], [1.0, 1.0]),
    "uneven": UNEVEN,
}
GRIDS = pytest.mark.parametrize("grid", GRIDS_BY_NAME.values(), ids=GRIDS_BY_NAME)
UNBIASED = pytest.mark.parametrize("unbiased", [False, True])


@st.composite
def samples(draw):
    """Two float64 samples of different length, and slices or None."""
    n, m, d = draw(st.integers(2, 40)), draw(st.integers(2, 40)), draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scale = draw(st.sampled_from([0.1, 1.0, 3.0]))
    a, b = torch.tensor(scale * rng.normal(size=(n, d))), torch.tensor(scale * rng.normal(size=(m, d)) + 0.3)
    count = draw(st.integers(0, 8))
    return a, b, torch.tensor(discrepancy.random_slices(rng, d, count)) if count else None


def reference(a, b, slices, grid, unbiased):
    """The distance by autograd through the array-API form."""
    if slices is not None:
        a, b = a @ slices, b @ slices
    phi_a, phi_b = (discrepancy.ecf.dispatch(object)(x, grid.nodes) for x in (a, b))
    return discrepancy.distance_from_ecf(phi_a, phi_b, len(a), len(b), grid, unbiased).mean()


def value_and_gradient(function, a, b, slices, *rest):
    a, b = a.clone().requires_grad_(), b.clone().requires_grad_()
    value = function(a, b, slices, *rest)
    value.backward()
    return value.detach(), a.grad, b.grad


@GRIDS
@UNBIASED
@pytest.mark.parametrize("dtype", BOUND, ids=str)
def test_value_and_gradient_are_those_of_the_reference(grid, unbiased, dtype):
    @settings(deadline=None, max_examples=20)
    @given(samples())
    def check(drawn):
        a, b, slices = (None if x is None else x.to(dtype) for x in drawn)
        found = value_and_gradient(discrepancy.sliced_ecf, a, b, slices, grid, unbiased)
        # The reference on the same numbers in float64: its own float32 rounding is not the yardstick.
        exact = (None if x is None else x.double() for x in (a, b, slices))
        expected = value_and_gradient(reference, *exact, grid, unbiased)
        for x, y in zip(found, expected, strict=True):
            assert x.dtype == dtype
            assert (x.double() - y).abs().max() <= BOUND[dtype] * (1 + grid.mass)

    check()


@GRIDS
@UNBIASED
def test_gradient_is_that_of_finite_differences(grid, unbiased):
    rng = torch.Generator().manual_seed(0)
    a, b, slices = (
        torch.randn(shape, dtype=torch.float64, generator=rng, requires_grad=True) for shape in ((3, 2), (4, 2), (2, 3))
    )
    assert torch.autograd.gradcheck(lambda *x: discrepancy.sliced_ecf(*x, grid, unbiased), (a, b, slices))
    assert torch.autograd.gradcheck(lambda x: torch.view_as_real(ecf.ecf(x, grid.nodes)), (a,))


def test_tensors_take_this_form():
    assert discrepancy.ecf.dispatch(torch.Tensor) is ecf.ecf
    assert discrepancy.ecf.dispatch(np.ndarray) is not ecf.ecf


def test_seeds_are_mapped_over():
    x = torch.randn((3, 5, 2), dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    mapped = torch.func.vmap(lambda v: ecf.ecf(v, UNEVEN.nodes))(x)
    alone = torch.stack([ecf.ecf(v, UNEVEN.nodes) for v in x])
    assert (mapped - alone).abs().max() <= 1e-15
    gradients = [torch.autograd.grad((phi.real**2 + phi.imag).sum(), x)[0] for phi in (mapped, alone)]
    assert (gradients[0] - gradients[1]).abs().max() <= 1e-15


def test_half_precision_is_raised_to_single():
    a = torch.linspace(-2, 2, 12, dtype=torch.bfloat16).reshape(6, 2)
    assert ecf.ecf(a, GRIDS_BY_NAME["default"].nodes).dtype == torch.complex64
    grid = GRIDS_BY_NAME["default"]
    assert torch.equal(
        discrepancy.sliced_ecf(a, a + 1, None, grid), discrepancy.sliced_ecf(a.float(), (a + 1).float(), None, grid)
    )


def test_what_is_kept_for_backward_does_not_grow_with_the_grid():
    def kept(points):
        numbers = 0

        def pack(tensor):
            nonlocal numbers
            numbers += tensor.numel()
            return tensor

        a = torch.zeros((1000, 4), requires_grad=True)
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            discrepancy.sliced_ecf(a, a + 1, None, discrepancy.t_grid(points=points))
        return numbers

    assert kept(9) < 5 * 1000 * 4
    assert kept(65) - kept(9) < 56 * 4 * 20  # arrays [T, S] only


def test_second_derivatives_are_right():
    a = torch.tensor([[0.3], [1.0]], dtype=torch.float64, requires_grad=True)
    b = a.detach() + 1
    assert torch.autograd.gradgradcheck(lambda x: discrepancy.sliced_ecf(x, b, None, UNEVEN), (a,))


def test_non_finite_values_are_not_hidden():
    a = torch.tensor([[0.0], [float("nan")]])
    assert discrepancy.sliced_ecf(a, torch.zeros((2, 1)), None, GRIDS_BY_NAME["default"]).isnan()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x, g: discrepancy.sliced_ecf(x, x[:, :1], None, g), "same number of columns, not 2 and 1"),
        (lambda x, g: discrepancy.sliced_ecf(x, x, torch.eye(3), g), r"shape \(2, S\)"),
        (lambda x, g: discrepancy.sliced_ecf(x[:1], x, None, g, unbiased=True), "at least 2 rows"),
        (lambda x, g: ecf.ecf(x[:0], g.nodes), "at least 1 row"),
    ],
)
def test_bad_input_is_named_as_by_the_reference(call, message):
    with pytest.raises(ValueError, match=message):
        call(torch.ones((3, 2)), GRIDS_BY_NAME["default"])

"""Operations on sparse codes: their gradients against finite differences and against dense autograd."""

import pytest
import torch

from nonlinear import kernels
from nonlinear.codes import Support
from theory.discrepancy import t_grid

NODES = t_grid(points=4).nodes
KEPT = {
    "some": torch.tensor([1, 4, 5, 9, 13]),
    "an empty row and an unused atom": torch.tensor([0, 4, 15]),
    "none": torch.tensor([], dtype=torch.int64),
    "all": torch.arange(20),
}
SUPPORTS = pytest.mark.parametrize("kept", KEPT.values(), ids=KEPT)


def numbers(*shapes, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(s, dtype=torch.float64, generator=generator, requires_grad=True) for s in shapes]


def support_of(kept):
    return Support.at_positions(kept, 5, 4)


def check(function, reference, inputs):
    """Values, gradients under random weights, and finite differences."""
    out, expected = function(*inputs), reference(*inputs)
    torch.testing.assert_close(out, expected, rtol=1e-12, atol=1e-12)
    (weights,) = numbers(tuple(out.shape), seed=7)
    found = torch.autograd.grad((out * weights).sum(), inputs, allow_unused=True)
    wanted = torch.autograd.grad((expected * weights).sum(), inputs)
    for mine, theirs in zip(found, wanted, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-12)
    assert torch.autograd.gradcheck(function, inputs)


@SUPPORTS
def test_encode(kept):
    x, W, b = numbers((5, 3), (4, 3), (4,))
    support = support_of(kept)

    def function(x, W, b):
        with torch.no_grad():
            pre = (x @ W.mT + b).reshape(-1)[kept]
        return kernels.EncodeAt.apply(x, W, b, support, pre)

    check(function, lambda x, W, b: torch.relu(x @ W.mT + b).reshape(-1)[kept], [x, W, b])
    assert bool((x @ W.mT + b < 0).any()), "without negative entries nothing is rectified"


@SUPPORTS
@pytest.mark.parametrize("width", [1, 3])
def test_decode(kept, width):
    values, D = numbers((len(kept),), (4, width))

    def reference(values, D):
        return values.new_zeros(20).index_put((kept,), values).reshape(5, 4) @ D

    check(lambda v, D: kernels.Decode.apply(v, D, support_of(kept)), reference, [values, D])


@SUPPORTS
@pytest.mark.parametrize("other", KEPT.values(), ids=KEPT)
def test_squared_distance(kept, other):
    a, b = numbers((len(kept),), (len(other),))

    def reference(a, b):
        first, second = (a.new_zeros(20).index_put((k,), v) for k, v in ((kept, a), (other, b)))
        return ((first - second) ** 2).sum()

    check(lambda a, b: kernels.SquaredDistance.apply(a, b, kept, other), reference, [a, b])


@SUPPORTS
def test_characteristic_function(kept):
    (values,) = numbers((len(kept),))

    def function(values):
        return torch.view_as_real(kernels.SparseECF.apply(values, support_of(kept), NODES))

    def reference(values):
        dense = values.new_zeros(20).index_put((kept,), values).reshape(5, 4)
        phi = [torch.stack([(t * dense).cos().mean(0), (t * dense).sin().mean(0)], -1) for t in NODES]
        return torch.stack(phi)

    check(function, reference, [values])


def test_a_second_derivative_is_refused_rather_than_wrong():
    kept = KEPT["some"]
    (values,) = numbers((len(kept),))
    distance = kernels.SquaredDistance.apply(values, values.detach() + 1, kept, kept)
    (gradient,) = torch.autograd.grad(distance**2, values, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


def test_bags_by_hand():
    table, index, weights = torch.tensor([[1.0], [10.0]]), torch.tensor([1, 0, 1]), torch.tensor([2.0, 3.0, -1.0])
    assert kernels.bags(table, index, torch.tensor([0, 2, 2, 3]), weights).tolist() == [[23.0], [0.0], [-10.0]]

"""Limited-memory BFGS on a batch of independent problems, in lockstep.

Every problem has its own curvature memory and its own line search, so none influences another. The method is
equivariant under orthogonal changes of the parameters, hence it adds no preferred basis to a rotation-invariant start.
"""

from collections import deque
from collections.abc import Callable, Iterable

import torch
from torch import Tensor

ARMIJO, CURVATURE = 1e-4, 0.9  # the usual constants of the weak Wolfe conditions for quasi-Newton steps
MEMORY, TRIALS, PATIENCE = 12, 20, 10


def minimise(value: Callable[[Tensor], Tensor], start: Tensor, steps: int, stall: float) -> tuple[Tensor, Tensor]:
    """Minimise p → value(p) row by row.

    Parameters
    ----------
    value
        Differentiable map from parameters [b, p] to losses [b]; entry i of the result may depend on row i only.
    start
        Parameters [b, p].
    steps
        Largest number of iterations.
    stall
        A row rests for good once ten iterations in a row have each decreased it by no more than this, in the units of
        the loss, or once no step decreases it and no curvature is known; the run ends when every row rests.

    Returns
    -------
    Parameters [b, p], and the losses [iterations + 1, b] including those of the start; no column ever increases.

    Notes
    -----
    Two-loop recursion of Nocedal and Wright, Numerical Optimization, algorithm 7.4; weak Wolfe steps by bisection as in
    Lewis and Overton, Math. Program. 141 (2013), algorithm 2.6.

    Examples
    --------
    >>> point, curve = minimise(lambda p: ((p - 3) ** 2).sum(1), torch.zeros(2, 5, dtype=torch.float64), 50, 1e-14)
    >>> bool((point - 3).abs().max() < 1e-6), bool((curve[1:] <= curve[:-1]).all())
    (True, True)
    """

    def evaluate(p: Tensor) -> tuple[Tensor, Tensor]:
        p = p.detach().requires_grad_()
        f = value(p)
        (g,) = torch.autograd.grad(f.sum(), p)
        return f.detach(), g

    p, (f, g) = start.clone(), evaluate(start)
    gamma = 1 / _norm(g).clamp_min(torch.finfo(g.dtype).tiny)
    memory: deque[tuple[Tensor, Tensor, Tensor]] = deque(maxlen=MEMORY)
    curve, idle, curved = [f], torch.zeros_like(f), torch.zeros_like(f, dtype=torch.bool)
    for _ in range(steps):
        direction = -_times_inverse_hessian(g, memory, gamma)
        p_new, f_new, g_new = _wolfe(evaluate, p, f, g, direction, stall, idle >= PATIENCE)
        s, y = p_new - p, g_new - g
        sy, yy = (s * y).sum(1), (y * y).sum(1)
        good = sy > torch.finfo(sy.dtype).eps * (_norm(s) * _norm(y))
        memory.append((s, y, torch.where(good, 1 / torch.where(good, sy, 1), 0)))
        gamma = torch.where(good, sy / torch.where(good, yy, 1), gamma)
        idle = torch.where(f - f_new <= stall, idle + 1, 0)
        curved |= good  # without curvature, a row that has not moved would search the same line again
        idle = torch.where(curved | (s != 0).any(1), idle, PATIENCE)
        p, f, g = p_new, f_new, g_new
        curve.append(f)
        if bool((idle >= PATIENCE).all()):
            break
    return p, torch.stack(curve)


def _times_inverse_hessian(g: Tensor, memory: Iterable, gamma: Tensor) -> Tensor:
    memory, alphas, q = list(memory), [], g
    for s, y, rho in reversed(memory):
        alphas.append(rho * (s * q).sum(1))
        q = q - alphas[-1][:, None] * y
    q = gamma[:, None] * q
    for (s, y, rho), alpha in zip(memory, reversed(alphas), strict=True):
        q = q + (alpha - rho * (y * q).sum(1))[:, None] * s
    return q


def _wolfe(evaluate, p: Tensor, f: Tensor, g: Tensor, direction: Tensor, stall: float, resting: Tensor):
    slope = (g * direction).sum(1)
    uphill = ~(slope < 0)
    direction = torch.where(uphill[:, None], -g, direction)
    slope = torch.where(uphill, -(g * g).sum(1), slope)
    low, high, t = torch.zeros_like(f), torch.full_like(f, torch.inf), torch.ones_like(f)
    best = (p, f, g)
    done = resting | (-slope <= stall)  # minus the slope is twice what a full quasi-Newton step promises
    for _ in range(TRIALS):
        if bool(done.all()):
            break
        trial = p + t[:, None] * direction
        f_t, g_t = evaluate(trial)
        enough = f_t <= f + ARMIJO * t * slope
        steep = (g_t * direction).sum(1) < CURVATURE * slope
        # Enough decrease alone is taken too, in case no trial meets the curvature condition.
        take = enough & ~done
        best = tuple(torch.where(_like(take, b), n, b) for n, b in zip((trial, f_t, g_t), best, strict=True))
        done = done | (enough & ~steep)
        low, high = torch.where(enough & steep, t, low), torch.where(enough, high, t)
        t = torch.where(high.isinf(), 2 * t, (low + high) / 2)
    return best


def _norm(a: Tensor) -> Tensor:
    return a.norm(dim=1)


def _like(mask: Tensor, a: Tensor) -> Tensor:
    return mask.reshape(-1, *[1] * (a.ndim - 1))

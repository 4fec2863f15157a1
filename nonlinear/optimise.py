"""Adam, or plain gradient descent, on the stacked parameters of all seeds."""

import torch

from nonlinear.config import Config
from nonlinear.parameters import Parameters, Shape, atoms_of

MOMENTS = ("exp_avg", "exp_avg_sq")


class Optimiser:
    """Steps on parameters [seeds, …]; every entry moves by itself, so that seeds do not see each other.

    Parameters
    ----------
    config
        For the kind.
    shape, parameters
        The system, and what is trained.
    state
        Name → tensor, as returned by :meth:`state`; empty at the start.

    Examples
    --------
    >>> from nonlinear.systems import SAE
    >>> p = {"bias.x": torch.zeros(1, 2, requires_grad=True)}
    >>> optimiser = Optimiser(Config(system="sae", optimiser="sgd"), Shape(SAE, {"x": 1}, 2, False), p, {})
    >>> p["bias.x"].sum().backward()
    >>> optimiser.step(0.5)
    >>> p["bias.x"].tolist()
    [[-0.5, -0.5]]
    """

    def __init__(self, config: Config, shape: Shape, parameters: Parameters, state: dict[str, torch.Tensor]):
        self.shape, self.parameters = shape, parameters
        values = list(parameters.values())
        if config.optimiser == "adam":
            self.inner: torch.optim.Optimizer = torch.optim.Adam(values, lr=config.lr, fused=True)
        else:
            self.inner = torch.optim.SGD(values, lr=config.lr)
        for name, value in state.items():
            parameter, key = name.rsplit("/", 1)
            p = parameters[parameter]
            self.inner.state[p][key] = value.to(p.device)

    def zero(self) -> None:
        """Forget the gradients."""
        self.inner.zero_grad(set_to_none=True)

    def step(self, lr: float, source: str | None = None) -> None:
        """Move all parameters, or those of one stream alone."""
        if source is not None:
            mine = {f"{kind}.{source}" for kind in ("encoder", "decoder", "offset", "bias")}
            mine |= {f"skip.{i}.{j}" for i, j in self.shape.skips if i == source}
            for name, p in self.parameters.items():
                if name not in mine:
                    p.grad = None
        for group in self.inner.param_groups:
            group["lr"] = lr
        self.inner.step()

    @torch.no_grad()
    def forget(self, code: str, atoms: torch.Tensor) -> None:
        """Reset the moments of atoms [seeds, m] of a code: what a dead atom remembers misleads a revived one."""
        coders = dict.fromkeys(self.shape.owners[s] for s, c in self.shape.codes.items() if c == code)
        for key in MOMENTS:
            moments = {n: self.inner.state[p][key] for n, p in self.parameters.items() if key in self.inner.state[p]}
            for coder in coders:
                if f"encoder.{coder}" in moments:
                    moments[f"encoder.{coder}"].masked_fill_(atoms.unsqueeze(-1), 0)
                if self.shape.group_of(coder)[0] in moments:
                    atoms_of(moments, self.shape, coder).masked_fill_(atoms.unsqueeze(-1), 0)
            if f"bias.{code}" in moments:
                moments[f"bias.{code}"].masked_fill_(atoms, 0)

    def state(self) -> dict[str, torch.Tensor]:
        """Tensors to go on from, "parameter/key"."""
        return {
            f"{name}/{key}": torch.as_tensor(value)
            for name, p in self.parameters.items()
            for key, value in self.inner.state.get(p, {}).items()
        }

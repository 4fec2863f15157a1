"""What a system computes on a batch, for one seed: selection, codes, decoding."""

from collections.abc import Mapping
from typing import Any

import torch

from nonlinear import kernels, selection
from nonlinear.batch import Layout, at, placed
from nonlinear.codes import SparseCodes, Support
from nonlinear.parameters import Parameters, Shape, atoms_of


class Coders:
    """Encoders and decoders of a system with the parameters of one seed.

    Parameters
    ----------
    shape
        The system and its sizes.
    parameters
        Tensors without the axis of the seeds.
    sparsity
        k of TopK and BatchTopK.
    sparse
        Whether codes are :class:`~nonlinear.codes.SparseCodes` (the fast path) or tensors (the reference).
    thresholds
        Code → inference threshold of BatchTopK; then a code does not depend on its batch. None while training.
    hints
        Code → last threshold, read and written by the sparse selection; a matter of speed alone.
    half
        Multiply in bfloat16.

    Examples
    --------
    >>> from nonlinear.systems import SAE
    >>> shape = Shape(SAE, {"x": 2}, 2, False)
    >>> p = {"encoder.x": torch.eye(2), "bias.x": torch.zeros(2), "decoder.x": torch.eye(2), "offset.x": torch.ones(2)}
    >>> coders = Coders(shape, p, sparsity=1)
    >>> coders.decode("x", coders.encode("x", torch.tensor([[3.0, 2.0]]))).tolist()   # the largest of 3 and 2 is kept
    [[4.0, 1.0]]
    """

    def __init__(
        self,
        shape: Shape,
        parameters: Parameters,
        sparsity: int,
        *,
        sparse: bool = False,
        thresholds: Mapping[str, Any] | None = None,
        hints: dict[str, float] | None = None,
        half: bool = False,
    ):
        self.shape, self.parameters, self.sparsity = shape, parameters, sparsity
        self.sparse, self.thresholds, self.half = sparse, thresholds, half
        self.hints = {} if hints is None else hints
        self.fired: dict[str, torch.Tensor] = {}
        self.least: dict[str, torch.Tensor] = {}
        self._codes: dict[str, tuple[torch.Tensor, Any]] = {}
        self._decoded: list[tuple[Any, str, tuple[torch.Tensor, ...]]] = []
        self._inputs: list[tuple[Any, str, torch.Tensor]] = []

    def code(self, s: str, x: Mapping[str, torch.Tensor], layout: Layout) -> Any:
        """Codes of stream s in a batch, by the system's sharing; computed once, and only what is asked for."""
        if s not in self._codes or self._codes[s][0] is not x[s]:
            match self.shape.system.sharing:
                case "summed":
                    found = self._summed(x, layout)
                case "support":
                    found = self._on_joint_support(x, layout)
                case "weights":
                    found = self._by_one_coder(x)
                case _:
                    found = {s: self._encode(self.shape.codes[s], x[s], self.encoder(s), count=True)}
            for t, z in found.items():
                self.remember(z, t, x[t])
            self._codes |= {t: (x[t], z) for t, z in found.items()}
        return self._codes[s][1]

    def inputs(self, s: str, x: Mapping[str, torch.Tensor], layout: Layout) -> tuple[torch.Tensor, ...]:
        """Rows, encoder [m, d] and bias [m] from which the codes of stream s in a batch are computed."""
        if self.shape.system.sharing != "summed":
            return x[s], *self.encoder(s)
        rows, W = self._stacked(x, layout)
        return at(rows, layout.points(s)), W, self.parameters["bias.joint"]

    def encode(self, s: str, x: torch.Tensor) -> Any:
        """Codes of rows of stream s by its encoder alone."""
        z = self._encode(self.shape.codes[s], x, self.encoder(s))
        self.remember(z, s, x)
        return z

    def decode(self, s: str, z: Any) -> torch.Tensor:
        """Rows of stream s from codes; a code is sent through all decoders of a group at once."""
        coder = self.shape.owners[s]
        name, place = self.shape.group_of(coder)
        parts = next((parts for known, group, parts in self._decoded if known is z and group == name), None)
        if parts is None:
            widths = [self.shape.coders[c] for c in next(g for g in self.shape.groups if coder in g)]
            parts = self._through(self.parameters[name], z).split(widths, -1)
            self._decoded.append((z, name, parts))
        out = parts[place] + self.parameters[f"offset.{coder}"]
        for known, origin, rows in self._inputs:
            if known is z and (origin, s) in self.shape.skips:
                out = out + rows @ self.parameters[f"skip.{origin}.{s}"]
        return out

    def penalty(self) -> torch.Tensor:
        """Mean over rows of Σ z·‖atom‖, summed over the codes so far."""
        total, codes = 0.0, {s: z for s, (_, z) in self._codes.items()}
        if self.shape.system.sharing == "summed" and codes:
            codes = {next(iter(codes)): self._joint}
        for s, z in codes.items():
            norms = self.norms(self.shape.codes[s])
            values = z.values if self.sparse else z
            if norms is not None:
                values = values * (norms[z.support.atoms] if self.sparse else norms)
            total = total + values.sum() / max(len(z), 1)
        return torch.as_tensor(total)

    def norms(self, code: str) -> torch.Tensor | None:
        """Σ over the decoders of a code of the norm of each atom [m]; None where all are 1."""
        if self.shape.system.unit_decoder:
            return None
        coders = {self.shape.owners[s] for s, c in self.shape.codes.items() if c == code}
        found = [atoms_of(self.parameters, self.shape, c).norm(dim=-1) for c in sorted(coders)]
        return torch.stack(found).sum(0)

    def encoder(self, s: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Encoder [m, d] and bias [m] of stream s."""
        return self.parameters[f"encoder.{self.shape.owners[s]}"], self.parameters[f"bias.{self.shape.codes[s]}"]

    def remember(self, z: Any, s: str, x: torch.Tensor) -> None:
        """Note which rows a code came from, for the linear skips."""
        if self.shape.skips:
            self._inputs.append((z, s, x))

    def _products(self, x: torch.Tensor, W: torch.Tensor) -> torch.Tensor:
        return (x.bfloat16() @ W.bfloat16().mT).to(W.dtype) if self.half else x @ W.mT

    def _pre(self, x: torch.Tensor, W: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return self._products(x, W) + b

    def _encode(
        self, code: str, x: torch.Tensor, encoder: tuple[torch.Tensor, torch.Tensor], count: bool = False
    ) -> Any:
        if self.sparse:
            with torch.no_grad():
                products, bias = self._products(x, encoder[0]), encoder[1]
                found = self._positions(code, products, bias)
                pre = products.reshape(-1)[found] + bias[found % len(bias)]
            return self._at(code, x, encoder, pre, found, count)
        z = torch.relu(self._pre(x, *encoder))
        kept = self._mask(code, z)
        if count:
            self._count(code, z, kept)
        return z * kept

    def _at(self, code, x, encoder, pre: torch.Tensor, found: torch.Tensor, count: bool) -> SparseCodes:
        support = Support.at_positions(found, len(x), self.shape.n_atoms)
        values = kernels.EncodeAt.apply(x, *encoder, support, pre)
        codes = SparseCodes(values, support)
        if count:
            self._count_sparse(code, codes)
        return codes

    def _summed(self, x: Mapping[str, torch.Tensor], layout: Layout) -> dict[str, Any]:
        """Encode the streams of each point together, absent ones as zeros: the mean of centred rows."""
        rows, W = self._stacked(x, layout)
        code = self._joint = self._encode("joint", rows, (W, self.parameters["bias.joint"]), count=True)
        return {s: at(code, layout.points(s)) for s in x}

    def _stacked(self, x: Mapping[str, torch.Tensor], layout: Layout) -> tuple[torch.Tensor, torch.Tensor]:
        rows = torch.cat([placed(v, layout.points(s), layout.n_points) for s, v in x.items()], 1)
        return rows, torch.cat([self.encoder(s)[0] for s in x], 1)

    def _by_one_coder(self, x: Mapping[str, torch.Tensor]) -> dict[str, Any]:
        """Encode the rows of all streams as one batch."""
        z = self._encode("shared", torch.cat(list(x.values())), self.encoder(next(iter(x))), count=True)
        found, start = {}, 0
        for s, rows in x.items():
            found[s] = z[start : start + len(rows)]
            start += len(rows)
        return found

    def _on_joint_support(self, x: Mapping[str, torch.Tensor], layout: Layout) -> dict[str, Any]:
        """Own values on the atoms with the largest sums of signed pre-activations over the streams of a point."""
        pre = {s: self._pre(rows, *self.encoder(s)) for s, rows in x.items()}
        with torch.no_grad():
            sums = sum(placed(p, layout.points(s), layout.n_points) for s, p in pre.items())
            joint = selection.mask(torch.as_tensor(sums), self.shape.system.selection, self.sparsity, signed=True)
        found = {}
        for s, p in pre.items():
            kept, code = at(joint, layout.points(s)), self.shape.codes[s]
            if self.sparse:
                positions = (kept & (p > 0)).reshape(-1).nonzero().squeeze(1)
                pre_at = p.detach().reshape(-1)[positions]
                found[s] = self._at(code, x[s], self.encoder(s), pre_at, positions, count=True)
            else:
                z = torch.relu(p)
                self._count(code, z, kept)
                found[s] = z * kept
        return found

    def _mask(self, code: str, z: torch.Tensor) -> torch.Tensor:
        norms = self.norms(code)
        scores = z if norms is None else z * norms
        if self.thresholds is not None and self.shape.system.selection == "batchtopk":
            return (scores >= self._threshold(code)) & (scores > 0)
        return selection.mask(scores, self.shape.system.selection, self.sparsity)

    def _positions(self, code: str, products: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        norms, kind, hint = self.norms(code), self.shape.system.selection, self.hints.get(code, 0.0)
        by_threshold = self.thresholds is not None and kind == "batchtopk"
        if kind == "batchtopk" and norms is None and not by_threshold and not products.is_cuda:
            found, self.hints[code] = selection.batch_positions(products, bias, self.sparsity, hint)
            return found
        scores = products + bias if norms is None else (products + bias) * norms
        if by_threshold:
            return ((scores >= self._threshold(code)) & (scores > 0)).reshape(-1).nonzero().squeeze(1)
        found, self.hints[code] = selection.positions(scores, kind, self.sparsity, hint)
        return found

    def _threshold(self, code: str) -> Any:
        threshold = (self.thresholds or {}).get(code)
        if threshold is None or not bool(torch.isfinite(torch.as_tensor(threshold))):
            raise ValueError(f"the code of {code!r} has no inference threshold yet; train the system first")
        return threshold

    @torch.no_grad()
    def _count(self, code: str, z: torch.Tensor, kept: torch.Tensor) -> None:
        norms = self.norms(code)
        scores = z.detach() if norms is None else z.detach() * norms
        alive = kept & (scores > 0)
        self.fired[code] = alive.any(0)
        self.least[code] = torch.where(alive, scores, torch.inf).amin()

    @torch.no_grad()
    def _count_sparse(self, code: str, codes: SparseCodes) -> None:
        norms, values = self.norms(code), codes.values.detach()
        scores = values if norms is None else values * norms[codes.support.atoms]
        self.fired[code] = codes.active()
        alive = scores[scores > 0]
        self.least[code] = alive.amin() if len(alive) else scores.new_full((), torch.inf)

    def _through(self, D: torch.Tensor, z: Any) -> torch.Tensor:
        if isinstance(z, SparseCodes):
            return kernels.Decode.apply(z.values, D, z.support)
        return (z.bfloat16() @ D.bfloat16()).to(D.dtype) if self.half else z @ D

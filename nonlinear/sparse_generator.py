"""Sparse concepts seen by several domains: the synthetic data of App. G.1.

A row has s of K latents active. Each domain loses some of them (dropout), perturbs the others (white noise), and passes
them through random linear maps with ReLU in between, at least one of them narrow. The paper's sizes were lost: those
here are our own choices, and no run on them replicates the paper's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, reduce

import numpy as np
from numpy.typing import ArrayLike

from nonlinear.random_rows import BLOCK, check_seed, rows, stream_of, whole
from theory.linalg import check_rank, one_thread, tolerance
from theory.similarity import r_squared

ACTIVATIONS = ("relu", "linear")
# Keys of the random streams.
MAPS, NOISE, CALIBRATION, SAMPLE = range(4)
# Rows per latent from which the atoms of a ReLU domain are fitted.
ROWS_PER_LATENT = 16


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows of every domain at the same points, with what they were made from; row r of every array is point r.

    Attributes
    ----------
    streams
        Domain → rows [n, d].
    codes
        Domain → [n, K], its latents after dropout and noise: 0, or 1 + noise.
    latents
        [n, K] of bool, s true ones per row, shared by the domains.
    atoms
        Domain → [K, d], see `SparseGenerator.atoms`.

    Examples
    --------
    >>> sample: Sample = SparseGenerator(n_latents=8, sparsity=2).draw(5, seed=0)
    >>> sample.latents.sum(1).tolist(), sample.codes["x"].shape
    ([2, 2, 2, 2, 2], (5, 8))
    """

    streams: dict[str, np.ndarray]
    codes: dict[str, np.ndarray]
    latents: np.ndarray
    atoms: dict[str, np.ndarray]

    def additivity(self) -> dict[str, float]:
        """Domain → R² of codes @ atoms as an estimate of the rows: 1 for linear maps, what a dictionary can reach else.

        Examples
        --------
        >>> SparseGenerator(activation="linear").draw(9, seed=0).additivity()
        {'x': 1.0, 'y': 1.0}
        """
        return {name: r_squared(z @ self.atoms[name], self.streams[name]) for name, z in self.codes.items()}


@dataclass(frozen=True)
class SparseGenerator:
    """Generator of App. G.1; all sizes, and the seed of its maps.

    Parameters
    ----------
    n_latents, sparsity
        K and s: the s largest of K independent normal variables are set to 1, the others to 0, so that every set of s
        latents is equally likely.
    domains
        Name → width d.
    hidden
        Widths of the layers between the latents and the rows, the narrowest is the bottleneck; () is one linear map.
    dropout
        Probability that a domain loses an active latent, independently of everything else. The others are not rescaled.
    noise
        Least and largest standard deviation of the noise on the active latents, Gaussian and independent. A domain has
        one, |N(0, largest²)| clipped to this interval; so its amplitudes are identically distributed (theorem C5).
    activation
        "relu" or "linear", between the maps. These have no offset, and independent normal weights of one scale per
        layer: the one at which its units have, before the ReLU, variance 1 on average over a block of rows.
    structure
        Seed of the maps and of the noise levels; rows have a seed of their own.

    Raises
    ------
    ValueError
        A size, share, interval, activation or seed out of range; codes that never vary. At the first use of the maps:
        a layer that never varies.

    Notes
    -----
    The defaults are overcomplete (64 latents in 48 and 40 dimensions, through 32). Their dropout and noise are so small
    that the true codes of two domains agree with R² ≈ .99, what the paper reports of trained ones. An appended domain
    leaves the others as they are.

    Examples
    --------
    >>> sample = SparseGenerator().draw(5, seed=0)
    >>> sample.streams["x"].shape, sample.latents.sum(axis=1)
    ((5, 48), array([4, 4, 4, 4, 4]))
    >>> linear = SparseGenerator(activation="linear").draw(5, seed=0)
    >>> bool(np.allclose(linear.streams["y"], linear.codes["y"] @ linear.atoms["y"], rtol=0, atol=1e-14))
    True
    """

    n_latents: int = 64
    sparsity: int = 4
    domains: Mapping[str, int] = field(default_factory=lambda: {"x": 48, "y": 40}, hash=False)
    hidden: tuple[int, ...] = (32,)
    dropout: float = 0.002
    noise: tuple[float, float] = (0.01, 0.05)
    activation: str = "relu"
    structure: int = 0

    def __post_init__(self):
        K = whole("n_latents", self.n_latents)
        s = check_rank(self.sparsity, K, "n_latents", name="sparsity")
        if not self.domains:
            raise ValueError("there is no domain; pass at least one name and its width")
        domains = {name: whole(f"width of domain {name!r}", d) for name, d in self.domains.items()}
        hidden = tuple(whole("a hidden width", d) for d in self.hidden)
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout {self.dropout} is not in [0, 1); pass the share of active latents to lose")
        noise = tuple(self.noise)
        if len(noise) != 2 or not 0 <= noise[0] <= noise[1] < np.inf:
            raise ValueError(f"noise {noise} is no interval; pass two finite numbers, 0 ≤ least ≤ largest")
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"activation is {self.activation!r}; use one of {', '.join(ACTIVATIONS)}")
        if s == K and self.dropout == 0 and noise[1] == 0:
            raise ValueError(
                f"all {K} latents are always 1, so no row differs; lower sparsity, or add dropout or noise"
            )
        check_seed(self.structure)
        # Copies: a change to the caller's dict would not reach the maps.
        for name, value in (("domains", domains), ("hidden", hidden), ("noise", noise)):
            object.__setattr__(self, name, value)

    @property
    def linear(self) -> bool:
        """Whether rows are exactly codes @ atoms."""
        return self.activation == "linear" or not self.hidden

    @cached_property
    def deviations(self) -> dict[str, float]:
        """Domain → standard deviation of the noise on its active latents."""
        least, largest = self.noise
        draws = {name: stream_of(self.structure, NOISE, i).standard_normal() for i, name in enumerate(self.domains)}
        return {name: float(np.clip(largest * abs(e), least, largest)) for name, e in draws.items()}

    @cached_property
    def maps(self) -> dict[str, list[np.ndarray]]:
        """Domain → matrices [from, to] of its layers; the only one is their product where `linear`."""
        _, codes = self._codes(self.structure, CALIBRATION, 0)
        with one_thread(BLOCK):
            found = {name: self._layers(i, name, codes[name]) for i, name in enumerate(self.domains)}
            return {name: [reduce(np.matmul, layers)] if self.linear else layers for name, layers in found.items()}

    def _layers(self, number: int, name: str, h: np.ndarray) -> list[np.ndarray]:
        rng, layers = stream_of(self.structure, MAPS, number), []
        for d in (*self.hidden, self.domains[name]):
            h = self._activate(h) if layers else h
            W = rng.standard_normal((h.shape[1], d))
            u = h @ W
            scale = np.sqrt(u.var(axis=0).mean())
            # A narrow ReLU layer may be negative on every row, and then all that follows is 0.
            if scale <= tolerance(np.abs(u).max(), self.n_latents):
                raise ValueError(
                    f"layer {len(layers) + 1} of domain {name!r} never varies; widen hidden {self.hidden} or change "
                    f"structure {self.structure}"
                )
            layers.append(W / scale)
            h = u / scale
        return layers

    def respond(self, domain: str, codes: ArrayLike) -> np.ndarray:
        """Rows [n, d] of a domain for given codes [n, K], such as edited ones.

        Examples
        --------
        >>> SparseGenerator().respond("x", np.zeros((2, 64))).any()
        np.False_
        """
        layers, h = self.maps[domain], np.asarray(codes, dtype=np.float64)
        for W in layers[:-1]:
            h = self._activate(h @ W)
        return h @ layers[-1]

    @cached_property
    def atoms(self) -> dict[str, np.ndarray]:
        """Domain → [K, d]: the rows of its map where `linear`.

        With ReLU no dictionary is exact. Then the best one given the true codes: the D that minimises E‖x − codes D‖²,
        fitted to rows of the structure's seed, at least 16 K and 8192. `Sample.additivity` tells how good it is.
        """
        if self.linear:
            return {name: layers[0] for name, layers in self.maps.items()}
        gram = {name: np.zeros((self.n_latents, self.n_latents)) for name in self.domains}
        cross = {name: np.zeros((self.n_latents, d)) for name, d in self.domains.items()}
        blocks = max(8, -(-ROWS_PER_LATENT * self.n_latents // BLOCK))
        for number in range(1, 1 + blocks):
            _, codes = self._codes(self.structure, CALIBRATION, number)
            with one_thread(BLOCK):
                for name, z in codes.items():
                    gram[name] += z.T @ z
                    cross[name] += z.T @ self.respond(name, z)
        with one_thread(self.n_latents):
            return {name: np.linalg.lstsq(gram[name], cross[name], rcond=None)[0] for name in self.domains}

    def draw(self, n: int, seed: int) -> Sample:
        """Draw n rows of every domain; fewer rows of the same seed are a prefix of more, bit by bit."""
        check_seed(seed)

        def block(number: int) -> dict:
            latents, codes = self._codes(seed, SAMPLE, number)
            streams = {("stream", name): self.respond(name, z) for name, z in codes.items()}
            return {"latents": latents, **{("code", name): z for name, z in codes.items()}, **streams}

        found = rows(n, block)
        streams, codes = ({name: found[kind, name] for name in self.domains} for kind in ("stream", "code"))
        return Sample(streams, codes, found["latents"], {name: D.copy() for name, D in self.atoms.items()})

    def _codes(self, seed: int, use: int, block: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        K, s = self.n_latents, self.sparsity
        normal = stream_of(seed, use, block, 0).standard_normal((BLOCK, K))
        # Sorted: the order within a partition depends on the processor, and the noise follows it.
        active = np.sort(np.argpartition(normal, K - s, axis=1)[:, K - s :], axis=1)
        latents = np.zeros((BLOCK, K), dtype=bool)
        np.put_along_axis(latents, active, True, axis=1)
        codes = {}
        for number, (name, deviation) in enumerate(self.deviations.items(), start=1):
            rng = stream_of(seed, use, block, number)
            kept = rng.random((BLOCK, s)) >= self.dropout
            codes[name] = np.zeros((BLOCK, K))
            amplitudes = np.where(kept, 1 + deviation * rng.standard_normal((BLOCK, s)), 0.0)
            np.put_along_axis(codes[name], active, amplitudes, axis=1)
        return latents, codes

    def _activate(self, h: np.ndarray) -> np.ndarray:
        return np.maximum(h, 0.0) if self.activation == "relu" else h

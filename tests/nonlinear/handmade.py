"""Models whose parameters are set by hand, so that every number of their evaluation is known beforehand."""

import numpy as np
import torch

from nonlinear.config import Config
from nonlinear.data import Array, Normaliser
from nonlinear.model import Model
from nonlinear.parameters import Shape, initial

ACTIVE, LEAST = 3, 0.5


def sparse_codes(rng, n, atoms, active=ACTIVE):
    """Codes [n, atoms] with exactly `active` entries per row, between 0.5 and 1.5."""
    codes = np.zeros((n, atoms))
    for row in codes:
        row[rng.choice(atoms, active, replace=False)] = rng.uniform(LEAST, 1.5, active)
    return codes


def orthonormal(rng, atoms, d):
    """Orthonormal rows [atoms, d], atoms ≤ d."""
    return np.linalg.qr(rng.standard_normal((d, atoms)))[0].T


def model(system, coders, *, sparsity=ACTIVE, threshold=LEAST / 2, normalisers=None, bias=None, offsets=None, **config):
    """Model of one seed whose stream s encodes and decodes with coders[s] = (encoder [m, d], decoder [m, d])."""
    widths = {s: D.shape[1] for s, (_, D) in coders.items()}
    m = len(next(iter(coders.values()))[1])
    config = Config(system=system, n_atoms=m, sparsity=sparsity, precision="float64", threads=1, **config)
    shape = Shape(config.preset, widths, m, joint_decoder=config.preset.sharing == "summed")
    found = initial(shape, [0], torch.float64)
    for s, (W, _) in coders.items():
        found[f"encoder.{shape.owners[s]}"] = torch.tensor(W)[None]
    for group in shape.groups:
        by_coder = {shape.owners[s]: D for s, (_, D) in coders.items()}
        found["decoder." + "+".join(group)] = torch.tensor(np.concatenate([by_coder[c] for c in group], 1))[None]
    for name, v in (bias or {}).items():
        found[f"bias.{name}"] = torch.tensor(v)[None]
    for name, v in (offsets or {}).items():
        found[f"offset.{name}"] = torch.tensor(v)[None]
    names = dict.fromkeys(shape.codes.values())
    as_they_are = {s: Normaliser("none", np.zeros(d), 1.0) for s, d in widths.items()}
    return Model(
        config,
        shape,
        found,
        {c: torch.full((1,), threshold, dtype=torch.float64) for c in names},
        {c: torch.zeros(1, m, dtype=torch.int64) for c in names},
        [normalisers or as_they_are],
        1,
        {},
    )


class Planted:
    """Points with sparse codes, seen by two streams through orthonormal atoms, with or without noise."""

    def __init__(self, seed=0, n=300, atoms=12, widths=(16, 14), noise=0.0):
        rng = np.random.default_rng(seed)
        self.rng, self.n, self.atoms = rng, n, atoms
        self.codes = sparse_codes(rng, n, atoms)
        self.A = {s: orthonormal(rng, atoms, d) for s, d in zip("xy", widths, strict=True)}
        self.rows = {s: self.codes @ A + noise * rng.standard_normal((n, A.shape[1])) for s, A in self.A.items()}
        self.labels = self.codes.argmax(1)
        self.truth = {"atoms": self.A, "codes": self.codes}

    @property
    def sources(self):
        return {s: Array(x) for s, x in self.rows.items()}

    def perfect(self, system="cosae", order=None, **more):
        """Exact coders; those of y with the atoms in another order."""
        A_y = self.A["y"] if order is None else self.A["y"][order]
        return model(system, {"x": (self.A["x"], self.A["x"]), "y": (A_y, A_y)}, **more)


def flat(tree, path=""):
    """Path → value of every leaf."""
    if isinstance(tree, dict):
        return {p: v for key, below in tree.items() for p, v in flat(below, f"{path}/{key}").items()}
    return {path: tree}


def assert_same(a, b, tolerance, but=()):
    """Equal documents up to rounding, except below the keys in `but`."""
    a, b = ({p: v for p, v in flat(t).items() if not set(but) & set(p.split("/"))} for t in (a, b))
    assert a.keys() == b.keys()
    for path, value in a.items():
        if isinstance(value, float) and b[path] is not None:
            assert abs(value - b[path]) <= tolerance * max(1, abs(value)), (path, value, b[path])
        else:
            assert value == b[path], (path, value, b[path])

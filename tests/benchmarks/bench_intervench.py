"""Time and peak memory of the whole benchmark at the size of a vision model.

Run as ``python tests/benchmarks/bench_intervench.py``: writes two memory-mapped domains (100 000 × 768 each), scores
dictionaries of 6144 atoms on 100 classes with an attribute, baselines included, and prints one line of JSON. Probes and
interventions use a stated number of rows of each class; moments use all training rows.
"""

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

BLOCK, ACTIVE, PER_CLASS = 4096, 32, 3


class TopK:
    """The k largest positive projections on the atoms that made the data."""

    def __init__(self, D: np.ndarray):
        self.dictionary, self._D = D, torch.from_numpy(D)

    def encode(self, X: np.ndarray) -> np.ndarray:
        """Codes [n, m]."""
        scores = torch.from_numpy(X.astype(np.float32)) @ self._D.T
        values, atoms = scores.topk(ACTIVE, dim=1)
        return torch.zeros_like(scores).scatter_(1, atoms, values.relu()).numpy()

    def decode(self, Z: np.ndarray) -> np.ndarray:
        """Rows [n, d]."""
        return Z @ self.dictionary


def write(folder: Path, n: int, d: int, m: int, n_classes: int) -> tuple[list[Path], list[np.ndarray], np.ndarray]:
    """Sparse combinations of two dictionaries with common codes; three atoms go with each class, two with a value."""
    rng = np.random.default_rng(0)
    y, a = rng.integers(n_classes, size=n), rng.integers(2, size=n)
    dictionaries = []
    for _ in range(2):
        D = rng.standard_normal((m, d), dtype=np.float32)
        dictionaries.append(D / np.linalg.norm(D, axis=1, keepdims=True))
    paths = [folder / "x.npy", folder / "y.npy"]
    maps = [np.lib.format.open_memmap(p, mode="w+", dtype=np.float32, shape=(n, d)) for p in paths]
    first = n_classes * PER_CLASS + 2
    for start in range(0, n, BLOCK):
        rows = np.arange(start, min(start + BLOCK, n))
        others = rng.integers(first, m, size=(len(rows), ACTIVE - PER_CLASS - 1))
        own = y[rows, None] * PER_CLASS + np.arange(PER_CLASS)
        atoms = np.concatenate([own, n_classes * PER_CLASS + a[rows, None], others], 1)
        values = rng.uniform(0.5, 1.5, atoms.shape).astype(np.float32)
        for out, D in zip(maps, dictionaries, strict=True):
            x = np.einsum("nk,nkd->nd", values, D[atoms], optimize=True)
            out[rows] = x + 0.02 * rng.standard_normal(x.shape, dtype=np.float32)
    return paths, dictionaries, np.stack([y, a])


def main() -> None:
    """Write, score, measure, delete."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("rows", 100_000), ("dim", 768), ("atoms", 6144), ("classes", 100), ("per-class", 50)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--subsets", type=int, default=3)
    parser.add_argument("--no-baselines", action="store_true")
    chosen = parser.parse_args()
    from nonlinear.intervench.benchmark import intervench
    from nonlinear.intervench.config import Config
    from proofs_check.inputs import open_rows

    with tempfile.TemporaryDirectory(prefix="intervench-") as name:
        paths, dictionaries, (y, a) = write(Path(name), chosen.rows, chosen.dim, chosen.atoms, chosen.classes)
        sources = {s: open_rows(p) for s, p in zip("xy", paths, strict=True)}
        coders = {s: TopK(D) for s, D in zip("xy", dictionaries, strict=True)}
        config = Config(rows_per_class=chosen.per_class, subsets=chosen.subsets)
        start, last, times = time.perf_counter(), time.perf_counter(), {}
        running = "codes"

        def note(text: str, share: float) -> None:
            nonlocal last, running
            now = time.perf_counter()
            times[running], last, running = round(now - last, 1), now, text
            print(f"{share:4.0%} {now - start:7.1f} s {text}", flush=True)

        found = intervench(sources, coders, y, config, forget=a, baselines=not chosen.no_baselines, on_progress=note)
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        json.dumps(
            {
                "configuration": vars(chosen),
                "seconds": round(seconds, 1),
                "peak_gib": round(peak, 2),
                "threads": torch.get_num_threads(),
                "aggregates": {k: round(v["value"], 3) for k, v in found["aggregates"].items()},
                "slowest": dict(sorted(times.items(), key=lambda t: -t[1])[:8]),
            }
        )
    )


if __name__ == "__main__":
    main()

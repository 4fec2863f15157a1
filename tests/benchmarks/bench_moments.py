"""Moments-based CCA and reduced-rank regression against cca-zoo and against the moment products themselves.

    python tests/benchmarks/bench_moments.py [--rows N] [--width D] [--rank K] [--repeats R]

Interleaved runs, medians, and ratios only: absolute times belong to the machine. cca-zoo (`pip install
concept-alignment[bench]`) is skipped, and said so, where it is absent. Targets: at least 4 times faster than cca-zoo
at equal canonical correlations (1e-6), and within 1.3 times the three products XᵀX, XᵀY, YᵀY.
"""

import argparse
import time
from statistics import median

import numpy as np
from threadpoolctl import threadpool_info

from theory.moments import Moments
from theory.solvers import cca, reduced_rank


def data(n: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two float64 domains that share d/4 latents, centred."""
    rng = np.random.default_rng(seed)
    Z = rng.standard_normal((n, d // 4))
    X, Y = (Z @ rng.standard_normal((d // 4, d)) + 4 * rng.standard_normal((n, d)) for _ in range(2))
    return X - X.mean(0), Y - Y.mean(0)


def products(X: np.ndarray, Y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the three moment products and nothing else: the floor."""
    return X.T @ X, X.T @ Y, Y.T @ Y


def peer(rank: int):
    """cca-zoo's CCA as a function of (X, Y), or None where it is not installed."""
    try:
        from cca_zoo.linear import CCA
    except ImportError:
        return None
    return lambda X, Y: CCA(n_components=rank).fit([X, Y])


def correlations(model, X: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """Correlation of each pair of the peer's canonical variates."""
    A, B = (Z - Z.mean(0) for Z in model.transform([X, Y]))
    return np.sum(A * B, axis=0) / np.sqrt(np.sum(A**2, axis=0) * np.sum(B**2, axis=0))


def seconds(run) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--rank", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    X, Y = data(options.rows, options.width)
    k = options.rank
    runs = {
        "products": lambda: products(X, Y),
        "moments": lambda: Moments.from_arrays(X, Y),
        "moments + CCA": lambda: cca.solve(Moments.from_arrays(X, Y), k),
        "moments + RRR": lambda: reduced_rank.solve(Moments.from_arrays(X, Y), k),
    }
    zoo = peer(k)
    if zoo is not None:
        runs["cca-zoo"] = lambda: zoo(X, Y)
        theirs = np.sort(np.abs(correlations(zoo(X, Y), X, Y)))[::-1]
        ours = cca.solve(Moments.from_arrays(X, Y), k).spectrum[:k]
        print(f"largest difference of the {k} canonical correlations: {np.abs(ours - theirs).max():.1e}")
    times = {name: [] for name in runs}
    for _ in range(options.repeats):
        for name, run in runs.items():
            times[name].append(seconds(run))
    medians = {name: median(values) for name, values in times.items()}
    pools = {f"{pool['internal_api']} {pool['version']}": pool["num_threads"] for pool in threadpool_info()}
    print(f"n {options.rows}, {options.width} + {options.width}, k {k}; {options.repeats} repeats; threads {pools}")
    for name in ("moments", "moments + CCA", "moments + RRR"):
        print(f"{name:>14}: {medians[name] / medians['products']:.2f} × the three products")
    if zoo is None:
        print("cca-zoo is not installed: no comparison")
    else:
        for name in ("moments + CCA", "moments + RRR"):
            print(f"{name:>14}: {medians['cca-zoo'] / medians[name]:.1f} × faster than cca-zoo's CCA")


if __name__ == "__main__":
    main()

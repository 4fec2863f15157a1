"""Forward and backward of the sliced ECF distance against an RBF MMD of one bandwidth, in torch.

Prints ratios of medians of interleaved runs, and the threads; a larger ratio is better for the ECF. Run as a script:
``python tests/benchmarks/bench_ecf.py --help``.
"""

import argparse
import statistics
import time

import torch

import nonlinear.ecf  # noqa: F401  registers the form that torch tensors take
from theory import discrepancy


def rbf_by_distances(a, b):
    """RBF MMD as most code bases write it."""

    def mean(x, y):
        return torch.exp(-torch.cdist(x, y).square() / (2 * x.shape[1])).mean()

    return mean(a, a) + mean(b, b) - 2 * mean(a, b)


def rbf_by_products(a, b):
    """RBF MMD with the squares expanded, so that one matrix product does most of the work."""
    rows = torch.cat([a, b])
    squares = rows.square().sum(1)
    gram = torch.exp((rows @ rows.T - squares[:, None] / 2 - squares / 2) / rows.shape[1])
    sign = torch.cat([a.new_full((len(a),), 1 / len(a)), b.new_full((len(b),), -1 / len(b))])
    return sign @ gram @ sign


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name, value in {"n": 2048, "d": 128, "slices": 128, "points": 17, "runs": 15, "threads": 0}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    a, b = torch.randn(args.n, args.d, requires_grad=True), torch.randn(args.n, args.d, requires_grad=True)
    slices = torch.nn.functional.normalize(torch.randn(args.d, args.slices), dim=0)
    grid = discrepancy.t_grid(points=args.points)
    contenders = {
        "sliced ECF": lambda: discrepancy.sliced_ecf(a, b, slices, grid),
        "RBF MMD, distances": lambda: rbf_by_distances(a, b),
        "RBF MMD, products": lambda: rbf_by_products(a, b),
    }
    seconds = {name: [] for name in contenders}
    for run in range(args.runs + 2):
        for name, loss in contenders.items():
            a.grad = b.grad = None
            start = time.perf_counter()
            loss().backward()
            if run >= 2:  # warm-up
                seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    ours = medians.pop("sliced ECF")
    print(f"n {args.n}, d {args.d}, {args.slices} slices × {args.points} points, {torch.get_num_threads()} threads")
    for name, median in medians.items():
        print(f"{name}: {median / ours:.2f} × the time of the sliced ECF")
    faster = min(v for k, v in medians.items() if k.startswith("RBF"))
    print(f"against the faster RBF MMD: {faster / ours:.2f} (target ≥ 3)")


if __name__ == "__main__":
    main()

"""Training speed: against overcomplete's trainer and eai-sparsify's coder, and what coupling two streams costs.

    python tests/benchmarks/bench_train.py [--size small|big] [--threads N] [--slices S] [--only peers|coupling]

small: d 128, m 1024, k 16, B 1024; big: d 768, m 6144, k 32, B 2048; float32, Adam, squared error, the same synthetic
rows. Interleaved runs, medians, ratios only: absolute times belong to the machine. Peers that do not import are left
out, and said so. They come with `pip install 'concept-alignment[bench]'` in an environment of their own; beside a CPU
build of torch, torchvision's operators fail to register until its `_meta_registrations.py` is emptied.

Targets: at least 4 (small) and 5 (big) times overcomplete; faster than eai-sparsify on equal work (TopK); at the larger
size a pair with REC+TR+CC at most 1.25 and with dTR+dCC at most 1.5 times two autoencoders on the same path.
"""

import argparse
import json
import os
import platform
import time
from statistics import median

import numpy as np
import torch

from nonlinear.config import Config
from nonlinear.data import Array
from nonlinear.train import Trainer

SIZES = {"small": (128, 1024, 16, 1024), "big": (768, 6144, 32, 2048)}
STEPS = {"small": 30, "big": 6}


def rows(size: str, streams: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Sparse combinations of 256 common directions, plus noise, float32."""
    d, _, _, B = SIZES[size]
    rng = np.random.default_rng(seed)
    codes = (rng.random((STEPS[size] * B, 256)) < 0.05) * rng.random((STEPS[size] * B, 256))
    noise = [0.05 * rng.standard_normal((len(codes), d)) for _ in range(streams)]
    return {
        s: (codes @ rng.standard_normal((256, d)) + e).astype(np.float32) for s, e in zip("xyz", noise, strict=False)
    }


def ours(size: str, system: str, weights: dict[str, float] | None, threads: int, *, streams: int = 1, **changes):
    """Function that trains as many steps as a pass of the peers takes."""
    _, m, k, B = SIZES[size]
    data = {s: Array(x) for s, x in rows(size, streams).items()}
    config = Config(
        system=system, weights=weights, n_atoms=m, sparsity=k, batch=B, steps=10**6, threads=threads, aux_weight=0.0,
        **({"path": "sparse"} | changes),
    )  # fmt: skip
    trainer, at = Trainer(config, data), [0]

    def run() -> None:
        for _ in range(STEPS[size]):
            trainer.step(at[0])
            at[0] += 1

    return run


def overcomplete(size: str):
    """Its BatchTopK autoencoder under its `train_sae`, without monitoring, as a function; None where it is missing."""
    try:
        import matplotlib as mpl

        mpl.cm.get_cmap = lambda name=None, lut=None: mpl.colormaps[name or "viridis"]  # removed since it was written
        from overcomplete.sae import BatchTopKSAE, train_sae
    except (ImportError, RuntimeError, AttributeError):
        return None
    d, m, k, B = SIZES[size]
    X = torch.from_numpy(rows(size, 1)["x"])
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X), batch_size=B, shuffle=True)
    model = BatchTopKSAE(d, m, top_k=k * B)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)

    def error(x, x_hat, pre_codes, codes, dictionary):
        return ((x - x_hat) ** 2).mean()

    return lambda: train_sae(model, loader, error, optimiser, nb_epochs=1, monitoring=0)


def sparsify(size: str):
    """Its TopK coder in the plain loop that its trainer runs (forward, backward, Adam, unit decoder)."""
    os.environ.setdefault("SPARSIFY_DISABLE_TRITON", "1")  # Triton has no CPU
    try:
        from sparsify import SparseCoder, SparseCoderConfig
    except (ImportError, RuntimeError, AttributeError):
        return None
    d, m, k, B = SIZES[size]
    X = torch.from_numpy(rows(size, 1)["x"])
    model = SparseCoder(d, SparseCoderConfig(num_latents=m, k=k))
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)

    def run() -> None:
        for batch in torch.randperm(len(X)).split(B):
            optimiser.zero_grad()
            model(X[batch]).fvu.backward()
            optimiser.step()
            model.set_decoder_norm_to_unit_norm()

    return run


def timed(runs: dict, repeats: int) -> dict[str, float]:
    """Median wall time of each, interleaved, after a warm-up."""
    times = {name: [] for name in runs}
    for repeat in range(repeats + 1):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            if repeat:
                times[name].append(time.perf_counter() - start)
    return {name: median(t) for name, t in times.items()}


def against_peers(size: str, threads: int, repeats: int) -> dict[str, float]:
    """Ratios peer / ours on equal work."""
    runs = {
        "ours BatchTopK": ours(size, "sae", None, threads),
        "ours TopK": ours(size, "sae", None, threads, selection="topk"),
        "ours dense": ours(size, "sae", None, threads, path="dense"),
        "overcomplete": overcomplete(size),
        "eai-sparsify": sparsify(size),
    }
    missing = [name for name, run in runs.items() if run is None]
    times = timed({name: run for name, run in runs.items() if run is not None}, repeats)
    pairs = {
        "overcomplete": "ours BatchTopK",
        "eai-sparsify": "ours TopK",
        "ours dense": "ours BatchTopK",
    }
    found = {f"{a} / {b}": times[a] / times[b] for a, b in pairs.items() if a in times}
    return found | {f"{name}: not installed": float("nan") for name in missing}


def of_coupling(size: str, threads: int, repeats: int, slices: int) -> dict[str, float]:
    """Ratios pair / two autoencoders, on the same path and rows."""
    instance = {"REC": 1.0, "TR": 1.0, "CC": 1.0}
    runs = {
        "two autoencoders": ours(size, "sae", None, threads, streams=2),
        "REC+TR+CC": ours(size, "cosae", instance, threads, streams=2),
        "REC+TR+CC+dTR+dCC": ours(
            size, "cosae", instance | {"dTR": 1.0, "dCC": 1.0}, threads, streams=2, n_slices=slices
        ),
    }
    times = timed(runs, repeats)
    return {f"{name} / two autoencoders": times[name] / times["two autoencoders"] for name in list(runs)[1:]}


def main() -> None:
    """Print the ratios as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--slices", type=int, default=256, help="random directions of the distributional terms")
    parser.add_argument("--only", choices=("peers", "coupling"))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    found = {}
    if options.only != "coupling":
        found |= against_peers(options.size, options.threads, options.repeats)
    if options.only != "peers":
        found |= of_coupling(options.size, options.threads, options.repeats, options.slices)
    machine = {"cpu": platform.machine() + " " + torch.backends.cpu.get_cpu_capability(), "threads": options.threads}
    ratios = {name: None if np.isnan(r) else round(r, 2) for name, r in found.items()}
    print(
        json.dumps(
            {"size": options.size, "slices": options.slices, **machine, "torch": torch.__version__, "ratios": ratios},
            indent=2,
        )
    )


if __name__ == "__main__":
    main()

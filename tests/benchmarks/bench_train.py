"""Training speed: against a plain loop, overcomplete's trainer and eai-sparsify's coder; what coupling streams costs.

    python tests/benchmarks/bench_train.py [--size small|big|gpu] [--device cpu|cuda] [--threads N] [--slices S]
        [--only peers|coupling] [--out FILE]

small: d 128, m 1024, k 16, B 1024; big: d 768, m 6144, k 32, B 2048; gpu: the same, B 8192; float32 without TF32, Adam,
squared error, the same synthetic rows, resident on the device. Interleaved runs after one that is not counted, a GPU's
queue empty before and after each; medians. What is judged are ratios: absolute times belong to the machine, and are
given beside the name of a GPU only. The plain loop is what one writes down: dense codes by TopK, autograd, fused Adam,
unit atoms. Peers that do not import are left out, and said so. They come with
`pip install 'concept-alignment[bench]'` in an environment of their own; beside a CPU build of torch, torchvision's
operators fail to register until its `_meta_registrations.py` is emptied.

Targets: at least 4 (small) and 5 (big) times overcomplete; faster than eai-sparsify on equal work (TopK); at the larger
size a pair with REC+TR+CC at most 1.25 and with dTR+dCC at most 1.5 times two autoencoders on the same path.
"""

import argparse
import json
import os
import platform
import time
from functools import cache
from pathlib import Path
from statistics import median

import numpy as np
import torch

from nonlinear.config import Config
from nonlinear.data import Array
from nonlinear.train import Trainer

SIZES = {"small": (128, 1024, 16, 1024), "big": (768, 6144, 32, 2048), "gpu": (768, 6144, 32, 8192)}
STEPS = {"small": 30, "big": 6, "gpu": 8}


@cache
def rows(size: str, streams: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Sparse combinations of 256 common directions, plus noise, float32."""
    d, _, _, B = SIZES[size]
    rng = np.random.default_rng(seed)
    codes = (rng.random((STEPS[size] * B, 256)) < 0.05) * rng.random((STEPS[size] * B, 256))
    noise = [0.05 * rng.standard_normal((len(codes), d)) for _ in range(streams)]
    return {
        s: (codes @ rng.standard_normal((256, d)) + e).astype(np.float32) for s, e in zip("xyz", noise, strict=False)
    }


def ours(size: str, system: str, weights: dict[str, float] | None, *, streams: int = 1, **changes):
    """Function that trains as many steps as a pass of the peers takes."""
    _, m, k, B = SIZES[size]
    data = {s: Array(x) for s, x in rows(size, streams).items()}
    config = Config(
        system=system, weights=weights, n_atoms=m, sparsity=k, batch=B, steps=10**6, aux_weight=0.0,
        **({"path": "sparse"} | changes),
    )  # fmt: skip
    trainer, at = Trainer(config, data), [0]

    def run() -> None:
        for _ in range(STEPS[size]):
            trainer.step(at[0])
            at[0] += 1

    return run


def plain(size: str, device: str):
    """One autoencoder in a plain dense loop, as a function that trains for a pass."""
    d, m, k, B = SIZES[size]
    X = torch.from_numpy(rows(size, 1)["x"]).to(device)
    X = (X - X.mean(0)) / (X - X.mean(0)).square().sum(1).mean().sqrt() * d**0.5
    D = torch.nn.functional.normalize(torch.randn(m, d, device=device), dim=1)
    parameters = [D.clone(), torch.zeros(m, device=device), D, torch.zeros(d, device=device)]
    W, b, D, c = (p.requires_grad_() for p in parameters)
    optimiser = torch.optim.Adam([W, b, D, c], lr=1e-3, fused=True)

    def run() -> None:
        for batch in torch.randperm(len(X), device=device).split(B):
            optimiser.zero_grad()
            x = X[batch]
            values, atoms = torch.relu(x @ W.T + b).topk(k, dim=1)
            z = values.new_zeros(len(x), m).scatter(1, atoms, values)
            (z @ D + c - x).square().sum(1).mean().backward()
            optimiser.step()
            with torch.no_grad():
                D.div_(D.norm(dim=1, keepdim=True))

    return run


def overcomplete(size: str, device: str):
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
    model = BatchTopKSAE(d, m, top_k=k * B).to(device)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)

    def error(x, x_hat, pre_codes, codes, dictionary):
        return ((x - x_hat) ** 2).mean()

    return lambda: train_sae(model, loader, error, optimiser, nb_epochs=1, monitoring=0, device=device)


def sparsify(size: str, device: str):
    """Its TopK coder in the plain loop that its trainer runs (forward, backward, Adam, unit decoder)."""
    if device == "cpu":
        os.environ.setdefault("SPARSIFY_DISABLE_TRITON", "1")  # Triton has no CPU
    try:
        from sparsify import SparseCoder, SparseCoderConfig
    except (ImportError, RuntimeError, AttributeError):
        return None
    d, m, k, B = SIZES[size]
    X = torch.from_numpy(rows(size, 1)["x"]).to(device)
    model = SparseCoder(d, SparseCoderConfig(num_latents=m, k=k)).to(device)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)

    def run() -> None:
        for batch in torch.randperm(len(X), device=device).split(B):
            optimiser.zero_grad()
            model(X[batch]).fvu.backward()
            optimiser.step()
            model.set_decoder_norm_to_unit_norm()

    return run


def timed(runs: dict, repeats: int, device: str) -> dict[str, float]:
    """Median wall time of each, interleaved, after a warm-up."""
    times, wait = {name: [] for name in runs}, torch.cuda.synchronize if device != "cpu" else lambda: None
    for repeat in range(repeats + 1):
        for name, run in runs.items():
            wait()
            start = time.perf_counter()
            run()
            wait()
            if repeat:
                times[name].append(time.perf_counter() - start)
    return {name: median(t) for name, t in times.items()}


def against_peers(size: str, repeats: int, device: str, **changes) -> tuple[dict[str, float], dict[str, float]]:
    """Ratios peer / ours on equal work, and the times."""
    runs = {
        "ours BatchTopK": ours(size, "sae", None, device=device, **changes),
        "ours TopK": ours(size, "sae", None, selection="topk", device=device, **changes),
        "ours dense": ours(size, "sae", None, path="dense", device=device, **changes),
        "ours TopK dense": ours(size, "sae", None, selection="topk", path="dense", device=device, **changes),
        "plain loop": plain(size, device),
        "overcomplete": overcomplete(size, device),
        "eai-sparsify": sparsify(size, device),
    }
    missing = [name for name, run in runs.items() if run is None]
    times = timed({name: run for name, run in runs.items() if run is not None}, repeats, device)
    pairs = [
        ("overcomplete", "ours BatchTopK"),
        ("eai-sparsify", "ours TopK"),
        ("ours dense", "ours BatchTopK"),
        ("ours TopK dense", "ours TopK"),
        ("plain loop", "ours TopK"),
        ("plain loop", "ours TopK dense"),
    ]
    found = {f"{a} / {b}": times[a] / times[b] for a, b in pairs if a in times}
    return found | {f"{name}: not installed": float("nan") for name in missing}, times


def of_coupling(size: str, repeats: int, path: str, **changes) -> tuple[dict[str, float], dict[str, float]]:
    """Ratios pair / two autoencoders, on the same path and rows, and the times."""
    instance = {"REC": 1.0, "TR": 1.0, "CC": 1.0}
    every = instance | {"dTR": 1.0, "dCC": 1.0}
    runs = {
        "two autoencoders": ours(size, "sae", None, streams=2, path=path, **changes),
        "REC+TR+CC": ours(size, "cosae", instance, streams=2, path=path, **changes),
        "REC+TR+CC+dTR+dCC": ours(size, "cosae", every, streams=2, path=path, **changes),
    }
    times = timed(runs, repeats, changes["device"])
    note = "" if path == "sparse" else f", {path}"
    found = {f"{name} / two autoencoders{note}": times[name] / times["two autoencoders"] for name in list(runs)[1:]}
    return found, {name + note: t for name, t in times.items()}


def main() -> None:
    """Print the ratios as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--slices", type=int, default=256, help="random directions of the distributional terms")
    parser.add_argument("--only", choices=("peers", "coupling"))
    parser.add_argument("--out", type=Path, help="file for the JSON that is printed")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    given = {"threads": options.threads, "device": options.device}
    ratios, times = {}, {}
    if options.only != "coupling":
        ratios, times = against_peers(options.size, options.repeats, **given)
    # On a GPU it is open which path is faster.
    paths = () if options.only == "peers" else ("sparse",) if options.device == "cpu" else ("sparse", "dense")
    for path in paths:
        found = of_coupling(options.size, options.repeats, path, n_slices=options.slices, **given)
        ratios, times = ratios | found[0], times | found[1]
    document = {"size": options.size, "slices": options.slices}
    document |= {"cpu": platform.machine() + " " + torch.backends.cpu.get_cpu_capability(), "threads": options.threads}
    if options.device == "cuda":
        steps = STEPS[options.size]
        document |= {"gpu": torch.cuda.get_device_name(), "cuda": torch.version.cuda}
        document["milliseconds a step"] = {name: round(1e3 * t / steps, 3) for name, t in times.items()}
    document |= {
        "torch": torch.__version__,
        "ratios": {name: None if np.isnan(r) else round(r, 2) for name, r in ratios.items()},
    }
    text = json.dumps(document, indent=2)
    print(text)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

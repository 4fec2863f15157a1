"""Peak anonymous memory of an audit of a memory-mapped pair that is larger than that memory.

Run as ``python tests/benchmarks/bench_audit_memory.py``: writes 4 GB of temporary files, audits them by the command,
and deletes them. Anonymous memory (RssAnon) leaves out the mapped files, which the kernel may drop at any time.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
BLOCK = 4096
INTERVAL = 0.1


def write_pair(folder: Path, rows: int, dim: int) -> list[Path]:
    """Two float32 domains that share 64 latents with a decaying spectrum, the second through a nonlinearity."""
    rng = np.random.default_rng(0)
    A, B = (rng.standard_normal((64, dim), dtype=np.float32) for _ in range(2))
    scales = np.arange(1, 65, dtype=np.float32) ** -0.5
    paths = [folder / "x.npy", folder / "y.npy"]
    maps = [np.lib.format.open_memmap(p, mode="w+", dtype=np.float32, shape=(rows, dim)) for p in paths]
    for start in range(0, rows, BLOCK):
        count = min(BLOCK, rows - start)
        Z = rng.standard_normal((count, 64), dtype=np.float32) * scales
        for out, signal in zip(maps, (Z @ A, np.tanh(Z @ B)), strict=True):
            out[start : start + count] = signal + 0.5 * rng.standard_normal((count, dim), dtype=np.float32)
    return paths


def anonymous(pid: int) -> int:
    """RssAnon of a process in bytes, 0 once it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon")), 0)


def main() -> None:
    """Write, audit, measure, delete."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--dim", type=int, default=1024)
    parser.add_argument("audit", nargs="*", help="further arguments of the audit, after --")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="audit-memory-") as name:
        folder = Path(name)
        paths = write_pair(folder, chosen.rows, chosen.dim)
        size = sum(p.stat().st_size for p in paths)
        words = [sys.executable, "-m", "proofs_check.cli", "audit", *map(str, paths), "--out", str(folder / "out")]
        start, peak = time.perf_counter(), 0
        process = subprocess.Popen([*words, *chosen.audit], env={**os.environ, "PYTHONPATH": str(ROOT)})
        while process.poll() is None:
            peak = max(peak, anonymous(process.pid))
            time.sleep(INTERVAL)
        seconds = time.perf_counter() - start
        written = sorted(p.name for p in (folder / "out").iterdir()) if process.returncode == 0 else []
    print(
        f"{size / 1e9:.2f} GB in {chosen.rows} rows: exit code {process.returncode}, wrote {written}; peak anonymous "
        f"memory {peak / 1e9:.3f} GB ({peak / size:.0%} of the files), {seconds:.0f} s, "
        f"OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS', 'unset')}, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f}"
    )


if __name__ == "__main__":
    main()

"""Embed all items, batch by batch, into a file that appears when it is complete."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nonlinear.embed.items import Captions, Images
from nonlinear.embed.loading import first_line
from nonlinear.embed.part import SUFFIXES, Part
from nonlinear.embed.tower import Tower
from nonlinear.files import locked

Progress = Callable[[str, float | None], None]


def check_out(out: Path) -> None:
    """Raise ValueError unless rows can be written there.

    Examples
    --------
    >>> check_out(Path("x.pt"))
    Traceback (most recent call last):
    ValueError: x.pt is neither .safetensors nor .npy; name such a file with --out
    """
    if out.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{out} is neither {' nor '.join(SUFFIXES)}; name such a file with --out")
    if out.is_dir():
        raise ValueError(f"{out} is a folder; name a file with --out")


def embed(
    tower: Tower,
    items: Images | Captions,
    out: Path,
    batch: int = 32,
    threads: int | None = None,
    on_progress: Progress = lambda *_: None,
) -> dict[str, Any]:
    """Write row i for item i, float32 [n, d], to `out`, and what it is to OUT.json beside it.

    Batches are always the same items, so that a run that was stopped goes on to the same bytes (on the same kind of
    processor, with the same versions and threads; where one differs, it refuses).

    Parameters
    ----------
    out
        .safetensors or .npy.
    batch
        Items per forward pass.
    threads
        Of torch; by default, as many as it takes by itself.
    on_progress
        Called with (text, share done) after every batch.

    Returns
    -------
    dict
        The content of OUT.json.

    Raises
    ------
    ValueError
        An unreadable item, NaN in a row, a part of another run, another process at the same file.

    Examples
    --------
    >>> class Lengths:
    ...     settings = {"model": "lengths"}
    ...     n_cut = staticmethod(lambda texts: 0)
    ...     __call__ = staticmethod(lambda texts: np.array([[len(t)] for t in texts], np.float32))
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as base:
    ...     found = embed(Lengths(), Captions(Path("a"), ["a", "cat"]), Path(base) / "x.npy")
    ...     np.load(Path(base) / "x.npy").tolist(), found["rows"], found["last"]
    ([[1.0], [3.0]], 2, 'cat')
    """
    if batch < 1 or (threads is not None and threads < 1):
        raise ValueError(f"--batch {batch} and --threads {threads} have to be at least 1")
    check_out(out)
    before = torch.get_num_threads()
    settings = tower.settings | {"batch": batch, "threads": threads or before}
    out.parent.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(settings["threads"])
    try:
        with _alone(out):
            part = Part(out, settings, len(items), items.identity)
            try:
                _fill(part, tower, items, batch, on_progress)
            finally:
                part.close()
            found = settings | {
                "rows": part.rows, "columns": part.columns, "items": part.items.hexdigest(),
                "first": items.names[0], "last": items.names[-1],
                "cut": tower.n_cut(items.names) if items.kind == "captions" else 0,
            }  # fmt: skip
            part.finish(found)
    finally:
        torch.set_num_threads(before)
    return found


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    lock = out.with_name(out.name + ".lock")
    try:
        with locked(lock, wait=False):
            try:
                yield
            finally:
                lock.unlink()
    except BlockingIOError as error:
        raise ValueError(f"another process is writing {out}; wait for it, or name another file with --out") from error


def _fill(part: Part, tower: Tower, items: Images | Captions, batch: int, on_progress: Progress) -> None:
    count, model = len(items), tower.settings["model"]
    while part.rows < count:
        start, stop = part.rows, min(part.rows + batch, count)
        on_progress(f"{start} of {count} {items.kind}", start / count)
        try:
            rows = tower(items.take(start, stop))
        except (RuntimeError, TypeError, IndexError, KeyError) as error:
            hint = (
                "lower --batch" if isinstance(error, torch.OutOfMemoryError) else "look at them, or try another --pool"
            )
            raise ValueError(
                f"{model} fails on {items.names[start]!r} to {items.names[stop - 1]!r}: {first_line(error)}; {hint}"
            ) from error
        if not np.isfinite(rows).all():
            bad = items.names[start + int(np.argwhere(~np.isfinite(rows))[0, 0])]
            raise ValueError(f"{model} gave NaN or infinity for {bad!r}; try --dtype float32")
        part.append(rows)
    on_progress(f"{count} of {count} {items.kind}", 1.0)

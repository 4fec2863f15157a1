"""The command that runs an experiment: all its arms on all cores, resumable, as JSON, CSV and a figure."""

import csv
import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from proofs_check.errors import InputError, one_line

SCHEMA_VERSION = 1
WHATS = "REC", "TR", "CC", "CYC"
# Numbers of arms on scenes: title → column → where it is in a unit.
TRANSFER: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "zero-shot accuracy of translated images": {
        "coders": ("transfer", "coders"),
        "ridge": ("transfer", "ridge"),
        "Procrustes": ("transfer", "procrustes"),
        "own caption": ("transfer", "caption"),
        "coders, shuffled pairs": ("shuffled_transfer", "coders"),
    },
    "hits of the object, two scenes side by side": {
        "codes": ("transfer", "pair_codes"),
        "ridge": ("transfer", "pair_ridge"),
        "codes, the other's caption": ("shuffled_transfer", "pair_codes"),
        "chance": ("transfer", "pair_chance"),
    },
}
Column = Callable[[Mapping[str, Any]], str]


def experiment(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="duality (E1), cycle (E2), unidentifiability (E3), anchoring (E4), methods (E5, E6), digits (E7), "
            "scenes (E8), beyond (E9) or pairs (the rule of `anchors`).",
        ),
    ],
    seeds: Annotated[int, typer.Option(help="Seeds 0, 1, …; each is a data seed and a model seed.")] = 5,
    scale: Annotated[
        str,
        typer.Option(
            help="small: the claims' arms; full: the map around them; weights, rates: what pilot seeds chose."
        ),
    ] = "small",
    pilot: Annotated[
        bool, typer.Option("--pilot", help="Pilot seeds 100, 101, …, on which configurations may be chosen.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder; made if missing. Default: NAME-SCALE.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes. Default: all cores.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout, and nothing else there.")] = False,
) -> None:
    """Run the grid of an experiment; what is stopped goes on where it was.

    Every arm is stored in OUT/arms as it ends, under the hash of its settings and of the sources; the same command goes
    on with the others. At the end OUT has NAME.json, NAME.csv (one line per arm and seed) and NAME.png.

    **Examples**

    - concept-alignment experiment duality --seeds 5
    - concept-alignment experiment anchoring --seeds 5 --scale full --out map
    - concept-alignment experiment methods --scale rates --pilot
    """
    from proofs_check.cli import _json
    from proofs_check.figures.experiment import draw
    from proofs_check.output import complete_folder, replace_text
    from proofs_check.progress import progress

    for option, count in (("--seeds", seeds), ("--workers", workers)):
        if count is not None and count < 1:
            raise InputError(f"{option} {count} has to be at least 1")
    from proofs_check.predictions import PILOT

    first = PILOT[0] if pilot else 0
    if pilot and seeds > len(PILOT):
        raise InputError(f"--seeds {seeds}: there are {len(PILOT)} pilot seeds; lower it")
    folder = out or Path(f"{name}-{scale}{'-pilot' if pilot else ''}")
    with one_line():
        from nonlinear.experiments.grids import tasks

        chosen = tasks(name, scale)
        with complete_folder(folder, ()):
            pass  # that it can be written is found out before the work
        with progress() as on_progress:
            results = rounded(_run(chosen, list(range(first, first + seeds)), folder / "arms", workers, on_progress))
        found = document(name, scale, results)
        replace_text(folder / f"{name}.json", _json(found) + "\n")
        replace_text(folder / f"{name}.csv", tidy(results, found["predictions"]))
        draw(found, folder / f"{name}.png")
    if as_json:
        print(_json(found))
    else:
        _show(results, folder)


def _run(chosen: Sequence[Any], seeds: list[int], folder: Path, workers: int | None, on_progress) -> list[dict]:
    """Results of all tasks, in their order."""
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from multiprocessing import get_context

    done: dict[int, dict] = {}
    count = min(workers or os.cpu_count() or 1, len(chosen))
    pool = ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_one_thread)
    try:
        futures = {pool.submit(_one, task, seeds, folder): number for number, task in enumerate(chosen)}
        on_progress(f"{len(chosen)} arms", 0.0)
        for future in as_completed(futures):
            done[futures[future]] = future.result()
            if not sys.stderr.isatty():  # a log has no bar
                print(f"{len(done)} of {len(chosen)}: {chosen[futures[future]].name}", file=sys.stderr, flush=True)
            on_progress(chosen[futures[future]].name, len(done) / len(chosen))
    except BaseException:
        for process in list((pool._processes or {}).values()):
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return [done[number] for number in sorted(done)]


def _one(task: Any, seeds: list[int], folder: Path) -> dict:
    from nonlinear.experiments.store import Store

    return task.result(seeds, task.run(seeds, Store(folder)))


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def document(name: str, scale: str, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return everything of an experiment as plain data, with what it was run on.

    Examples
    --------
    >>> found = document("cycle", "small", [{"name": "cycle_only", "units": [{"seed": 0, "r2_tr": -0.25}]}])
    >>> found["experiment"], sorted(found["predictions"])
    ('cycle', ['E2.i', 'E2.ii'])
    """
    import platform

    from nonlinear.config import environment
    from nonlinear.experiments.grids import EXPERIMENTS
    from nonlinear.experiments.store import sources_hash
    from proofs_check.predictions import FOLDER, frozen
    from proofs_check.runner import commit

    seeds = {unit["seed"] for result in results for unit in result["units"]}
    files = [p for family in EXPERIMENTS[name].claims for p in sorted(FOLDER.glob(f"{family}.*.json"))]
    stated = {p.stem: frozen(p.stem) for p in files}
    return {
        "schema_version": SCHEMA_VERSION,
        "experiment": name,
        "scale": scale,
        "machine": environment() | {"system": platform.system(), "cores": os.cpu_count()},
        "commit": commit(),
        "sources": sources_hash(),
        # Those that speak of some of these seeds.
        "predictions": {c: f.sha256 for c, f in stated.items() if {model for _, model in f.seeds} & seeds},
        "results": list(results),
    }


def rounded(numbers: Any) -> Any:
    """Plain data with floats to six digits, so that documents stay small.

    Examples
    --------
    >>> rounded({"a": [1.23456789, 2]})
    {'a': [1.23457, 2]}
    """
    if isinstance(numbers, Mapping):
        return {name: rounded(value) for name, value in numbers.items()}
    if isinstance(numbers, list | tuple):
        return [rounded(value) for value in numbers]
    return float(f"{numbers:.6g}") if isinstance(numbers, float) else numbers


def tidy(results: Sequence[Mapping[str, Any]], predictions: Mapping[str, str] | None = None) -> str:
    """Return one line per run and seed: every number by its name, and the hashes of the frozen predictions.

    Examples
    --------
    >>> unit = {"seed": 0, "r2": {"TR": 0.5}, "dead": 0.0}
    >>> print(tidy([{"name": "a", "units": [unit]}], {"E1.i": "c0ffee", "E1.ii": "f00d"}), end="")
    arm,seed,R2_TR,dead,predictions
    a,0,0.5,0.0,E1.i:c0ffee E1.ii:f00d
    """
    lines = []
    for result in results:
        for unit in result["units"]:
            numbers = {k: v for k, v in unit.items() if k != "seed"}
            if isinstance(numbers.get("r2"), Mapping):
                numbers = {"R2": numbers.pop("r2")} | numbers
            lines.append({"arm": result["name"], "seed": unit["seed"]} | _flat(numbers))
    columns = list(dict.fromkeys(k for line in lines for k in line))
    if predictions:
        columns.append("predictions")
        hashes = " ".join(f"{claim}:{sha256[:16]}" for claim, sha256 in predictions.items())
        lines = [line | {"predictions": hashes} for line in lines]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def _flat(numbers: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Numbers under the names of all the mappings that they are in."""
    found: dict[str, Any] = {}
    for name, value in numbers.items():
        found |= _flat(value, f"{before}{name}_") if isinstance(value, Mapping) else {before + name: value}
    return found


def _show(results: Sequence[Mapping[str, Any]], folder: Path) -> None:
    from rich.console import Console

    from proofs_check.real import SCORES

    console = Console()
    agreement: dict[str, Column] = {what: lambda r, what=what: _over_seeds(r, "r2", what) for what in WHATS}
    agreement["CC, joint codes"] = lambda r: _over_seeds(r, "shared", "CC")
    agreement["dead"] = lambda r: _over_seeds(r, "dead")
    agreement["informative bounds"] = lambda r: f"{r['rowwise']['informative']:.0%}" if "rowwise" in r else ""
    arms = [r for r in results if any(_over_seeds(r, "r2", what) for what in WHATS)]
    _table(console, "R² over seeds, mean ± sd; standalone codes, fresh rows", arms, agreement)
    for key, codes in (("scores", "standalone"), ("shared_scores", "joint")):
        scores: dict[str, Column] = {s: lambda r, s=s, key=key: _over_seeds(r, key, s) for s in SCORES}
        _table(console, f"benchmark over seeds, mean ± sd; {codes} codes", results, scores)
    for title, columns in TRANSFER.items():
        numbers: dict[str, Column] = {name: lambda r, keys=k: _over_seeds(r, *keys) for name, k in columns.items()}
        _table(console, f"{title} over seeds, mean ± sd", results, numbers)
    console.print(f"the numbers of every run: {folder}")


def _table(console: Any, title: str, results: Sequence[Mapping[str, Any]], columns: Mapping[str, Column]) -> None:
    """Print a line per arm that has numbers; columns without any, and a table without lines, are left out."""
    from rich.table import Table

    lines = [(r["name"], [column(r) for column in columns.values()]) for r in results]
    lines = [(name, cells) for name, cells in lines if any(cells)]
    shown = [k for k in range(len(columns)) if any(cells[k] for _, cells in lines)]
    if not shown:
        return
    table = Table(pad_edge=False, title=title)
    table.add_column("arm")
    for k in shown:
        table.add_column(list(columns)[k], justify="right")
    for name, cells in lines:
        table.add_row(name, *(cells[k] for k in shown))
    console.print(table)


def _over_seeds(result: Mapping[str, Any], *keys: str) -> str:
    """Mean and standard deviation of a number; empty where no seed has it, the mean alone where one has."""
    from statistics import mean, stdev

    from proofs_check.figures.seeds import numbers

    values = numbers(result["units"], *keys)
    spread = f" ± {stdev(values):.2f}" if len(values) > 1 else ""
    return f"{mean(values):.2f}{spread}" if values else ""

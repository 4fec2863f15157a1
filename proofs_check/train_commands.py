"""The commands that train and evaluate sparse coders; torch is imported when one runs."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from proofs_check import listing
from proofs_check.errors import InputError, one_line

Files = Annotated[
    list[str],
    typer.Argument(metavar="[NAME=]FILE…", help="Streams: .npy, .safetensors or FILE:KEY; named by the file."),
]
Ids = Annotated[
    list[Path] | None,
    typer.Option("--ids", metavar="<path>", help="Ids (.npy) of the points that a stream's rows show; one per stream."),
]
Plugin = Annotated[
    list[Path] | None,
    typer.Option("--plugin", metavar="<path>", help="Python file that registers something of yours; repeat it."),
]


def train(
    system: Annotated[str, typer.Argument(metavar="SYSTEM", help="concept-alignment list systems shows all.")],
    files: Files,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run; made if missing.")],
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="TOML or JSON file of fields; flags win.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the folder's checkpoint, to the same bits.")
    ] = False,
    atoms: Annotated[
        int | None, typer.Option("--atoms", "-m", help="Atoms of every dictionary. Default: 1024.")
    ] = None,
    sparsity: Annotated[
        int | None, typer.Option("--sparsity", "-k", help="Active atoms per code. Default: 16.")
    ] = None,
    weight: Annotated[
        list[str] | None,
        typer.Option("--weight", "-w", metavar="NAME=λ", help="Weight of a property; any given replaces the preset's."),
    ] = None,
    batch: Annotated[int | None, typer.Option(help="Rows of each stream per step. Default: 1024.")] = None,
    steps: Annotated[int | None, typer.Option(help="Steps. Default: 2000.")] = None,
    lr: Annotated[float | None, typer.Option(help="Learning rate. Default: 0.001.")] = None,
    seed: Annotated[
        list[int] | None, typer.Option(metavar="<int>", help="Seed; several train as one batch. Default: 0.")
    ] = None,
    paired: Annotated[
        float | None, typer.Option(help="Share of the points whose rows are known to be pairs. Default: 1.")
    ] = None,
    anchors: Annotated[Path | None, typer.Option(help="Ids (.npy) of the points known to be pairs, instead.")] = None,
    sampling: Annotated[
        str | None, typer.Option(help="disjoint, independent or aligned points in distributional terms.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu or cuda. Default: cpu.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Any other field; a wrong one lists all.")
    ] = None,
    ids: Ids = None,
    plugin: Plugin = None,
) -> None:
    """Train a system of sparse coders on embedding files.

    Rows of the files show the same points in the same order, unless --ids says otherwise. The folder of the run gets
    config.json, metrics.jsonl and checkpoint.safetensors; a run that is killed goes on with --resume.

    **Examples**

    - concept-alignment train cosae clip.npy dino.npy --out run -m 4096 -k 32
    - concept-alignment train cosae a.npy b.npy --out run --paired 0.001 --weight REC=1 --weight dCC=10
    - concept-alignment train sae x=a.npy --out run --resume
    """
    from proofs_check.inputs import open_streams
    from proofs_check.progress import progress

    with one_line():
        from nonlinear import config as configuration
        from nonlinear.train import train as run

        listing.load_files(plugin)
        flags: dict[str, Any] = {
            "system": system, "n_atoms": atoms, "sparsity": sparsity, "batch": batch, "steps": steps, "lr": lr,
            "seeds": seed, "paired": paired, "sampling": sampling, "device": device,
            "weights": _numbers(weight), "anchors": None if anchors is None else _vector(anchors).tolist(),
        }  # fmt: skip
        changes = _fields(set_) | {name: value for name, value in flags.items() if value is not None}
        chosen = configuration.read(config, **changes)
        sources = open_streams(files)
        known = _ids(ids, list(sources))
        with _taken_back(out), progress() as on_progress:
            model = run(chosen, sources, known, out, resume=resume, on_progress=on_progress)
    last = {name: float(values[-1].mean()) for name, values in model.curve.items()}
    print(f"{out}: step {model.step}, " + ", ".join(f"{name} {value:.4g}" for name, value in last.items()))
    if idle := [name for name, values in model.curve.items() if name != "aux" and not values.any()]:
        print(f"{', '.join(idle)}: 0 throughout, because no batch has a pair")
    again = "".join(f" --plugin {path}" for path in plugin or ())
    print(f"next: concept-alignment evaluate {out} {' '.join(files)}{again}")


def evaluate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder that train --out made.")],
    files: Files,
    labels: Annotated[Path | None, typer.Option(help="Class of each point (.npy), for the label Jaccard.")] = None,
    seed: Annotated[int, typer.Option(help="Which of the run's seeds.")] = 0,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for evaluation.json; made if missing.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout, and nothing else there.")] = False,
    ids: Ids = None,
    plugin: Plugin = None,
) -> None:
    """Evaluate a run on embedding files: R² of REC, TR, CC, CYC between all streams, and what must stand beside them.

    Files are taken in the order of the run's streams unless they are named. Codes come from each stream's encoder alone
    (standalone) and, where that differs, from all streams together (shared).

    **Examples**

    - concept-alignment evaluate run clip_test.npy dino_test.npy
    - concept-alignment evaluate run a.npy b.npy --labels classes.npy --json > evaluation.json
    """
    from contextlib import nullcontext

    from proofs_check.cli import _json
    from proofs_check.inputs import open_streams
    from proofs_check.output import complete_folder
    from proofs_check.progress import progress

    with one_line():
        from nonlinear import model as models
        from nonlinear.evaluate import evaluate as measure

        listing.load_files(plugin)
        model = models.load(run)
        if seed not in model.config.seeds:
            raise InputError(f"the run has seeds {', '.join(map(str, model.config.seeds))}, not {seed}; choose one")
        _known(model.config.weights or {})
        sources = open_streams(files, model.shape.streams)
        with complete_folder(out, ("evaluation.json",)) if out else nullcontext() as folder:
            with progress() as on_progress:
                found = measure(
                    model,
                    sources,
                    _ids(ids, list(sources)),
                    seed_index=model.config.seeds.index(seed),
                    labels=None if labels is None else _labels(labels),
                    on_progress=on_progress,
                )
            if folder:
                (folder / "evaluation.json").write_text(_json(found) + "\n", encoding="utf-8")
    if as_json:
        print(_json(found))
    else:
        from rich.console import Console

        from proofs_check.evaluation_table import tables

        Console().print(*tables(found), sep="\n")


def _known(weights: Mapping[str, float]) -> None:
    """Say on stderr which trained properties the report will not show, because no plug-in registers them."""
    from nonlinear.published import PUBLISHED
    from theory.properties import all_properties

    if lost := sorted(set(weights) - {p.name for p in all_properties()} - set(PUBLISHED)):
        print(f"note: the run was trained for {', '.join(lost)}, unknown here; repeat --plugin", file=sys.stderr)


@contextmanager
def _taken_back(out: Path) -> Iterator[None]:
    """Remove what a run that failed before its first line of metrics has made."""
    files = [out / "config.json", out / "metrics.jsonl"]
    new, made = not files[0].exists(), [p for p in (out, *out.parents) if not p.exists()]
    try:
        yield
    except Exception:
        if new and out.is_dir() and not (files[1].exists() and files[1].stat().st_size):
            for file in files:
                file.unlink(missing_ok=True)
            for folder in made:
                if not any(folder.iterdir()):
                    folder.rmdir()
        raise


def _ids(files: Sequence[Path] | None, streams: Sequence[str]) -> dict[str, Any] | None:
    if not files:
        return None
    if len(files) != len(streams):
        raise InputError(f"{len(files)} --ids for {len(streams)} streams; pass one for each, in their order")
    return {s: _vector(f) for s, f in zip(streams, files, strict=True)}


def _vector(path: Path) -> Any:
    from proofs_check.inputs import read_array

    found = read_array(path)
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise InputError(f"{path} has shape {found.shape} and dtype {found.dtype}; save a vector of whole numbers")
    return found


def _labels(path: Path) -> Any:
    from proofs_check.inputs import read_array

    found = read_array(path)
    if found.ndim not in (1, 2) or found.dtype.kind not in "iub":
        raise InputError(
            f"{path} has shape {found.shape} and dtype {found.dtype}; save classes, or one column per class"
        )
    return found


def _numbers(pairs: Sequence[str] | None) -> dict[str, float] | None:
    if not pairs:
        return None
    try:
        return {name: float(value) for name, value in (p.split("=", 1) for p in pairs)}
    except ValueError:
        raise InputError(f"--weight {' '.join(pairs)} is not NAME=NUMBER; pass REC=1 for instance") from None


def _fields(pairs: Sequence[str] | None) -> dict[str, Any]:
    import json

    found: dict[str, Any] = {}
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not equals:
            raise InputError(f"--set {pair} is not FIELD=VALUE; pass n_slices=64 for instance")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found

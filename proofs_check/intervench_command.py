"""The command that scores sparse coders by interventions and probes; torch is imported when it runs."""

import csv
import io
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from proofs_check.embed_command import _room
from proofs_check.errors import InputError, one_line
from proofs_check.train_commands import Files, Plugin, _fields

FILES = "intervench.json", "intervench.csv", "intervench.png"
COLUMNS = "metric", "space", "i", "j", "raw", "gated", "status", "low", "high"


def intervench(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Folder that train --out made, or what the adapter takes.")],
    files: Files,
    labels: Annotated[
        list[Path],
        typer.Option(
            "--labels", metavar="<path>", help="Class of each row (.npy), numbers or text; or one per stream."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the results; made if missing.")],
    forget: Annotated[
        list[Path] | None,
        typer.Option("--forget", metavar="<path>", help="Attribute of each row (.npy) to unlearn; or one per stream."),
    ] = None,
    adapter: Annotated[
        str | None, typer.Option(metavar="<module:function>", help="Reads coders of another library.")
    ] = None,
    codes: Annotated[
        str, typer.Option(help="standalone: each stream's encoder alone; shared: all streams of a point.")
    ] = "standalone",
    seed_of_run: Annotated[int | None, typer.Option(help="Which of the run's seeds. Default: the first.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of splits, subsets and resamples. Default: 0.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Any other field; a wrong one lists all.")
    ] = None,
    baselines: Annotated[
        bool, typer.Option("--baselines/--no-baselines", help="Score coders that learned nothing, too.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout, and nothing else there.")] = False,
    plugin: Plugin = None,
) -> None:
    """Score what sparse coders extract, translate and agree on, by interventions and probes (InterVench, InterVenchA).

    Rows of the files show the same points in the same order; files are taken in the order of the run's streams unless
    they are named.

    *S_ext*, extraction: what a stream's own atoms and codes say about its rows and classes.

    *S_trans*, translation: what is left on another stream, by its dictionary; *S_cons*, consistency: by its codes.

    *S_align* is the mean of the two. All lie between 0 and 1; read them beside the baselines, which learned nothing.

    OUT gets intervench.json, intervench.csv (one line per metric and pair of streams) and intervench.png. Stages are
    kept in OUT/unfinished until all are done: what is stopped goes on by the same command, to the same numbers.

    An adapter is a function (run, names of the streams) → name → coder with encode, decode and dictionary, in a module
    in this folder or one that is installed.

    **Examples**

    - concept-alignment intervench run clip.npy dino.npy --labels classes.npy --out scores
    - concept-alignment intervench run x.npy y.npy --labels classes.npy --forget colour.npy --set headline=10 -o scores
    - concept-alignment intervench saes left=l.npy right=r.npy --adapter my_saes:load --labels classes.npy -o scores
    """
    from proofs_check.cli import _json
    from proofs_check.output import complete_folder
    from proofs_check.progress import progress

    with complete_folder(out, FILES) as folder, progress() as on_progress:
        parts = out / "unfinished"
        with one_line(), _room(), _here(bool(adapter)):
            from nonlinear.intervench.benchmark import intervench as score
            from proofs_check import listing

            on_progress("reading", None)
            listing.load_files(plugin)
            config = _config(_fields(set_) | ({} if seed is None else {"seed": seed}))
            sources, coders, joint, inputs = _opened(run, files, adapter, codes, seed_of_run)
            classes = _by_stream(labels, list(sources), "--labels")
            attribute = _by_stream(forget, list(sources), "--forget") if forget else None
            order = list(coders)
            found = score(
                {s: sources[s] for s in order}, coders, classes, config,
                forget=attribute, joint=joint, baselines=baselines, parts=parts, on_progress=on_progress,
            )  # fmt: skip
        if not adapter and _trained_on(run, sources):
            found["warnings"].append("these are the rows that the run was trained on: score rows that it has not seen")
        inputs |= {"labels": [str(p) for p in labels], "forget": [str(p) for p in forget or ()]}
        found = {"schema_version": found["schema_version"], "inputs": inputs} | found
        on_progress("figure", None)
        _write(found, folder)
    _forget(parts)
    if as_json:
        print(_json(found))
    else:
        from rich.console import Console

        from proofs_check.intervench_table import show

        show(found, Console())


def _opened(
    run: str, files: Sequence[str], adapter: str | None, codes: str, seed: int | None
) -> tuple[Mapping[str, Any], dict[str, Any], Any, dict[str, Any]]:
    """Rows by stream in the order of the files, coders in that of the run, shared codes, and what the document says."""
    from nonlinear import model as models
    from nonlinear.intervench.coders import joint_of_model, of_model
    from proofs_check.inputs import open_streams

    if codes not in ("standalone", "shared"):
        raise InputError(f"--codes {codes} is neither standalone nor shared")
    inputs: dict[str, Any] = {"run": run, "adapter": adapter, "system": None, "seed_of_run": None}
    if adapter:
        from proofs_check.intervench_adapter import coders_of

        if codes == "shared" or seed is not None:
            raise InputError("--codes shared and --seed-of-run are for runs of train; an adapter reads what it likes")
        sources = open_streams(files)
        return sources, coders_of(adapter, run, sources), None, inputs | _named(sources)
    model = models.load(run)
    seeds = model.config.seeds
    if seed is not None and seed not in seeds:
        raise InputError(f"the run has seeds {', '.join(map(str, seeds))}, not {seed}; choose one")
    index = 0 if seed is None else seeds.index(seed)
    coders = of_model(model, index)
    sources = open_streams(files, model.shape.streams)
    widths = {s: sources[s].dim for s in coders}
    if widths != dict(model.shape.widths):
        raise InputError(f"the streams are {widths} wide, those of the run {dict(model.shape.widths)}; mind the order")
    joint = joint_of_model(model, index) if codes == "shared" else None
    if codes == "shared" and joint is None:
        raise InputError(f"a code of {model.config.system} sees one stream alone; leave out --codes shared")
    inputs |= {"system": model.config.system, "seed_of_run": seeds[index]}
    return sources, dict(coders), joint, inputs | _named({s: sources[s] for s in coders})


def _named(sources: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    return {"files": {s: rows.name for s, rows in sources.items()}}


def _config(changes: Mapping[str, Any]) -> Any:
    from pydantic import ValidationError

    from nonlinear.intervench.config import Config

    try:
        return Config(**changes)
    except ValidationError as error:
        first = error.errors()[0]
        where, message = ".".join(map(str, first["loc"])), first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            raise InputError(f"unknown field {where!r}; known: {', '.join(Config.model_fields)}") from None
        if not where:
            raise InputError(message) from None
        raise InputError(f"{where}: {message[0].lower() + message[1:]}, not {first['input']!r}") from None


def _by_stream(paths: Sequence[Path], streams: Sequence[str], option: str) -> Any:
    """One array for all streams, or one for each."""
    from proofs_check.inputs import read_array

    if len(paths) == 1:
        return read_array(paths[0])
    if len(paths) != len(streams):
        raise InputError(f"{len(paths)} {option} for {len(streams)} streams; pass one for all, or one for each")
    return {s: read_array(path) for s, path in zip(streams, paths, strict=True)}


@contextmanager
def _here(wanted: bool) -> Iterator[None]:
    """Make modules of the current folder importable, as for `python -m`."""
    folder = str(Path.cwd())
    if wanted:
        sys.path.insert(0, folder)
    try:
        yield
    finally:
        if wanted:
            sys.path.remove(folder)


def _trained_on(run: str, sources: Mapping[str, Any]) -> bool:
    """Whether sizes and a sample of the rows are those of the training data."""
    from nonlinear import checkpoint
    from nonlinear.run import fingerprint

    return fingerprint(sources) in checkpoint.read(Path(run))[1].get("data", [])


def _forget(parts: Path) -> None:
    """Remove the stages: the document is written."""
    from nonlinear.intervench.parts import Parts

    Parts(parts, "").clear()


def _write(found: Mapping[str, Any], folder: Path) -> None:
    """Write the files; that the document is as the schema says is checked on the very text that is written."""
    from proofs_check.cli import _json
    from proofs_check.figures.intervench import draw
    from proofs_check.intervench_document import Document

    text = _json(found) + "\n"
    Document.model_validate_json(text)
    draw(found, folder / "intervench.png")
    (folder / "intervench.json").write_text(text, encoding="utf-8")
    (folder / "intervench.csv").write_text(tidy(found["metrics"]), encoding="utf-8")


def tidy(metrics: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Return one line per metric, stream i and stream j; what is undefined is empty.

    Examples
    --------
    >>> entry = {"raw": 1.25, "gated": 1.0, "status": "ok", "ci": [0.5, 1.5]}
    >>> print(tidy({"probe/latent": {"x": {"y": entry}}}), end="")
    metric,space,i,j,raw,gated,status,low,high
    probe,latent,x,y,1.25,1.0,ok,0.5,1.5
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for name, matrix in metrics.items():
        metric, _, space = name.partition("/")
        for i, row in matrix.items():
            for j, e in row.items():
                writer.writerow([metric, space, i, j, e["raw"], e["gated"], e["status"], *(e["ci"] or (None, None))])
    return text.getvalue()

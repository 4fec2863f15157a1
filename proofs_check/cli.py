"""The command line. Heavy imports stay inside the commands, so that --help is instant."""

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from proofs_check import (
    anchors_command,
    embed_command,
    experiment_command,
    figures_command,
    intervench_command,
    new_command,
    train_commands,
)
from proofs_check.errors import InputError
from proofs_check.progress import progress

app = typer.Typer(
    name="concept-alignment",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Statements about concept alignment, checked; closed forms and sparse coders on your embeddings.",
    epilog="Start with: **concept-alignment audit --demo**",
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, and nothing else there.")]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the results; made if missing.")]
INTERRUPTED = 130  # as shells count: 128 + SIGINT


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 ok, 1 a verdict is not the expected one, 2 bad input.

    Examples
    --------
    >>> from contextlib import redirect_stderr
    >>> with redirect_stderr(sys.stdout):
    ...     main(["audit", "no.npy", "no.npy"])
    error: no.npy does not exist; check the path
    2
    """
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a λ must not crash a terminal that has none, after all the work
    try:
        with _terminable():
            code = app(args=argv, prog_name="concept-alignment", standalone_mode=False) or 0
    except InputError as error:
        return _fail(str(error))
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except BrokenPipeError:
        # The reader of stdout left (| head); keep Python from complaining again when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except _usage_error() as error:
        message = error.format_message()  # pyright: ignore[reportAttributeAccessIssue]
        # Without a command the help was printed, and the message is empty.
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "concept-alignment"
        return _fail(f"{message} (see {command} --help)") if message else 2
    if code == INTERRUPTED:
        print("interrupted", file=sys.stderr)
    return code


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM unwind the stack, so that unfinished folders and worker processes go."""

    def stop(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not interrupt the cleaning
        raise SystemExit(128 + signal.SIGTERM)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _usage_error() -> type[Exception]:
    # typer carries its own copy of click or depends on click, by version: either way this is UsageError's parent.
    return typer.BadParameter.__mro__[2]


def _fail(message: str) -> int:
    print("error: " + " ".join(message.split()), file=sys.stderr)
    return 2


def _json(document: object) -> str:
    readable = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    return json.dumps(document, indent=2, ensure_ascii=not readable, allow_nan=False)


@app.command()
def audit(
    x: Annotated[
        str | None, typer.Argument(metavar="X", help="Embeddings of domain x: .npy, .safetensors or FILE:KEY.")
    ] = None,
    y: Annotated[
        str | None, typer.Argument(metavar="Y", help="Embeddings of domain y: row i shows the same item.")
    ] = None,
    rank: Annotated[
        int | None,
        typer.Option(
            "--rank", "-k", help="Number of codes. Default: 16, or less if the ranks or a tenth of the rows are."
        ),
    ] = None,
    weight: Annotated[
        list[float] | None,
        typer.Option("--weight", "-w", help="λ of Lemmas 4 and 6; repeat it. Default: 0.1 1 10 100."),
    ] = None,
    ridge: Annotated[
        float,
        typer.Option(help="Added to the covariances, in units of the mean column variance; 0: the paper's problem."),
    ] = 1e-3,
    test_fraction: Annotated[float, typer.Option(help="Share of the rows held out.")] = 0.2,
    shuffles: Annotated[int, typer.Option(help="Shuffled-pairs nulls, each fitted anew.")] = 1,
    demo: Annotated[
        bool, typer.Option("--demo", help="Audit scikit-learn's digits: left half against right half.")
    ] = False,
    out: Out = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Closed forms of alignment on two embeddings of the same items, judged on held-out rows.

    Fits PCA, CCA, both reduced-rank regressions, Lemmas 4 and 6 over λ and the cycle on a training split, and shows the
    R² of reconstruction (REC), translation (TR), concept consistency (CC) and full cycles (CYC) on the other rows, each
    beside the same after shuffling the pairs. Linear CKA, nearest neighbours and Procrustes stand below.

    **Examples**

    - concept-alignment audit --demo --out demo
    - concept-alignment audit clip.npy dino.npy -k 64 --out results
    - concept-alignment audit a.safetensors:layer3 b.safetensors:layer9 -w 1 -w 30 --ridge 0.01 --json > audit.json
    """
    from proofs_check.audit import audit as run
    from proofs_check.audit_config import DEFAULT_WEIGHTS, Config
    from proofs_check.audit_document import document
    from proofs_check.demo import digits
    from proofs_check.inputs import open_rows
    from proofs_check.output import complete_folder

    if demo == (x is not None):
        raise InputError("name two files X and Y, or pass --demo" + (" without files" if demo else ""))
    if not demo and y is None:
        raise InputError(f"{x} has no partner; name two files X and Y")
    weights = tuple(weight) if weight else DEFAULT_WEIGHTS
    config = Config(rank=rank, ridge=ridge, seed=seed, test_fraction=test_fraction, shuffles=shuffles, weights=weights)
    rows_x, rows_y = digits() if demo else (open_rows(str(x)), open_rows(str(y)))
    with complete_folder(out, ("audit.json", "audit.png")) if out else nullcontext() as folder:
        with progress() as on_progress:
            found = document(run(rows_x, rows_y, config, on_progress))
            if folder:
                from proofs_check.figures.audit import draw

                on_progress("figure", None)
                draw(found, folder / "audit.png")
                (folder / "audit.json").write_text(_json(found) + "\n", encoding="utf-8")
    if as_json:
        print(_json(found))
    else:
        from rich.console import Console

        from proofs_check.audit_table import table

        Console().print(table(found))


@app.command()
def verify(
    claim: Annotated[
        list[str] | None, typer.Argument(metavar="CLAIM", help="Ids, L4.ii, or statements, L4. Default: all.")
    ] = None,
    kind: Annotated[
        list[str] | None, typer.Option("--kind", help="Only this kind of evidence (proof, numeric, …); repeat it.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Collect everything anew, without the cache.")] = False,
    plugin: train_commands.Plugin = None,
    out: Out = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Collect the evidence for every claim, compute the verdicts, and hold them against the expected ones.

    Exit code 0: every verdict is the expected one; 1: one is not; 2: bad input. Named claims run together with what
    they rest on. --out DIR writes claims.json and the self-contained page claims.html.

    **Examples**

    - concept-alignment verify --out report
    - concept-alignment verify P1 L4.ii
    - concept-alignment verify X1 --plugin x1.py
    - concept-alignment verify --kind proof --json > proofs.json
    """
    from dataclasses import asdict

    from rich.console import Console

    from proofs_check import report, runner
    from proofs_check.evidence import Run
    from proofs_check.ledger import load
    from proofs_check.listing import load_files
    from proofs_check.output import complete_folder
    from proofs_check.selection import check_kinds, check_some, select

    kinds = kind or []
    check_kinds(kinds)
    if seed < 0:
        raise InputError(f"--seed {seed} is negative; pass a whole number ≥ 0")
    load_files(plugin)
    known = load()
    chosen = select(known, claim or [])
    check_some(chosen, kinds)
    run = Run(seed=seed)
    total = sum(not kinds or k in kinds for c in chosen for k in c.evidence)
    with complete_folder(out, report.FILES) if out else nullcontext() as folder, progress() as on_progress:
        done = 0

        def count(claim_id: str, evidence: str) -> None:
            nonlocal done
            done += 1
            on_progress(f"{claim_id} {evidence}", done / total)

        findings = runner.collect(chosen, kinds, run, fresh=fresh, on_progress=count)
        found = report.assemble(chosen, findings, run, kinds, partial=bool(kinds) or len(chosen) < len(known))
        if folder:
            report.write(found, folder)
    if as_json:
        print(_json(asdict(found)))
    else:
        report.table(found, Console())
    raise typer.Exit(1 if report.mismatches(found) else 0)


app.command()(embed_command.embed)
app.command()(train_commands.train)
app.command()(train_commands.evaluate)
app.command()(intervench_command.intervench)
app.command()(anchors_command.anchors)
app.command()(experiment_command.experiment)
app.command()(figures_command.figures)
app.command()(new_command.new)


@app.command("list")
def list_(
    what: Annotated[str, typer.Argument(metavar="WHAT", help="properties, systems or claims.")],
    plugin: train_commands.Plugin = None,
    as_json: Json = False,
) -> None:
    """List the properties that can be asked for, the systems that can be trained, or the claims that are checked.

    **Examples**

    - concept-alignment list properties
    - concept-alignment list claims --json
    """
    from proofs_check import listing

    if what not in listing.TABLES:
        raise InputError(f"there is no list of {what!r}; choose {' or '.join(listing.TABLES)}")
    listing.load_files(plugin)
    if as_json:
        print(_json(listing.TABLES[what]()))
    else:
        listing.show(what)


if __name__ == "__main__":
    sys.exit(main())

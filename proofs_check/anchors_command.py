"""The command that says how many pairs two embedding files need."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict
from math import ceil, isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from theory.anchors.answer import Answer

SCHEMA_VERSION = 1
FILES = "anchors.json", "anchors.png"


def anchors(
    x: Annotated[
        str, typer.Argument(metavar="X", help="Rows of x, what is translated: .npy, .safetensors or FILE:KEY.")
    ],
    y: Annotated[str, typer.Argument(metavar="Y", help="Rows of y; any number, of any points.")],
    target: Annotated[float, typer.Option("--target", "-t", help="R² on fresh rows that you want.")] = 0.8,
    ceiling: Annotated[
        float | None, typer.Option(help="R² that all pairs would give, if you know it. Default: .8 to 1, nearer to 1.")
    ] = None,
    paired: Annotated[
        bool, typer.Option("--paired", help="Row i of both files shows the same point: measure Σxy, too.")
    ] = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the results; made if missing.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout, and nothing else there.")] = False,
) -> None:
    """Say how many matched pairs two embeddings need, and whether losses of laws can spare some.

    X and Y need no pairs. For rows, the answer is the number of pairs from which ridge regression of y on x reaches the
    target: a 90 % interval over a prior of what Σxy may be, given both spectra (theorem C2, learning curves). For
    sparse codes, mostly zeros and none negative, it is the number that matches their atoms (theorem C5). Beside it
    stands whether losses of laws can help: whether random slices see a rotation at all (F3), and how many independent
    components are not Gaussian (C4). Hypotheses that fail on these files are named.

    **Examples**

    - concept-alignment anchors clip.npy dino.npy --target 0.6
    - concept-alignment anchors codes_a.npy codes_b.npy --out result
    - concept-alignment anchors left.npy right.npy --paired --json
    """
    from proofs_check.anchors import anchors as answer
    from proofs_check.cli import _json
    from proofs_check.inputs import open_rows
    from proofs_check.output import complete_folder
    from proofs_check.progress import progress

    rows_x, rows_y = open_rows(x), open_rows(y)
    with complete_folder(out, FILES) if out else nullcontext() as folder, progress() as on_progress:
        found = answer(rows_x, rows_y, target, ceiling, paired, seed, on_progress)
        made = document(found, [(r.name, len(r), r.dim) for r in (rows_x, rows_y)], seed)
        if folder:
            from proofs_check.figures.anchors_needed import draw

            draw(made, folder / "anchors.png")
            (folder / "anchors.json").write_text(_json(made) + "\n", encoding="utf-8")
    if as_json:
        print(_json(made))
    else:
        _show(found)


def document(found: "Answer", files: Sequence[tuple[str, int, int]], seed: int) -> dict[str, Any]:
    """Return the answer as plain data; null stands for a number that does not exist.

    Examples
    --------
    >>> from theory.anchors.answer import Answer, Needed
    >>> found = Answer("rows", 0.8, None, False, Needed(1.0, 2.0, float("inf")), {}, {})
    >>> document(found, [("x", 9, 2), ("y", 8, 2)], 0)["needed"]
    {'low': 1.0, 'median': 2.0, 'high': None}
    """
    from proofs_check.audit_document import _plain, _version

    head = {
        "schema_version": SCHEMA_VERSION,
        "versions": {name: _version(name) for name in ("concept-alignment", "numpy", "scipy", "scikit-learn")},
        "seed": seed,
        "inputs": [dict(zip(("name", "rows", "dim"), file, strict=True)) for file in files],
    }
    return head | _plain(asdict(found))


def sentence(found: "Answer") -> str:
    """Return the number of pairs in words.

    Examples
    --------
    >>> from theory.anchors.answer import Answer, Needed
    >>> sentence(Answer("rows", 0.8, None, False, Needed(12.0, 20.2, float("inf")), {}, {}))
    'R² = 0.8 by ridge regression of y on x needs about 21 pairs (90 % interval: 12 or more)'
    """
    what = "ridge regression of y on x" if found.kind == "rows" else "matching the atoms of both codes"
    low, median, high = (ceil(v) if isfinite(v) else None for v in vars(found.needed).values())
    asked = f"R² = {found.target:g} by {what}"
    if low is None:
        return f"{asked} is out of reach of any number of pairs; ask for less"
    kind = "range" if found.paired else "90 % interval"  # with the pairs known, only the excess of practice is drawn
    interval = f"{kind}: {low} or more" if high is None else f"{kind}: {low} to {high}"
    return f"{asked} needs {'an unknown number of' if median is None else f'about {median}'} pairs ({interval})"


def _show(found: "Answer") -> None:
    from rich.console import Console

    console = Console(highlight=False, markup=False)  # names of files may hold brackets
    console.print(sentence(found), style="bold", soft_wrap=True)
    how = "measured" if found.paired else "as given"
    known = (
        "unknown, taken between 0.8 and 1; if it is less, more pairs are needed than this"
        if found.ceiling is None
        else f"{found.ceiling:.2f}, {how}"
    )
    console.print(f"R² of all pairs: {known}", style="dim", soft_wrap=True)
    console.print(f"Can losses of laws help? {found.laws['text']}", soft_wrap=True)
    for line in found.failed:
        console.print(f"hypothesis fails: {line}", style="yellow", soft_wrap=True)
    for line in found.notes:
        console.print(f"note: {line}", style="dim", soft_wrap=True)

"""The command that draws every figure again, and says what each was made from."""

from pathlib import Path
from typing import Annotated

import typer

from proofs_check.errors import InputError


def figures(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Which figures. Default: all.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the results; made if missing.")] = Path(
        "figures"
    ),
    known: Annotated[
        bool, typer.Option("--list", help="Only say what there is, and from which configuration.")
    ] = False,
) -> None:
    """Draw figures again, as PNG and as PDF, and say from which configuration each was made.

    Figures of experiments show the stored runs of proofs_check/data/experiments/; the others compute what they show,
    from a fixed seed. The module of each lies in proofs_check/figures/. `experiment NAME` draws the figure of runs of
    your own.

    **Examples**

    - concept-alignment figures --out figures
    - concept-alignment figures l5 duality --out figures
    - concept-alignment figures --list
    """
    from proofs_check.figures.catalogue import catalogue
    from proofs_check.figures.style import save
    from proofs_check.output import complete_folder
    from proofs_check.progress import progress

    there = catalogue()
    chosen = list(dict.fromkeys(names or there))
    if unknown := [name for name in chosen if name not in there]:
        raise InputError(f"there is no figure {unknown[0]!r}; there are {', '.join(there)}")
    if not known:
        files = [f"{name}.{kind}" for name in chosen for kind in ("png", "pdf")]
        with complete_folder(out, files) as folder, progress() as on_progress:
            for number, name in enumerate(chosen):
                on_progress(name, number / len(chosen))
                made = there[name].make()
                for kind in ("png", "pdf"):
                    save(made, folder / f"{name}.{kind}")
    for name in chosen:
        module = f"proofs_check/figures/{there[name].module}.py"
        print(f"{name}  {module}\n    {there[name].configuration}")

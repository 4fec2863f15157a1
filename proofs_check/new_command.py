"""The command that begins an extension: a commented file to fill in, and its tests."""

import re
from enum import StrEnum
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path
from typing import Annotated

import typer

from proofs_check.errors import InputError


class Kind(StrEnum):
    """What can be added by one file.

    Examples
    --------
    >>> [str(kind) for kind in Kind]
    ['what', 'level', 'claim', 'system']
    """

    WHAT = "what"
    LEVEL = "level"
    CLAIM = "claim"
    SYSTEM = "system"


def new(
    kind: Annotated[
        Kind,
        typer.Argument(
            metavar="KIND",
            help="what: two things that should agree; level: how agreement is asked for; claim: a statement with its "
            "evidence; system: sparse coders and what they train.",
        ),
    ],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name: same_mean, STABLE, X1.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for both files; made if missing.")] = Path(),
) -> None:
    """Write the commented template of a what, a level, a claim or a system, and the tests that it has to pass.

    NAME.py registers the new thing when it is imported; test_NAME.py fails, and says what is missing, until NAME.py is
    filled in. Then it is known by name: to `train` and `evaluate` (loss, metric, a line in the report), to `list`, and
    to `verify` (rows and columns of the implications, a verdict).

    **Examples**

    - concept-alignment new level same_mean
    - concept-alignment new claim X1 --out mine
    """
    from proofs_check.listing import load_plugins
    from proofs_check.output import complete_folder

    load_plugins()
    module = re.sub(r"\W+", "_", name).strip("_").lower()
    if not module.isidentifier():
        raise InputError(f"{name!r} makes no file name; begin with a letter, then letters, digits and _")
    if iskeyword(module) or (find_spec(module) is not None and not (out / f"{module}.py").exists()):
        raise InputError(f"Python has {module!r} already, and would take one for the other; choose another NAME")
    _free(kind, name, module)
    texts = render(kind, name, module)
    if there := [file for file in texts if (out / file).exists()]:
        raise InputError(f"{out / there[0]} exists; choose another NAME or --out")
    with complete_folder(out, tuple(texts)) as folder:
        for file, text in texts.items():
            (folder / file).write_text(text, encoding="utf-8")
    print(f"1. fill in {out / f'{module}.py'}\n2. run: python -m pytest {out / f'test_{module}.py'}")
    use = "verify" if kind == Kind.CLAIM else "train or evaluate or list"
    print(f"3. use it: concept-alignment {use} … --plugin {out / f'{module}.py'}; or install it, with")
    print(f'   [project.entry-points."concept_alignment.plugins"]\n   {module} = "{module}"')


def render(kind: str, name: str, module: str) -> dict[str, str]:
    """Return file name → text of a template and of its tests.

    Examples
    --------
    >>> texts = render("level", "same_mean", "same_mean")
    >>> sorted(texts), "class SameMean(Level)" in texts["same_mean.py"]
    (['same_mean.py', 'test_same_mean.py'], True)
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    templates = Environment(
        loader=PackageLoader("proofs_check"), undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True
    )  # no autoescape: the texts are Python
    words = {
        "kind": kind,
        "name": name,
        "module": module,
        "constant": module.upper(),
        "class_name": "".join(part.capitalize() for part in module.split("_")),
        "prefix": _prefix(module) if kind == Kind.LEVEL else "",
    }
    files = {f"{module}.py": f"new_{kind}.py.j2", f"test_{module}.py": "new_test.py.j2"}
    return {file: templates.get_template(template).render(words) for file, template in files.items()}


def _prefix(module: str) -> str:
    """Return the shortest beginning of the name that gives no property the name of another."""
    from nonlinear.published import PUBLISHED
    from theory.properties import LEVELS, WHATS, all_properties

    taken = {p.name for p in all_properties()} | set(PUBLISHED)
    for end in range(1, len(module) + 1):
        prefix = module[:end]
        if prefix not in LEVELS and not taken & {prefix + what for what in WHATS}:
            return prefix
    return module + "_"


def _free(kind: str, name: str, module: str) -> None:
    """Raise an InputError where the name is taken."""
    if kind == Kind.SYSTEM:
        from nonlinear.systems import SYSTEMS as TAKEN
    elif kind == Kind.CLAIM:
        from proofs_check.ledger import load

        TAKEN = {claim.id for claim in load()}
    else:
        from theory.properties import WHATS as TAKEN

        name = module.upper() if kind == Kind.WHAT else ""
    if name in TAKEN:
        raise InputError(f"there is a {kind} called {name!r}; choose another NAME (see concept-alignment list)")

"""What there is: the registered properties, the systems and the claims."""

from collections.abc import Callable, Sequence
from pathlib import Path

from proofs_check.errors import InputError


def load_plugins() -> None:
    """Register the properties of installed packages; an :class:`InputError` names the one that is broken.

    Examples
    --------
    >>> from importlib.metadata import EntryPoint
    >>> from unittest.mock import patch
    >>> broken = [EntryPoint("mine", "no_such", "concept_alignment.plugins")]
    >>> with patch("theory.properties.entry_points", return_value=broken):
    ...     load_plugins()  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    proofs_check.errors.InputError: the plug-in no_such cannot be loaded: ... mend or uninstall it
    """
    from theory import properties

    try:
        properties.load_plugins()
    except ValueError as error:
        raise InputError(f"{error}; mend or uninstall it") from error


def load_files(plugins: Sequence[Path] | None) -> None:
    """Import the user's files, and the plug-ins of installed packages.

    Raises
    ------
    InputError
        When one is missing, is no Python file, or raises.

    Examples
    --------
    >>> load_files([Path("no.py")])
    Traceback (most recent call last):
    proofs_check.errors.InputError: no.py does not exist; check the path
    """
    import importlib.util
    import sys

    load_plugins()
    for path in plugins or ():
        if not path.exists():
            raise InputError(f"{path} does not exist; check the path")
        name = f"concept_alignment_plugin_{path.stem}"
        spec = importlib.util.spec_from_file_location(name, path) if path.suffix == ".py" and path.is_file() else None
        if spec is None or spec.loader is None:
            raise InputError(f"{path} is no Python file; pass one that calls theory.properties.register")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except Exception as error:  # whatever a stranger's module raises
            raise InputError(f"{path} cannot be loaded: {type(error).__name__}: {error}; mend it") from error


def properties() -> list[dict]:
    """Every WHAT at every LEVEL, as plain data.

    Examples
    --------
    >>> {p["name"]: p["text"] for p in properties()}["dCC"]
    'concept consistency: f_i(x_i) = f_j(x_j) in distribution'
    """
    from theory.properties import all_properties

    return [
        {
            "name": p.name,
            "space": p.what.space,
            "edges": p.what.edges,
            "readings": list(p.readings),
            "invariant": sorted(p.invariant),
            "text": p.what.text + _asked(p.level),
        }
        for p in all_properties()
    ]


def _asked(level: object) -> str:
    from theory.levels import Distribution, Instance

    if isinstance(level, Instance):
        return ""
    return " in distribution" if isinstance(level, Distribution) else f" (level {type(level).__name__})"


def claims() -> list[dict]:
    """Every claim, as plain data.

    Examples
    --------
    >>> first = claims()[0]
    >>> first["id"], first["expected"], first["evidence"]
    ('P1.i', 'verified', ['proof', 'numeric', 'necessity', 'mutants'])
    """
    from proofs_check.ledger import load
    from proofs_check.report import reading_order

    return [
        {
            "id": c.id,
            "title": c.title,
            "locator": c.locator,
            "expected": str(c.expect),
            "corrects": c.corrects or None,
            "evidence": list(c.evidence),
            "formula": c.formula,
            "statement": c.statement,
        }
        for c in reading_order(load())
    ]


def systems() -> list[dict]:
    """Every system that can be trained, as plain data; the weights are those of two streams.

    Examples
    --------
    >>> {s["name"]: s["weights"] for s in systems()}["cosae"]
    ['REC 1', 'TR 1', 'CC 1', 'dTR 1', 'dCC 1']
    """
    from nonlinear.systems import SYSTEMS

    return [
        {
            "name": s.name,
            "selection": s.selection,
            "sharing": s.sharing,
            "edges": s.edges,
            "weights": [f"{name} {weight:g}" for name, weight in s.terms(2).items()],
            "text": s.text,
        }
        for s in SYSTEMS.values()
    ]


TABLES: dict[str, Callable[[], list[dict]]] = {"properties": properties, "systems": systems, "claims": claims}
SHOWN = {
    "properties": ("name", "space", "edges", "readings", "text"),
    "systems": ("name", "selection", "sharing", "edges", "weights", "text"),
    "claims": ("id", "expected", "title", "locator"),
}


def show(what: str) -> None:
    """Print the list as a table.

    Examples
    --------
    >>> from contextlib import redirect_stdout
    >>> from io import StringIO
    >>> with redirect_stdout(StringIO()) as shown:
    ...     show("systems")
    >>> shown.getvalue().splitlines()[1].replace("┃", " ").split()
    ['name', 'selection', 'sharing', 'edges', 'weights', 'text']
    """
    from rich.console import Console
    from rich.table import Table

    table = Table(pad_edge=False)
    for column in SHOWN[what]:
        table.add_column(column, no_wrap=column in ("name", "id"))
    for entry in TABLES[what]():
        cells = (entry[column] for column in SHOWN[what])
        table.add_row(*(", ".join(cell) if isinstance(cell, list) else cell for cell in cells))
    Console().print(table)

"""Every figure by its name: from which configuration it is made, and how to make it again."""

import importlib
import json
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from proofs_check import figures
from proofs_check.figures import experiment
from proofs_check.figures.demonstrations import DEMONSTRATIONS

STORED = Path(figures.__file__).parent.parent / "data" / "experiments"


@dataclass(frozen=True)
class Entry:
    """One figure.

    Parameters
    ----------
    module
        The file in ``proofs_check/figures/`` that draws it.
    configuration
        What it shows: data, sizes, seeds, machine.
    make
        Draws it anew.

    Examples
    --------
    >>> catalogue()["duality"].module
    'region'
    """

    module: str
    configuration: str
    make: Callable[[], Figure]


def catalogue() -> dict[str, Entry]:
    """Name → figure: those of stored experiments, and every module here that needs no document.

    A module without document has ``figure(seed=0)`` and says its sizes in ``CONFIGURATION``; a second figure of an
    experiment names it in ``EXPERIMENT``. They are found by that. Figures of a user's files show a demonstration.

    Examples
    --------
    >>> sorted(catalogue())[:2]
    ['anchoring', 'anchoring-weights']
    """
    found = {_name(path): _of_experiment(path) for path in sorted(STORED.glob("*.json"))}
    for part in pkgutil.iter_modules(figures.__path__):
        module = importlib.import_module(f"{figures.__name__}.{part.name}")
        if hasattr(module, "CONFIGURATION"):
            found[part.name] = Entry(part.name, module.CONFIGURATION, module.figure)
        if hasattr(module, "EXPERIMENT"):
            source = found[module.EXPERIMENT]
            made = partial(_from_stored, module.figure, module.EXPERIMENT)
            found[f"{module.EXPERIMENT}-{part.name}"] = Entry(part.name, source.configuration, made)
    return found | {name: Entry(module, words, make) for name, (words, module, make) in DEMONSTRATIONS.items()}


def stored(name: str) -> dict[str, Any]:
    """Document of an experiment at full scale as it is kept in the package, or of "NAME-weights" and "methods-rates".

    Raises
    ------
    FileNotFoundError
        No experiment of this name is kept.

    Examples
    --------
    >>> stored("duality")["scale"]
    'full'
    """
    known = {_name(path): path for path in STORED.glob("*.json")}
    if name not in known:
        raise FileNotFoundError(f"no document of {name!r} is kept; there are {', '.join(sorted(known))}")
    return json.loads(known[name].read_text(encoding="utf-8"))


def origin(document: Mapping[str, Any]) -> str:
    """Return where the numbers of an experiment's document come from, in a line.

    Examples
    --------
    >>> origin({"experiment": "cycle", "scale": "small", "commit": "0123456789", "results": [],
    ...     "machine": {"torch": "2.13.0", "system": "Linux", "cores": 2, "processor": "x86_64"}})
    'cycle, small: no runs; commit 012345678, Linux, 2 cores, torch 2.13.0'
    """
    seeds = sorted({unit["seed"] for result in document["results"] for unit in result["units"]})
    runs = f"{len(document['results'])} arms, seeds {seeds[0]} to {seeds[-1]}" if seeds else "no runs"
    machine, (commit, *changed) = document["machine"], document["commit"].split("+")
    return (
        f"{document['experiment']}, {document['scale']}: {runs}; commit {'+'.join([commit[:9], *changed])}, "
        f"{machine['system']}, {machine['cores']} cores, torch {machine['torch']}"
    )


def _from_stored(draw: Callable[[Mapping[str, Any]], Figure], name: str) -> Figure:
    return draw(stored(name))


def _name(path: Path) -> str:
    return path.stem.removesuffix("-full")


def _of_experiment(path: Path) -> Entry:
    document = stored(_name(path))
    module = "weights" if document["scale"] == "weights" else experiment.FIGURES[document["experiment"]].__module__
    configuration = f"proofs_check/data/experiments/{path.name} ({origin(document)})"
    return Entry(module.rpartition(".")[2], configuration, lambda: experiment.figure(document))

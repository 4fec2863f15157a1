"""The scores of the benchmark as tables in the terminal, from their JSON document."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from proofs_check.audit_table import number

SCORES = {
    "S_ext": "extraction",
    "S_trans": "translation",
    "S_cons": "consistency",
    "S_align": "alignment",
}
METRICS = {
    "r2": "R²",
    "faithfulness": "faithfulness",
    "probe": "sparse probe",
    "unlearning": "unlearning",
    "tpp": "TPP",
}
# Stand-ins of the same width, for terminals that lack the characters.
PLAIN = str.maketrans("→²–×≥", ">2-x>")
# Letters for the entries of a status, and pairs that are shown one by one.
ROOM, PAIRS = 24, 6


def show(document: Mapping[str, Any], console: Console) -> None:
    """Print the tables; a terminal without arrows and squares gets > and 2 instead.

    Examples
    --------
    >>> import io
    >>> entry = {"raw": -0.5, "gated": 0.0, "status": "gated", "ci": None}
    >>> stream = {"rows": 90, "columns": 3, "atoms": 8, "dead": 0.25, "l0": 2.0}
    >>> document = {"inputs": {"run": "run", "adapter": "mine:load", "system": None, "seed_of_run": None},
    ...     "domains": {"x": stream}, "n_pairs": 90, "classes": [0, 1], "attribute": [], "codes": "standalone",
    ...     "config": {"gate": 0.5, "headline": 5}, "metrics": {"tpp/latent": {"x": {"x": entry}}}, "scr": {},
    ...     "cycle": {}, "ceiling": {}, "dense_probe": {"x": 0.9}, "majority": {"x": 0.5}, "baselines": {},
    ...     "aggregates": {"S_ext": {"value": 0.625, "ci": [0.5, 0.75]}}, "warnings": []}
    >>> show(document, Console(file=(file := io.StringIO()), width=100))
    >>> "0.62" in file.getvalue(), "gated x→x" in file.getvalue()
    (True, True)
    """
    with console.capture() as captured:
        console.print(*_tables(document), sep="\n")
    text = captured.get()
    console.file.write(text if console.encoding.startswith("utf") else text.translate(PLAIN))


def _tables(document: Mapping[str, Any]) -> list[RenderableType]:
    """Tables of the scores, of what they are means of, and of what stands beside them; then warnings."""
    parts: list[RenderableType] = [_heading(document), _aggregates(document), _metrics(document), _streams(document)]
    if document["cycle"]:
        parts.append(_pairs(document))
    parts += [Text(line, style="dim") for line in _legend(document)]
    return [*parts, *(Text(f"warning: {w}", style="yellow") for w in document["warnings"])]


def _heading(document: Mapping[str, Any]) -> Text:
    inputs = document["inputs"]
    by = f"read by {inputs['adapter']}" if inputs["adapter"] else f"{inputs['system']}, seed {inputs['seed_of_run']}"
    forget = f", {len(document['attribute'])} values to forget" if document["attribute"] else ""
    return Text(
        f"{inputs['run']}: {by}, {document['codes']} codes; {document['n_pairs']} points, "
        f"{len(document['classes'])} classes{forget}",
        style="bold",
    )


def _table(*headers: str) -> Table:
    shown = Table(pad_edge=False, padding=(0, 1))
    for position, header in enumerate(headers):
        shown.add_column(header, justify="right" if position else "left", overflow="fold")
    return shown


def _aggregates(document: Mapping[str, Any]) -> Table:
    baselines = document["baselines"]
    shown = _table("score", "coders", "95 % interval", *baselines)
    for name, found in document["aggregates"].items():
        low, high = found["ci"]
        beside = (number(b["aggregates"].get(name)) for b in baselines.values())
        label, interval = f"{name}, {SCORES[name]}", f"{number(low)} to {number(high)}"
        shown.add_row(label, Text(number(found["value"]), style="bold"), interval, *beside)
    return shown


def label(metric: str) -> str:
    """Name of a metric, with its space.

    Examples
    --------
    >>> label("r2"), label("probe/latent")
    ('R²', 'sparse probe, latent')
    """
    name, _, space = metric.partition("/")
    return METRICS[name] + (f", {space}" if space else "")


def _metrics(document: Mapping[str, Any]) -> Table:
    shown = _table("mean over streams", "i→i", "raw", "i→j", "raw")
    shown.add_column("status", overflow="fold")
    for metric, matrix in document["metrics"].items():
        shown.add_row(label(metric), *_means(matrix), Text(_status(matrix)))
    if document["scr"]:
        shown.add_section()
    for space, matrix in document["scr"].items():
        shown.add_row(f"SCR (in no score), {space}", *_means(matrix), Text(_status(matrix)))
    return shown


def _means(matrix: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Means of the diagonal and off it, of gated and of raw values."""
    found = []
    for same in (True, False):
        entries = [e for i, row in matrix.items() for j, e in row.items() if (i == j) == same]
        found += [_mean([e["gated"] for e in entries if "gated" in e]), _mean([e["raw"] for e in entries])]
    return found


def _mean(values: Sequence[float | None]) -> str:
    defined = [v for v in values if v is not None]
    return number(fmean(defined) if defined else None)


def _status(matrix: Mapping[str, Mapping[str, Any]]) -> str:
    edges: dict[str, list[str]] = {}
    for i, row in matrix.items():
        for j, entry in row.items():
            for word in entry["status"].split(", "):
                edges.setdefault(word, []).append(f"{i}→{j}")
    edges.pop("ok", None)
    total = sum(map(len, matrix.values()))
    return "; ".join(f"{word} {_some(named, total)}" for word, named in edges.items())


def _some(named: Sequence[str], total: int) -> str:
    words = "everywhere" if len(named) == total > 1 else ", ".join(named)
    return words if len(words) <= ROOM else f"at {len(named)} of {total}"


def _streams(document: Mapping[str, Any]) -> Table:
    shown = _table("stream", "rows × columns", "atoms", "dead", "L0", "dense probe", "largest class")
    for s, d in document["domains"].items():
        sizes = f"{d['rows']} × {d['columns']}", str(d["atoms"]), f"{d['dead']:.1%}", number(d["l0"])
        shown.add_row(Text(s), *sizes, number(document["dense_probe"][s]), number(document["majority"][s]))
    return shown


def _pairs(document: Mapping[str, Any]) -> Table:
    ceiling, cycle, metrics = document["ceiling"], document["cycle"], document["metrics"]
    shown = _table("pair", "R² of the cycle i→j→i", *(f"{s} probe, of ceiling" for s in ceiling))
    pairs = [(i, j) for i in document["domains"] for j in document["domains"] if i != j]
    groups = {f"{i}→{j}": [(i, j)] for i, j in pairs} if len(pairs) <= PAIRS else {"mean over pairs": pairs}
    for name, group in groups.items():
        cells = [_mean([cycle[f"{i}->{j}->{i}"] for i, j in group])]
        for s, below in ceiling.items():
            probes = _mean([metrics[f"probe/{s}"][i][j]["raw"] for i, j in group])
            cells.append(f"{probes} of {_mean([below[f'{i}->{j}'] for i, j in group])}")
        shown.add_row(Text(name), *cells)
    return shown


def _legend(document: Mapping[str, Any]) -> list[str]:
    config = document["config"]
    return [
        "i→j: designed on stream i, evaluated on j. Clipped to [0, 1]; 0 where gated or undefined.",
        f"gated: the sparse probe ({config['headline']} atoms per class) is below {config['gate']:g} there."
        "   undefined: nothing to lose.",
        "latent: the dictionary against rows.   concept: codes.   ceiling: atoms of i, weights fitted on j.",
        "TPP: targeted probe perturbation.   SCR: spurious correlation removal.",
    ]

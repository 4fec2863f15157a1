"""The evaluation of a run as tables in the terminal, from its JSON document."""

from collections.abc import Callable, Mapping
from typing import Any

from rich.columns import Columns
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from proofs_check.audit_table import number

# What the document holds and the terminal does not show, so that no note speaks of it.
UNSHOWN = {"firing", "firing_entropy", "decoders"}
NAMED = 4
Cell = Callable[[Mapping[str, Any]], Text]


def tables(document: Mapping[str, Any]) -> list[RenderableType]:
    """Tables of R² with the null beneath each number, then what must stand beside them, and notes.

    Parameters
    ----------
    document
        As :func:`nonlinear.evaluate.evaluate` returns it, or as read from evaluation.json.

    Examples
    --------
    >>> import io
    >>> from rich.console import Console
    >>> entry = {"value": 0.25, "shuffled": -1.5, "rows": 9}
    >>> stream = {"rows": 9, "l0": 2.0, "dead": 0.5, "code_variance": 1.25}
    >>> codes = {"r2": {"REC": {"x": None, "y": None}, "TR": {"x": {"y": entry}, "y": {"x": None}}},
    ...     "streams": {"x": stream, "y": None}, "pairs": {"x": {"y": None}}, "distances": {}, "retrieval": {}}
    >>> document = {"system": "transcoder", "atoms": 8, "sparsity": 2, "training_seed": 0, "steps": 5, "points": 9,
    ...     "matched_points": 9, "streams": {"x": {"rows": 9, "width": 3}, "y": {"rows": 9, "width": 2}},
    ...     "standalone": codes, "shared": {"same_as": "standalone"},
    ...     "undefined": {"standalone/r2/TR/y/x": "y is never encoded"}}
    >>> console = Console(file=io.StringIO(), width=80, record=True)
    >>> console.print(*tables(document))
    >>> shown = console.export_text()
    >>> "0.25" in shown, "-1.50" in shown, "not defined: TR y→x (y is never encoded)" in shown
    (True, True, True)
    """
    modes = {m: document[m] for m in ("standalone", "shared") if "r2" in document.get(m, ())}
    parts = _heading(document)
    for mode, codes in modes.items():
        if len(modes) > 1:
            parts.append(Text(_MODES[mode], style="bold"))
        beside = _sampled(codes) if mode == "standalone" or len(modes) == 1 else []
        parts += [Columns([_matrix("R²", "shuffled pairs", codes["r2"], _r2), *beside], padding=(0, 2))]
        parts.append(_streams(codes["streams"]))
        if any(pair for row in codes["pairs"].values() for pair in row.values()):
            parts.append(_pairs(codes["pairs"]))
        if labels := codes.get("label_jaccard"):
            parts.append(Text(f"label Jaccard {number(labels['all'])}, of live atoms {number(labels['live'])}"))
    return [*parts, *_legend(len(modes) > 1), *(Text(f"note: {n}", style="yellow") for n in _notes(document, modes))]


_MODES = {
    "standalone": "standalone codes: each from its own stream alone",
    "shared": "shared codes: from all streams of a point, so that they agree in part by construction",
}


def _heading(document: Mapping[str, Any]) -> list[RenderableType]:
    sizes = [f"{s}: {d['rows']} rows × {d['width']}" for s, d in document["streams"].items()]
    if len(sizes) > 1:
        sizes.append(f"{document['matched_points']} of {document['points']} points in two streams or more")
    return [
        Text(
            f"{document['system']}, {document['atoms']} atoms, k = {document['sparsity']}, "
            f"seed {document['training_seed']}, {document['steps']} steps",
            style="bold",
        ),
        Text("   ".join(sizes)),
    ]


def _matrix(title: str, beneath: str, values: Mapping[str, Any], cell: Cell) -> Table:
    """Table with one row per quantity and stream i, and one column per stream j."""
    shown = Table(pad_edge=False, padding=(0, 1))
    shown.add_column(f"{title}\n[dim]{beneath}[/]", overflow="fold")
    streams = list(dict.fromkeys(s for below in values.values() for s in below))
    for s in streams:
        shown.add_column(Text(f"→ {s}"), justify="right")
    for what, below in values.items():
        if all(_is_row(below[s]) for s in below):
            rows = {f"{what} {i} →": below[i] for i in below if below[i]}
        else:  # of a stream with itself
            rows = {what: below}
        for label, row in rows.items():
            shown.add_row(Text(label), *(_at(row, s, cell) for s in streams))
        if rows:
            shown.add_section()
    return shown


def _is_row(found: Any) -> bool:
    """Whether this maps streams to entries; an entry holds numbers."""
    return isinstance(found, Mapping) and all(v is None or isinstance(v, Mapping) for v in found.values())


def _at(row: Mapping[str, Any], s: str, cell: Cell) -> Text:
    if s not in row:
        return Text("")
    return Text("–") if row[s] is None else cell(row[s])


def _two(above: str, below: str | None) -> Text:
    return Text(above) if below is None else Text(above).append("\n").append(below, style="dim")


def _r2(entry: Mapping[str, Any]) -> Text:
    return _two(number(entry["value"]), number(entry["shuffled"]) if "shuffled" in entry else None)


def _short(value: float | None) -> str:
    return "–" if value is None else f"{value:.2g}"


def _sampled(codes: Mapping[str, Any]) -> list[RenderableType]:
    """Tables of what is measured on a sample."""
    laws, recall, found = _some(codes["distances"]), _some(codes["retrieval"]), []
    if laws:
        found += [_matrix("distance of laws", "bias taken off", laws, _law)]
    for measure, below in _by_measure(codes.get("levels", {})).items():
        found += [_matrix(measure, "shuffled pairs", below, lambda e: _two(_short(e["value"]), _short(e["shuffled"])))]
    if recall:
        sizes = [str(n) for n in sorted(_galleries(recall))]
        rows = f"of {' to '.join(dict.fromkeys((sizes[0], sizes[-1])))} rows" if sizes else ""
        named = {name.replace("_", " "): below for name, below in recall.items()}
        found += [_matrix("recall@1", rows, named, lambda e: Text(_short(e["recall@1"])))]
    return found


def _by_measure(levels: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Further levels by what their numbers are called, with the value where the property holds."""
    found: dict[str, dict[str, Any]] = {}
    for name, below in levels.items():
        rows = [*below.values()] if all(_is_row(v) for v in below.values()) else [below]
        entry = next((e for row in rows for e in row.values() if e), None)
        if entry is not None:
            found.setdefault(f"{entry['measure']}, {entry['best']:g} where it holds", {})[name] = below
    return found


def _law(entry: Mapping[str, Any]) -> Text:
    return _two(_short(entry["unbiased"]), _short(entry["floor"]))


def _galleries(found: Any) -> set[int]:
    if not isinstance(found, Mapping):
        return set()
    inside = (_galleries(v) for v in found.values())
    return {found["gallery"]} if isinstance(found.get("gallery"), int) else set().union(*inside)


def _some(values: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the quantities that exist for some stream."""
    return {name: below for name, below in values.items() if any(below[s] != {} for s in below)}


def _streams(streams: Mapping[str, Any]) -> Table:
    shown = Table(pad_edge=False, padding=(0, 1))
    for header in ("codes", "L0", "dead atoms", "code variance"):
        shown.add_column(header, justify="left" if header == "codes" else "right")
    for s, d in streams.items():
        cells = ("–", "–", "–") if d is None else (number(d["l0"]), f"{d['dead']:.1%}", _short(d["code_variance"]))
        shown.add_row(Text(s), *cells)
    return shown


_PAIRS: dict[str, Cell] = {
    "support Jaccard\n[dim]shuffled pairs[/]": lambda p: _two(
        number(p["support_jaccard"]), number(p["support_jaccard_shuffled"])
    ),
    "firing together\n[dim]of either firing[/]": lambda p: Text(number(p["iou"])),
    "correlation of atoms\n[dim]same number[/]": lambda p: _matched(p["matching"]),
    "matched to the\nsame number": lambda p: Text("–" if p["matching"] is None else _percent(p["matching"]["fixed"])),
}


def _matched(matching: Mapping[str, Any] | None) -> Text:
    return Text("–") if matching is None else _two(number(matching["matched"]), number(matching["identity"]))


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


def _pairs(pairs: Mapping[str, Any]) -> Table:
    shown = Table(pad_edge=False, padding=(0, 1))
    shown.add_column("streams")
    for header in _PAIRS:
        shown.add_column(header, justify="right")
    for i, row in pairs.items():
        for j, pair in row.items():
            shown.add_row(Text(f"{i}, {j}"), *(Text("–") if pair is None else cell(pair) for cell in _PAIRS.values()))
    return shown


def _legend(shared: bool) -> list[Text]:
    lines = [
        "R²: 1 is perfect, 0 no better than the mean, below 0 worse. Beneath: its mean over all shuffled pairings.",
        "CC is no agreement where codes have collapsed or shrunk: read it with L0, dead atoms, code variance and REC.",
        "Distances of laws are unbiased, about 0 for equal ones and negative at times.   – not defined",
    ]
    if shared:
        lines.append("Distances and retrieval of shared codes, which know the pairing, are in the JSON.")
    return [Text(line, style="dim") for line in lines]


def _notes(document: Mapping[str, Any], modes: Mapping[str, Any]) -> list[str]:
    """One line per reason, with the first of the numbers that it leaves undefined."""
    by_reason: dict[str, dict[str, None]] = {}
    for path, reason in document["undefined"].items():
        mode, *rest = path.split("/")
        if mode in modes and not UNSHOWN & set(rest):
            by_reason.setdefault(reason, {})[_named(rest)] = None
    return [_note(list(names), reason) for reason, names in by_reason.items()]


def _note(names: list[str], reason: str) -> str:
    more = len(names) - NAMED
    rest = f" and {more} more" if more > 0 else ""
    return f"not defined: {', '.join(names[:NAMED])}{rest} ({reason})"


def _named(path: list[str]) -> str:
    """("r2", "TR", "x", "y") → "TR x→y"."""
    group, *rest = path
    if group in ("streams", "pairs"):
        return f"codes of {' and '.join(rest[:2])}"
    name, *streams = rest or [group]
    return f"{name.replace('_', ' ')} {'→'.join(streams[:2])}".strip()

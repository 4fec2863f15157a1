"""The audit as a table in the terminal, from its JSON document."""

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

PROVED, FREE = "✓", "°"


def table(document: dict) -> RenderableType:
    """Table of R² with the null beneath each number, then correlations, similarities and notes.

    Examples
    --------
    >>> import io
    >>> import numpy as np
    >>> from rich.console import Console
    >>> from proofs_check.audit import Config, audit
    >>> from proofs_check.audit_document import document
    >>> from proofs_check.inputs import Rows
    >>> X = np.random.default_rng(0).standard_normal((50, 2))
    >>> console = Console(file=io.StringIO(), width=100, record=True)
    >>> console.print(table(document(audit(Rows("x", X), Rows("y", X), Config(rank=1, weights=())))))
    >>> "CCA" in console.export_text()
    True
    """
    inputs, rows, rank = document["inputs"], document["rows"], document["rank"]["used"]
    title = (
        f"x: {inputs['x']['name']} ({inputs['x']['dim']} columns, rank {inputs['x']['rank']})   "
        f"y: {inputs['y']['name']} ({inputs['y']['dim']} columns, rank {inputs['y']['rank']})"
    )
    parts: list[RenderableType] = [
        Text(title, style="bold"),
        Text(
            f"k = {rank} codes, ridge {document['config']['ridge']:g}, "
            f"fitted on {rows['train']} rows, R² on {rows['test']} held-out row{'s' * (rows['test'] != 1)}"
        ),
    ]
    if document["forms"]:
        parts += [_forms(document["forms"]), *_legend(document), _correlations(document["spectrum"], rank)]
    parts.append(_similarity(document["similarity"]))
    parts += [Padding(Text(f"note: {note}", style="yellow"), (0, 0)) for note in document["notes"]]
    return Group(*parts)


def number(value: float | None) -> str:
    """Two decimals that fit a narrow column; a dash where there is no value.

    Examples
    --------
    >>> number(0.125), number(-0.001), number(None), number(-12345.0)
    ('0.12', '0.00', '–', '-1e+04')
    """
    if value is None:
        return "–"
    return f"{value:.2f}".replace("-0.00", "0.00") if abs(value) < 1000 else f"{value:.0e}"


def _forms(forms: list[dict]) -> Table:
    shown = Table(pad_edge=False, padding=(0, 1))
    # On a narrow terminal the labels wrap, and the numbers stay whole.
    shown.add_column("closed form\n[dim]shuffled pairs[/]", overflow="fold")
    for name in forms[0]["measures"]:
        shown.add_column(name.replace(" ", "\n", 1), justify="right", no_wrap=True)
    for form in forms:
        certificate = form["certificate"]
        proved = f" {PROVED}" if certificate and certificate["certified"] else ""
        shown.add_row(form["label"] + proved, *(_cell(m) for m in form["measures"].values()))
    return shown


def _cell(measure: dict) -> Text:
    cell = Text(number(measure["value"]))
    if measure["value"] is None:
        return cell
    if not measure["determined"]:
        cell.append(FREE)
        cell.stylize("dim")
    return cell.append("\n").append(number(measure["null"]), style="dim")


def _legend(document: dict) -> list[Text]:
    widths = [
        m["interval"][1] - m["interval"][0]
        for form in document["forms"]
        for m in form["measures"].values()
        if m["determined"] and m["interval"] and m["interval"][0] is not None
    ]
    shuffles = document["config"]["shuffles"]
    lines = [
        "R²: 1 is perfect, 0 no better than the mean, below 0 worse. For whitened codes CC is about 2ρ − 1 for the "
        "mean correlation ρ: 0 means ρ = ½.",
        f"Beneath: the mean over {shuffles} shuffled pairing{'s' * (shuffles != 1)}, fitted anew "
        "(Lemmas 4 and 6 in the span of 2k leading directions).",
        f"{FREE} left free by the closed form (the value belongs to one arbitrary choice)   – not defined   "
        f"{PROVED} proved to be the global optimum",
    ]
    if widths:
        lines.append(
            f"95 % intervals are {min(widths):.2g} to {max(widths):.2g} wide; "
            "they cover the held-out rows only, not the fit."
        )
    return [Text(line, style="dim") for line in lines]


def _correlations(spectrum: dict, k: int) -> Table:
    count = min(k, 7)
    title = "canonical correlations" + (f", the first {count} of {k}" if count < k else "")
    shown = Table(title=title, title_justify="left", pad_edge=False)
    shown.add_column("", no_wrap=True)
    for i in range(count):
        shown.add_column(str(i + 1), justify="right")
    for key, label in (
        ("train", "training rows"),
        ("test", "held-out rows"),
        ("null_train", "shuffled: training"),
        ("null_test", "shuffled: held-out"),
    ):
        style = "dim" if key.startswith("null") else ""
        shown.add_row(label, *(number(v) for v in spectrum[key][:count]), style=style)
    return shown


def _similarity(similarity: dict) -> Table:
    shown = Table(title="similarity on held-out rows", title_justify="left", pad_edge=False)
    for header in ("", "value", "shuffled"):
        shown.add_column(header, justify="right" if header else "left")
    k = similarity["mutual_nearest_neighbours"]["k"] or "–"
    labels = {
        "cka": "linear CKA, debiased",
        "mutual_nearest_neighbours": f"common nearest neighbours (of {k})",
        "procrustes": "Procrustes",
    }
    for key, label in labels.items():
        shown.add_row(label, number(similarity[key]["value"]), number(similarity[key]["null"]))
    return shown

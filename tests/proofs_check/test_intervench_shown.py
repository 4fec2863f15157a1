"""What the benchmark shows: its document and schema, its tables, and its figure."""

import io
import json
from importlib.resources import files

import numpy as np
import pytest
from pydantic import ValidationError
from rich.console import Console

from nonlinear.intervench.config import Config
from proofs_check import intervench_document as documents
from proofs_check.figures import intervench as figures
from proofs_check.intervench_table import PLAIN, show

SHIPPED = json.loads(files("proofs_check").joinpath("data/intervench.schema.json").read_text(encoding="utf-8"))


def valid(schema, value, root=None):
    """Whether a value is as a JSON schema says, of the keywords that ours uses."""
    known = {"$schema", "$defs", "title", "description", "default"}
    known |= {"$ref", "anyOf", "const", "enum", "type", "minimum", "maximum", "minItems", "maxItems", "prefixItems"}
    known |= {"items", "properties", "required", "additionalProperties", "propertyNames"}
    assert set(schema) <= known, set(schema) - known
    root = root or schema
    if "$ref" in schema:
        return valid(root["$defs"][schema["$ref"].rpartition("/")[2]], value, root)
    if "anyOf" in schema:
        return any(valid(s, value, root) for s in schema["anyOf"])
    if "const" in schema or "enum" in schema:
        return value in schema.get("enum", [schema.get("const")])
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool}
    if schema["type"] == "null":
        return value is None
    if not isinstance(value, kinds[schema["type"]]) or (isinstance(value, bool) and schema["type"] != "boolean"):
        return False
    if isinstance(value, int | float):
        return schema.get("minimum", value) <= value <= schema.get("maximum", value)
    if isinstance(value, list):
        kinds = [*schema.get("prefixItems", []), *[schema.get("items")] * len(value)]
        long_enough = schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value))
        return long_enough and all(valid(s, v, root) for s, v in zip(kinds, value, strict=False))
    if isinstance(value, dict):
        fields, others = schema.get("properties", {}), schema.get("additionalProperties", {})
        if not set(schema.get("required", [])) <= set(value) or (others is False and set(value) - set(fields)):
            return False
        names = schema.get("propertyNames")
        if names and not all(valid(names | {"type": "string"}, k, root) for k in value):
            return False
        return all(valid(fields.get(k, others), v, root) for k, v in value.items())
    return True


DOMAIN = {"rows": 90, "columns": 7, "atoms": 12, "dead": 0.25, "ablation_counts": [1], "l0": 2.5}


def document(names="xy", unlearning=True, baselines=("identity", "pca", "random"), seed=0):
    """A document of random numbers, as the schema wants it."""
    rng, names = np.random.default_rng(seed), list(names)
    statuses = "ok", "gated", "undefined", "ok, near the gate", "gated, near the gate"

    def matrix(entry):
        return {i: {j: entry() for j in names} for i in names}

    def entry():
        status = statuses[rng.integers(5)]
        raw = None if status == "undefined" else float(rng.uniform(-1, 1.5))
        gated = float(np.clip(raw, 0, 1)) if raw is not None and "gated" not in status else 0.0
        return {"raw": raw, "gated": gated, "status": status, "ci": None if raw is None else [raw - 0.1, raw + 0.1]}

    kinds = ("probe", "unlearning", "tpp") if unlearning else ("probe", "tpp")
    metrics = ["r2", "faithfulness", *(f"{k}/{s}" for s in ("latent", "concept") for k in kinds)]
    scores = ["S_ext", "S_trans", "S_cons", "S_align"] if len(names) > 1 else ["S_ext"]
    off = [(i, j) for i in names for j in names if i != j]
    share = lambda: float(rng.random())  # noqa: E731
    removal = lambda: {"A": share(), "B": share(), "removed": share(), "raw": None, "status": "undefined"}  # noqa: E731
    return {
        "schema_version": 1,
        "inputs": {
            "run": "r$u$n", "adapter": None, "system": "cosae", "seed_of_run": 0, "files": {}, "labels": ["y.npy"],
            "forget": [],
        },
        "config": json.loads(Config().model_dump_json()), "seed": 0, "versions": {},
        "domains": {s: {**DOMAIN} for s in names},
        "n_pairs": 90, "classes": ["a", "b"], "attribute": [0, 1] if unlearning else [], "codes": "standalone",
        "metrics": {m: matrix(entry) for m in metrics},
        "cycle": {f"{i}->{j}->{i}": share() - 0.5 for i, j in off},
        "curves": {s: matrix(lambda: {str(k): share() for k in Config().budgets}) for s in ("latent", "concept")},
        "ceiling": {s: {f"{i}->{j}": share() for i, j in off} for s in ("latent", "concept")},
        "dense_probe": {s: share() for s in names}, "majority": {s: share() for s in names},
        "selected_atoms": {"atoms/latent/x": [[1, -1]]},
        "scr": {s: matrix(removal) for s in ("latent", "concept")} if unlearning else {},
        "baselines": {
            b: {"metrics": {}, "aggregates": {n: share() for n in scores}, "n_rows": 9} for b in baselines
        },
        "aggregates": {n: {"value": share(), "ci": [0.0, 1.0], "metrics": ["r2"]} for n in scores},
        "warnings": ["something is odd"],
    }  # fmt: skip


# Name → (change of a good document, whether the schema can say it).
WRONG = {
    "missing": (lambda d: d.pop("ceiling"), True),
    "unknown": (lambda d: d.update(more=1), True),
    "version": (lambda d: d.update(schema_version=2), True),
    "text for a number": (lambda d: d["cycle"].update({"x->y->x": "high"}), True),
    "beyond one": (lambda d: d["metrics"]["r2"]["x"]["y"].update(gated=1.5), True),
    "unknown status": (lambda d: d["metrics"]["r2"]["x"]["y"].update(status="fine"), True),
    "interval of three": (lambda d: d["aggregates"]["S_ext"].update(ci=[0, 0.5, 1]), True),
    "unknown score": (lambda d: d["aggregates"].update(S_all=d["aggregates"]["S_ext"]), True),
    "half an entry": (lambda d: d["metrics"]["r2"]["x"]["y"].pop("ci"), True),
    "a pair short": (lambda d: d["metrics"]["r2"]["x"].pop("y"), False),
}


def test_the_shipped_schema_is_that_of_the_models():
    assert documents.schema() == json.dumps(SHIPPED, indent=2, ensure_ascii=False) + "\n"
    for good in (document(), document("x", False, ()), document("vwxyz")):
        assert valid(SHIPPED, good)
        documents.Document.model_validate_json(json.dumps(good))


@pytest.mark.parametrize("case", WRONG)
def test_wrong_documents_are_refused_by_both(case):
    change, by_schema = WRONG[case]
    wrong = document()
    change(wrong)
    assert valid(SHIPPED, wrong) == (not by_schema)
    with pytest.raises(ValidationError):
        documents.Document.model_validate_json(json.dumps(wrong))


def shown(found, width=100, encoding="utf-8"):
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace", newline="")
    show(found, Console(file=file, width=width))
    file.flush()
    return file.buffer.getvalue().decode(encoding)


def cells(text, start):
    (line,) = (line for line in text.splitlines() if line.lstrip("│|").startswith(start))
    return [c.strip() for c in line.strip("│|").replace("|", "│").split("│")][1:]


def mean(values):
    defined = [v for v in values if v is not None]
    return f"{np.mean(defined):.2f}" if defined else "–"


@pytest.mark.parametrize("names", ["x", "xy", "vwxyz"])
def test_every_mean_stands_in_its_row(names):
    found = document(names)
    text = shown(found)
    assert max(map(len, text.splitlines())) <= 100
    start = {
        "r2": "R²",
        "probe/latent": "sparse probe, latent",
        "tpp/concept": "TPP, concept",
        "unlearning/concept": "unlearning, concept",
    }
    for metric, row in start.items():
        matrix, expected = found["metrics"][metric], []
        for same in (True, False):
            entries = [matrix[i][j] for i in names for j in names if (i == j) == same]
            expected += [mean([e["gated"] for e in entries]), mean([e["raw"] for e in entries])]
        assert cells(text, row)[:4] == expected
    assert "warning: something is odd" in text


def test_status_names_the_pairs_or_counts_them():
    found = document()
    for i in "xy":
        for j in "xy":
            found["metrics"]["tpp/latent"][i][j]["status"] = "ok" if i == j else "gated, near the gate"
            found["metrics"]["tpp/concept"][i][j]["status"] = "undefined"
    assert cells(shown(found), "TPP, latent")[4] == "gated x→y, y→x; near the gate x→y, y→x"
    assert cells(shown(found), "TPP, concept")[4] == "undefined everywhere"
    many = document("vwxyz")
    for i, row in many["metrics"]["tpp/latent"].items():
        for j in row:
            row[j]["status"] = "ok" if i == j else "gated"
    assert cells(shown(many), "TPP, latent")[4] == "gated at 20 of 25"


def test_a_terminal_without_arrows_gets_the_same_table():
    found = document()
    plain = shown(found, encoding="ascii")
    assert "?" not in plain
    assert "x>y" in plain
    assert "R2 of the cycle i>j>i" in plain
    letters = "".join(c for c in shown(found).translate(PLAIN) if c.isalnum())
    assert "".join(c for c in plain if c.isalnum()) == letters


def test_names_of_streams_are_no_markup():
    assert "[red]x" in shown(document(["[red]x", "[/]"]))


@pytest.mark.parametrize(
    ("names", "unlearning", "baselines"),
    [
        ("xy", True, ("identity", "pca", "random")),
        (["a$b$", "a-stream-of-a-long-name", "z"], False, ("pca",)),
        ("x", False, ()),
    ],
)
def test_the_figure_shows_every_matrix_and_score(tmp_path, names, unlearning, baselines):
    found = document(names, unlearning, baselines)
    made = figures.figure(found)
    maps = {a.get_title(loc="left"): a for a in made.findobj(lambda o: hasattr(o, "images")) if a.images}
    assert len(maps) == len(found["metrics"])
    for metric, title in {"r2": "R²", "faithfulness": "faithfulness", "tpp/concept": "TPP, concept"}.items():
        matrix, axes = found["metrics"][metric], maps[title]
        values = [[matrix[i][j]["gated"] for j in names] for i in names]
        np.testing.assert_array_equal(axes.images[0].get_array(), values)
        texts = {tuple(t.get_position()): [] for t in axes.texts}
        for t in axes.texts:
            texts[tuple(t.get_position())].append(t.get_text())
        for row, i in enumerate(names):
            for column, j in enumerate(names):
                assert texts[column, row][0].startswith(f"{matrix[i][j]['gated']:.2f}")
    said = {t.get_text() for t in made.findobj(lambda o: hasattr(o, "get_text"))}
    assert {f"{s['value']:.2f}" for s in found["aggregates"].values()} <= said
    assert set(baselines) <= said
    figures.draw(found, tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 10_000

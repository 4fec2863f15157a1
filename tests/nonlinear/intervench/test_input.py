"""Bad input to the benchmark: one line that says what is wrong and how to mend it, and never NaN in a result."""

import json
import re

import numpy as np
import pytest

from nonlinear.data import Array
from nonlinear.intervench import coders
from nonlinear.intervench.planted import ATOMS, WIDTH, PlantedCoder, planted

from .shared import CHEAP, EDGES, entry, finite, score

N = 500
MENDS = re.compile(r"give|leave|train again|see nonlinear|pairs, row r|name one|put its folder|write for instance")


@pytest.fixture
def data():
    return planted(N, 0)


def replaced(data, **fields):
    return type(data)(**{k: fields.get(k, getattr(data, k)) for k in ("sources", "coders", "labels", "forget")})


def refused(message, function, *arguments):
    with pytest.raises(ValueError, match=message) as caught:
        function(*arguments)
    line = str(caught.value)
    assert "\n" not in line
    assert MENDS.search(line), line
    return line


def bad_labels():
    y = np.arange(N) % 10
    few, one = y.copy(), y.copy()
    few[(y == 3) & (np.arange(N) > 200)] = 4
    one[y == 3] = 4
    one[0] = 3
    return {
        "another length": (y[:-1], r"labels have shape \(499,\) and stream 'A' has 500 rows"),
        "a column": (y[:, None], r"labels have shape \(500, 1\)"),
        "a single class": (np.zeros(N, dtype=int), "the labels have a single class, 0"),
        "a class of few rows": (few, r"class 3 has 4 rows of 'A' among the validation rows, and needs 5"),
        "a class of one row": (one, r"class 3 has \d rows of 'A' among the fit rows, and needs 5"),
        "broken numbers": (np.where(y == 0, np.nan, y), "labels have dtype float64"),
        "objects": (np.array([None, *y[1:]]), "labels have dtype object"),
        "a stream without": ({"A": y}, "labels of stream 'B' are missing"),
    }


@pytest.mark.parametrize("name", bad_labels())
def test_labels(data, name):
    labels, message = bad_labels()[name]
    refused(message, score, replaced(data, labels=labels))


def bad_forget(y):
    return {
        "another length": (np.zeros(N + 1, dtype=int), r"forget have shape \(501,\)"),
        "a single value": (np.ones(N, dtype=int), "the forget attribute has a single value, 1"),
        "the label": (y, "the forget attribute is the label itself"),
        "the label by other names": (np.array(list("jihgfedcba"))[y], "the forget attribute is the label itself"),
        "a stream without": ({"B": y % 2}, "forget of stream 'A' are missing"),
    }


@pytest.mark.parametrize("name", bad_forget(np.zeros(N, dtype=int)))
def test_forget_attributes(data, name):
    forget, message = bad_forget(data.labels["A"])[name]
    refused(message, score, replaced(data, forget=forget))


def test_a_forget_attribute_that_depends_on_the_classes_is_a_warning(data):
    y = data.labels["A"]
    found = score(replaced(data, forget=np.where(np.arange(N) % 5 == 0, data.forget["A"], y % 2)), CHEAP)
    assert [line for line in found["warnings"] if "depends on the classes of 'A' (Cramér's V 0." in line]
    assert not score(data, CHEAP)["warnings"]


def test_streams_without_pairs(data):
    sources = {**data.sources, "B": Array(data.sources["B"].array[:-3])}
    refused(r"unequal numbers of rows \(A 500, B 497\)", score, replaced(data, sources=sources))


def bad_coders(good):
    def same(**parts):
        kept = {"dictionary": good.dictionary, "encode": good.encode, "decode": good.decode} | parts
        return type(
            "Given", (), {k: v if k == "dictionary" else staticmethod(v) for k, v in kept.items() if v is not None}
        )()

    def broken(X):
        Z = good.encode(X)
        Z[0, 0] = np.nan
        return Z

    holes = good.dictionary.copy()
    holes[2, 3] = np.inf
    twice = PlantedCoder(np.tile(good.dictionary, (2, 1)), lambda X: np.tile(good.encode(X), 2))
    return {
        "no encode": (same(encode=None), "the coder of 'B' has no encode;"),
        "no decode and no dictionary": (
            same(decode=None, dictionary=None),
            "the coder of 'B' has no decode, dictionary;",
        ),
        "a transposed dictionary": (same(dictionary=good.dictionary.T), r"dictionary of 'B' has shape \(64, 52\)"),
        "a flat dictionary": (same(dictionary=good.dictionary[0]), r"dictionary of 'B' has shape \(64,\)"),
        "too few atoms in the dictionary": (
            same(dictionary=good.dictionary[:-1]),
            r"decode of 'B' does not take \[n, 51\]",
        ),
        "a dictionary that is not used": (same(dictionary=-good.dictionary), r"decode of 'B' is not Z·dictionary"),
        "a dictionary with holes": (same(dictionary=holes), "dictionary of 'B' has NaN or infinite values"),
        "a decoder that is not affine": (
            same(decode=lambda Z: np.maximum(Z @ good.dictionary, 0)),
            "is not Z·dictionary",
        ),
        "a narrow decoder": (same(decode=lambda Z: (Z @ good.dictionary)[:, 1:]), r"decode of 'B' gives \(4, 63\)"),
        "a decoder of NaN": (same(decode=lambda Z: Z @ good.dictionary * np.nan), "decode of 'B' gives"),
        "codes with NaN": (same(encode=broken), "encode of 'B' gives NaN or infinite codes"),
        "codes of another number of atoms": (same(encode=lambda X: good.encode(X)[:, :9]), "encode of 'B' gives shape"),
        "more atoms than A": (twice, "the dictionaries have 52 and 104 atoms"),
        "nothing": (None, "the coder of 'B' has no encode, decode, dictionary"),
    }


@pytest.mark.parametrize("name", bad_coders(planted(N, 0).coders["B"]))
def test_coders(data, name):
    coder, message = bad_coders(data.coders["B"])[name]
    refused(message, score, replaced(data, coders={**data.coders, "B": coder}))


def test_a_stream_without_a_coder(data):
    refused("there is no coder of stream 'B'", score, replaced(data, coders={"A": data.coders["A"]}))


def test_adapters():
    refused("'statistics' is not module:function", coders.adapter, "statistics")
    refused("'no_such_module' cannot be imported", coders.adapter, "no_such_module:load")
    refused("statistics has no function 'load'", coders.adapter, "statistics:load")
    assert coders.adapter("statistics:mean")([1, 2, 3]) == 2


@pytest.mark.parametrize("dead", ["A", "B", "AB"])
@pytest.mark.parametrize("part", ["encoder", "dictionary"])
def test_dead_coders_are_a_warning_and_no_nan(data, dead, part):
    coders = dict(data.coders)
    for s in dead:
        D, encode = data.coders[s].dictionary, data.coders[s].encode
        coders[s] = (
            PlantedCoder(D, lambda X: np.zeros((len(X), ATOMS)))
            if part == "encoder"
            else PlantedCoder(np.zeros((ATOMS, WIDTH)), encode)
        )
    found = score(replaced(data, coders=coders), CHEAP)
    assert finite(found)
    json.dumps(found, allow_nan=False)
    line = "no atom of {!r} ever fires" if part == "encoder" else "all atoms of {!r} are zero"
    for s in dead:
        assert [w for w in found["warnings"] if line.format(s) in w]
        # Nothing is told apart and nothing is removed where there are no atoms
        for metric in ("r2", "faithfulness", "unlearning/concept", "tpp/concept"):
            assert entry(found, metric, (s, s))["gated"] <= 0.02
    for metric in found["metrics"]:
        for edge in EDGES:
            assert 0 <= entry(found, metric, edge)["gated"] <= 1


def test_text_labels_and_their_names(data):
    names = np.array(["zebra", "ant", "fox", "gnu", "elk", "cat", "dog", "bee", "hen", "ibex"])
    found = score(replaced(data, labels=names[data.labels["A"]]), CHEAP)
    assert found["classes"] == sorted(names)
    assert found["aggregates"]["S_ext"]["value"] > 0.8

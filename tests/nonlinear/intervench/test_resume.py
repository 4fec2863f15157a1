"""A benchmark that is stopped goes on from the stages that are done, and gives what it would have given."""

import numpy as np
import pytest
from scipy import sparse

from nonlinear.intervench import interventions, spurious, stages
from nonlinear.intervench.benchmark import intervench
from nonlinear.intervench.domains import Bench
from nonlinear.intervench.parts import Parts, fingerprint
from nonlinear.intervench.planted import PlantedCoder, planted

from .shared import CHEAP as CONFIG

STAGES = 1 + 2 * 2 * 4  # reconstruction, then probes, unlearning, SCR and TPP by space and stream


class StopError(Exception):
    pass


@pytest.fixture(scope="module")
def data():
    return planted(300, 0)


@pytest.fixture(scope="module")
def progress():
    """What the reference said on its way."""
    return []


@pytest.fixture(scope="module")
def reference(data, progress):
    return run(data, on_progress=lambda text, share: progress.append((text, share)))


@pytest.fixture
def calls(monkeypatch):
    """Names of the stages that were computed."""
    made = []
    for module, name in (
        (stages, "reconstruction"),
        (stages, "probing"),
        (interventions, "unlearning"),
        (interventions, "perturbation"),
        (spurious, "correlations"),
    ):
        sound = getattr(module, name)

        def counted(*arguments, name=name, sound=sound):
            made.append(name)
            return sound(*arguments)

        monkeypatch.setattr(module, name, counted)
    return made


def run(data, parts=None, config=CONFIG, baselines=False, **more):
    return intervench(
        data.sources, data.coders, data.labels, config, forget=data.forget, baselines=baselines, parts=parts, **more
    )


def stopping(at):
    seen = []

    def on_progress(text, share):
        seen.append(share)
        if len(seen) > at:
            raise StopError

    return on_progress


@pytest.mark.parametrize("at", [1, 10])
def test_a_stopped_run_goes_on(data, reference, calls, tmp_path, at):
    folder = tmp_path / "parts"
    with pytest.raises(StopError):
        run(data, folder, on_progress=stopping(at))
    assert len(calls) == len(list(folder.iterdir())) == at
    found = run(data, folder)
    assert len(calls) == STAGES
    assert folder.exists()
    Parts(folder, "").clear()
    assert not folder.exists()
    assert found == reference


def test_another_run_does_not_use_its_stages(data, calls, tmp_path):
    with pytest.raises(StopError):
        run(data, tmp_path, on_progress=stopping(6))
    config = CONFIG.model_copy(update={"penalty": 1e-2})
    found = run(data, tmp_path, config)
    assert len(calls) == 6 + STAGES
    assert found == run(data, config=config)


def test_a_broken_part_is_computed_again(data, reference, calls, tmp_path):
    with pytest.raises(StopError):
        run(data, tmp_path, on_progress=stopping(6))
    for path, share in zip(sorted(tmp_path.iterdir())[:2], (2, 3), strict=True):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // share])
    found = run(data, tmp_path)
    assert len(calls) == STAGES + 2
    assert found == reference


def test_baselines_have_stages_of_their_own(data, calls, tmp_path):
    with pytest.raises(StopError):
        run(data, tmp_path, baselines=True, on_progress=stopping(STAGES + 3))
    found = run(data, tmp_path, baselines=True)
    assert len(calls) == 4 * STAGES
    assert set(found["baselines"]) == {"identity", "pca", "random"}
    values = {name: b["aggregates"]["S_trans"] for name, b in found["baselines"].items()}
    assert max(values.values()) < found["aggregates"]["S_trans"]["value"] - 0.3


def test_progress_rises_from_0_to_almost_1(reference, progress):
    texts, shares = zip(*progress, strict=True)
    assert len(set(texts)) == len(texts) == STAGES
    assert shares == tuple(sorted(shares))
    assert shares[0] == 0
    assert 0.9 < shares[-1] < 1


def test_what_is_in_the_folder_beside_stages_stays(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    parts = Parts(tmp_path, "f" * 64)
    parts.get("one", lambda: {"x": np.ones(2)})
    parts.clear()
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def variants(data):
    """Runs that differ from the first one in a single thing."""
    parts = Bench(data.sources, data.coders, data.labels, CONFIG, data.forget).parts
    a, b = data.coders["A"], data.coders["B"]

    class Offset(PlantedCoder):
        def decode(self, Z):
            return super().decode(Z) + 0.1

    y, forget, swap = data.labels["A"].copy(), data.forget["A"].copy(), np.arange(len(a.dictionary))
    first, second = parts["validation"][0], next(r for r in parts["validation"] if y[r] != y[parts["validation"][0]])
    y[[first, second]] = y[[second, first]]
    forget[parts["validation"][0]] = 1 - forget[parts["validation"][0]]
    swap[[0, 1]] = 1, 0
    return {
        "another seed": {"config": CONFIG.model_copy(update={"seed": 1})},
        "another gate": {"config": CONFIG.model_copy(update={"gate": 0.4})},
        "labels of B": {"labels": {"A": data.labels["A"], "B": y}},
        "the attribute": {"forget": {"A": forget, "B": data.forget["B"]}},
        "no attribute": {"forget": None},
        "an atom": {"coders": {"A": PlantedCoder(a.dictionary[swap], a.encode), "B": b}},
        "the bias": {"coders": {"A": Offset(a.dictionary, a.encode), "B": b}},
    }


def test_the_fingerprint_sees_everything_that_stages_depend_on(data):
    def bench(sources=data.sources, coders=data.coders, labels=data.labels, config=CONFIG, forget=data.forget):
        return Bench(sources, coders, labels, config, forget)

    one, again = bench(), bench()
    seen = {"itself": fingerprint(one)}
    assert fingerprint(again) == seen["itself"]
    seen |= {name: fingerprint(bench(**changes)) for name, changes in variants(data).items()}
    for key, X in one.X.items():
        again.X = one.X | {key: X + np.eye(*X.shape)}
        seen[f"rows {key}"] = fingerprint(again)
    again.X = one.X
    for (s, part), Z in one.Z.items():
        if part == "fit":  # some of the training rows
            continue
        # The same values in the same order: at other atoms, and in other rows
        moved = sparse.csr_matrix((Z.data, (Z.indices + 1) % Z.shape[1], Z.indptr), Z.shape)
        later = Z.indptr.copy()
        later[1] = 0
        for name, changed in (("atoms", moved), ("rows", sparse.csr_matrix((Z.data, Z.indices, later), Z.shape))):
            again.Z = one.Z | {(s, part): changed}
            seen[f"{name} of codes {s} {part}"] = fingerprint(again)
    assert len(seen) == 1 + 7 + 6 + 12
    shared = [name for name, mark in seen.items() if list(seen.values()).count(mark) > 1]
    assert not shared

"""Profiles of Hypothesis, one BLAS thread, the evidence of the claims in the background, the ledger at the end."""

import os
from io import StringIO

import pytest
from hypothesis import Phase, settings

# One process per core: more BLAS threads only wait for each other. NumPy and torch read this when they are imported.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"

settings.register_profile("ci", deadline=None, derandomize=True, database=None, print_blob=True)
settings.register_profile("planted", settings.get_profile("ci"), phases=(Phase.explicit, Phase.generate))
settings.register_profile("nightly", deadline=None, max_examples=2000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

POOL, LINES = pytest.StashKey(), pytest.StashKey()


def pytest_collection_modifyitems(items):
    """Put the claims last: their evidence is collected by other processes while the other tests run.

    After them come the notebooks, which show what these processes have trained.
    """
    items.sort(
        key=lambda item: (
            item.get_closest_marker("notebook") is not None,
            "claims_evidence" in getattr(item, "fixturenames", ()),
        )
    )


def pytest_collection_finish(session):
    """Start the evidence that the selected tests need."""
    items = [i for i in session.items if "claims_evidence" in getattr(i, "fixturenames", ())]
    if not items or session.config.option.collectonly:
        return
    from proofs_check.evidence import Run
    from proofs_check.ledger import load
    from proofs_check.runner import Pool
    from proofs_check.selection import select

    claims, tasks = load(), []
    for item in items:
        params = item.callspec.params if hasattr(item, "callspec") else {}
        if "kind" in params:
            tasks.append((params["claim"].id, params["kind"]))
        else:  # a verdict needs whatever it rests on, a count needs everything
            chosen = select(claims, [params["claim"].id] if "claim" in params else [])
            tasks += [(c.id, kind) for c in chosen for kind in c.evidence]
    session.config.stash[POOL] = Pool(dict.fromkeys(tasks), Run())


@pytest.fixture(scope="session")
def claims_evidence(pytestconfig):
    """Function (claim id, kind) → findings; waits for them."""
    return pytestconfig.stash[POOL].result


@pytest.fixture(scope="session")
def closing_lines(pytestconfig):
    """Function (title) → list of lines that the run prints under this title, before the ledger."""
    sections = pytestconfig.stash.setdefault(LINES, {})
    return lambda title: sections.setdefault(title, [])


def pytest_sessionfinish(session):
    """End the workers; what they have not begun is not run."""
    pool = session.config.stash.get(POOL, None)
    if pool is not None:
        pool.__exit__(None, None, None)


def pytest_terminal_summary(terminalreporter, config):
    """Close with the ledger, as far as this run collected it."""
    for title, lines in config.stash.get(LINES, {}).items():
        terminalreporter.section(title)
        for line in lines:
            terminalreporter.write_line(line)
    terminalreporter.section("ledger")
    pool = config.stash.get(POOL, None)
    if pool is None:
        terminalreporter.write_line("no claim was selected; tests/test_claims.py runs them")
        return
    from rich.console import Console

    from proofs_check import report
    from proofs_check.evidence import Run
    from proofs_check.ledger import load

    findings: dict[str, dict] = {}
    for (claim, kind), found in pool.finished().items():
        findings.setdefault(claim, {})[kind] = found
    everything = {(c.id, kind) for c in load() for kind in c.evidence}
    claims = [c for c in load() if c.id in findings]
    partial = everything != {(claim, kind) for claim, kinds in findings.items() for kind in kinds}
    text = StringIO()
    console = Console(file=text, width=100, force_terminal=terminalreporter.hasmarkup)
    report.table(report.assemble(claims, findings, Run(), partial=partial), console)
    terminalreporter.write(text.getvalue())

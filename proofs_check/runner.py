"""Collect evidence: on all cores, from a cache on disk when neither code nor libraries changed."""

import hashlib
import json
import os
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, fields, is_dataclass
from functools import cache
from importlib.metadata import version
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any

import numpy as np

from proofs_check.evidence import Run
from proofs_check.ledger import REGISTERED, Claim, load
from proofs_check.output import replace_text

PACKAGES = ("theory", "nonlinear", "proofs_check")
TRUSTED = ("hypothesis", "numpy", "scipy", "sympy", "torch", "z3-solver")
# What records compute from their fields, for judge and reader.
COMPUTED = "rows killed equivalent share passed prediction arms converged outcome reason p_value".split()


@dataclass(frozen=True)
class Finding:
    """One evidence record as stored and shown: plain data only.

    Parameters
    ----------
    claim, kind
        Which claim, which kind of evidence.
    passed, summary
        The record's own decision and line.
    details
        All fields of the record; exact numbers as strings.
    cached
        Whether it was read from the cache.

    Examples
    --------
    >>> Finding("E3.i", "experiment", True, "measured", {"outcome": "supported"}).p_value
    1.0
    """

    claim: str
    kind: str
    passed: bool
    summary: str
    details: Mapping[str, Any]
    cached: bool = False

    @property
    def outcome(self) -> str:
        """Of an experiment, by its record alone."""
        return self.details.get("outcome", "")

    @property
    def p_value(self) -> float:
        """Of an experiment; 1 where the record has none."""
        return self.details.get("p_value", 1.0)


def collect(
    claims: Sequence[Claim],
    kinds: Sequence[str] = (),
    run: Run | None = None,
    *,
    fresh: bool = False,
    workers: int | None = None,
    on_progress: Callable[[str, str], None] = lambda claim, kind: None,
) -> dict[str, dict[str, list[Finding]]]:
    """Collect the evidence of the claims, and return claim id → kind → findings.

    Parameters
    ----------
    claims
        Which claims.
    kinds
        Which kinds of evidence; all when empty.
    run
        Seed and effort.
    fresh
        Ignore the cache.
    workers
        Processes; all cores by default.
    on_progress
        Called with (claim id, kind) as each piece is done.

    Examples
    --------
    >>> collect([])
    {}
    """
    run = run or Run()
    tasks = [(c.id, k) for c in claims for k in c.evidence if not kinds or k in kinds]
    results: dict[tuple[str, str], list[Finding]] = {}
    with Pool(tasks, run, fresh=fresh, workers=workers) as pool:
        for task in pool.completed():
            results[task] = pool.result(*task)
            on_progress(*task)
    ordered: dict[str, dict[str, list[Finding]]] = {c.id: {} for c in claims}
    for claim, kind in tasks:
        ordered[claim][kind] = results[claim, kind]
    return ordered


class Pool:
    """Evidence tasks under way in worker processes; use as a context manager.

    Examples
    --------
    >>> with Pool([], Run()) as pool:
    ...     list(pool.completed())
    []
    """

    def __init__(self, tasks: Iterable[tuple[str, str]], run: Run, *, fresh: bool = False, workers: int | None = None):
        self._done: dict[tuple[str, str], list[Finding]] = {}
        self._futures: dict[tuple[str, str], Future] = {}
        self._executor: ProcessPoolExecutor | None = None
        # Claims of plug-ins are collected by this process, when asked for: workers and the cache know no user's files.
        own, self._run = {c.id: c for c in REGISTERED}, run
        self._own: dict[tuple[str, str], Claim] = {}
        missing = []
        for task in tasks:
            if task[0] in own:
                self._own[task] = own[task[0]]
                continue
            found = None if fresh else _read(*task, run)
            if found is None:
                missing.append(task)
            else:
                self._done[task] = found
        if missing:
            count = min(workers or os.cpu_count() or 1, len(missing))
            self._executor = ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_start)
            try:
                for claim, kind in in_order(missing):
                    self._futures[claim, kind] = self._executor.submit(evaluate, claim, kind, run)
            except BaseException:
                self._end(at_once=True)
                raise

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._end(at_once=kind is not None)

    def _end(self, at_once: bool) -> None:
        if self._executor is None:
            return
        if at_once:  # nobody will read what the workers are computing
            for process in list((self._executor._processes or {}).values()):
                process.terminate()
        self._executor.shutdown(wait=True, cancel_futures=True)

    def completed(self) -> Iterable[tuple[str, str]]:
        """Tasks in the order in which they end."""
        yield from list(self._done)
        by_future = {f: t for t, f in self._futures.items()}
        for future in as_completed(by_future):
            yield by_future[future]
        yield from self._own

    def result(self, claim: str, kind: str) -> list[Finding]:
        """Findings of one task; waits for it."""
        task = (claim, kind)
        if task not in self._done:
            own = self._own.get(task)
            self._done[task] = _findings(own, kind, self._run) if own else self._futures[task].result()
        return self._done[task]

    def finished(self) -> dict[tuple[str, str], list[Finding]]:
        """Findings of the tasks that have ended by now; does not wait."""
        ended = [t for t, f in self._futures.items() if f.done() and not f.cancelled() and f.exception() is None]
        return {t: self.result(*t) for t in (*self._done, *ended)}


def in_order(tasks: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Tasks in the order in which they are started.

    Training takes longest: started first, it does not leave one core waiting at the end. Claims of one family may wait
    for the same runs, so that families take turns.

    Examples
    --------
    >>> in_order([("P1.i", "proof"), ("E1.i", "experiment"), ("E1.ii", "experiment"), ("E2.i", "experiment")])
    [('E1.i', 'experiment'), ('E2.i', 'experiment'), ('E1.ii', 'experiment'), ('P1.i', 'proof')]
    """
    ranks, seen = {"trained": 0, "experiment": 1}, Counter[tuple[str, str]]()
    keys = {}
    for task in tasks:
        family = task[0].partition(".")[0], task[1]
        keys[task] = ranks.get(task[1], len(ranks)), seen[family]
        seen[family] += 1
    return sorted(tasks, key=keys.__getitem__)


def evaluate(claim_id: str, kind: str, run: Run) -> list[Finding]:
    """Run one kind of evidence of one claim here and now, and store it if it passed.

    Examples
    --------
    >>> [f.passed for f in evaluate("P1.i", "no such kind", Run())]
    [False]
    """
    findings = _findings(_claims()[claim_id], kind, run)
    if all(f.passed for f in findings):
        _write(findings, run)
    return findings


def _findings(claim: Claim, kind: str, run: Run) -> list[Finding]:
    try:
        records = claim.collect(kind, run)
    except Exception as error:  # an evidence function that raises is evidence that failed, and is shown
        message = f"{type(error).__name__}: {error}"
        return [Finding(claim.id, kind, False, message, {"error": message})]
    return [Finding(claim.id, kind, bool(r.passed), r.summary, _plain(r)) for r in records]


@cache
def _claims() -> dict[str, Claim]:
    return {c.id: c for c in load()}


def _start() -> None:
    from threadpoolctl import threadpool_limits

    # Ctrl-C reaches the whole group: the parent ends us. One that is killed cannot, so that we watch it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    fingerprint()  # of the sources as this process imports them
    # One process per core already: more BLAS threads only fight for the same cores.
    threadpool_limits(1)
    os.environ["OMP_NUM_THREADS"] = "1"


def _end_with_parent() -> None:
    parent = parent_process()
    if parent:
        parent.join()
        os._exit(1)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        extra = {name: getattr(value, name) for name in COMPUTED if hasattr(value, name)}
        return _plain({f.name: getattr(value, f.name) for f in fields(value)} | extra)
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(v) for v in value]
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float):
        return value if abs(value) < float("inf") else str(value)
    return value.item() if isinstance(value, np.generic) else str(value)


@cache
def fingerprint() -> str:
    """Hash of every source file, certificate and trusted library version: the same hash, the same evidence.

    Examples
    --------
    >>> fingerprint() == fingerprint(), len(fingerprint()) > 8
    (True, True)
    """
    root = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*")):
            if path.suffix in (".py", ".json"):
                digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    digest.update(json.dumps(versions()).encode())
    return digest.hexdigest()


@cache
def versions() -> dict[str, str]:
    """Versions of the libraries that the evidence trusts.

    Examples
    --------
    >>> set(TRUSTED) <= set(versions())
    True
    """
    return {name: version(name) for name in TRUSTED}


@cache
def commit() -> str:
    """Commit of the checkout, "+changes" when the tree differs from it, "" outside a checkout.

    Examples
    --------
    >>> commit() == "" or commit().removesuffix("+changes").isalnum()
    True
    """
    root = Path(__file__).parent.parent

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    try:
        head = git("rev-parse", "HEAD") if (root / ".git").exists() else ""
        return head + ("+changes" if head and git("status", "--porcelain", "--", *PACKAGES) else "")
    except FileNotFoundError:
        return ""


def _path(claim: str, kind: str, run: Run) -> Path:
    from nonlinear.files import cache_dir

    return cache_dir() / fingerprint()[:16] / f"{claim}-{kind}-{run.seed}-{run.examples}.json"


def _read(claim: str, kind: str, run: Run) -> list[Finding] | None:
    try:
        stored = json.loads(_path(claim, kind, run).read_text(encoding="utf-8"))
        found = [Finding(**{**f, "cached": True}) for f in stored]
        return found if found and all(f.passed is True for f in found) else None
    except (OSError, ValueError, TypeError):
        return None


def _write(findings: list[Finding], run: Run) -> None:
    if fingerprint() != fingerprint.__wrapped__():
        return  # somebody edits while we run: what the evidence ran on is not what the folder holds now
    path = _path(findings[0].claim, findings[0].kind, run)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_text(path, json.dumps([asdict(f) for f in findings], ensure_ascii=False))
    except OSError:
        pass  # a read-only home only costs time

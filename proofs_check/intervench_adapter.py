"""Coders of other libraries: whatever goes wrong in an adapter is one line that says where."""

import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from proofs_check.errors import InputError


def coders_of(spec: str, run: str, sources: Mapping[str, Any]) -> dict[str, Any]:
    """Call the adapter module:function with the run and the names of the streams.

    Returns
    -------
    Stream → coder, whose errors name the adapter and the line in it.

    Raises
    ------
    InputError
        No such module or function, an error inside it, or no coder for some stream.

    Examples
    --------
    >>> coders_of("builtins:dict", "", {"x": None})
    Traceback (most recent call last):
    proofs_check.errors.InputError: adapter builtins:dict: TypeError: dict expected at most 1 argument, got 2
    >>> coders_of("my_saes.py:load", "runs", {"x": None})
    Traceback (most recent call last):
    proofs_check.errors.InputError: adapter 'my_saes.py:load' is not module:function; write my_saes:load, say
    """
    from nonlinear.intervench.coders import adapter

    module, _, function = spec.partition(":")
    if module.endswith(".py") or not all(part.isidentifier() for part in (*module.split("."), function)):
        stem, name = Path(module).name.removesuffix(".py"), function if function.isidentifier() else "load"
        example = f"{stem if stem.isidentifier() else 'my_saes'}:{name}"
        raise InputError(f"adapter {spec!r} is not module:function; write {example}, say")
    where = f"adapter {spec}"
    with _named(where, passing=ValueError):
        load = adapter(spec)
    with _named(where):
        found = load(run, list(sources))
    if not isinstance(found, Mapping):
        raise InputError(f"{where} returns {type(found).__name__}; return a mapping from name to coder")
    if missing := [s for s in sources if s not in found]:
        raise InputError(f"{where} returns no coder for {', '.join(missing)}; its names are {', '.join(found)}")
    return {s: _Coder(found[s], f"{where}, stream {s}:") for s in sources}


class _Coder:
    """Somebody's coder; what it lacks stays missing."""

    def __init__(self, coder: Any, where: str):
        self._coder, self._where = coder, where

    def __getattr__(self, part: str) -> Any:
        where = f"{self._where} {part}"
        with _named(where, passing=AttributeError):
            found = getattr(self._coder, part)
        if part == "dictionary":
            return _array(found, where)

        def call(given: np.ndarray) -> np.ndarray:
            with _named(where):
                result = found(given)
            return _array(result, where)

        return call


def _array(values: Any, where: str) -> np.ndarray:
    with _named(where):
        found = np.asarray(values)
    if found.dtype.kind not in "fiub":
        raise InputError(f"{where} gives dtype {found.dtype}; give a NumPy array of real numbers")
    return found


@contextmanager
def _named(where: str, passing: type[Exception] = InputError) -> Iterator[None]:
    """Turn any error of somebody's code into one line that says where it happened."""
    try:
        yield
    except (InputError, passing):
        raise
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        at = "" if frame.filename == __file__ else f" ({Path(frame.filename).name}, line {frame.lineno})"
        kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        raise InputError(f"{where}: {kind}{error}{at}") from error

"""Tests of copies of the tree, run in forks of one process that has imported other people's packages and none of ours.

To import NumPy, SciPy, torch and pytest takes longer than most tests that have to notice an error. This is a script: it
reads {"copies": [folder, …], "jobs": [{"name", "path", "old", "new", "nodes"}, …]} from stdin, runs a job at a time in
each copy, and prints {"name", "code", "output"} when one has ended. A job whose path is null changes nothing.
"""

import gc
import importlib
import json
import os
import sys
import traceback
from pathlib import Path

# torch._dynamo is what every optimiser imports.
PRELOADED = (
    "pytest hypothesis hypothesis.extra.numpy numpy scipy.stats array_api_compat threadpoolctl sympy z3 "
    "torch torch._dynamo safetensors.torch sklearn pydantic rich.progress rich.table typer"
).split()
OURS = {"theory", "nonlinear", "proofs_check", "tests"}
CRASHED, FOREIGN = 70, 71  # no codes of pytest: no error dies by them


def main():
    """Answer the request."""
    request = json.loads(sys.stdin.read())
    if sys.platform == "linux":  # elsewhere a library of the system may not survive a fork: everybody imports alone
        for name in PRELOADED:
            importlib.import_module(name)
        assert len(os.listdir("/proc/self/task")) == 1, "a fork would lack the threads that an import has started"
    assert not ours(), "our own packages are the copy's: a fork imports them"
    gc.freeze()
    waiting, free, running = request["jobs"][::-1], request["copies"], {}
    while waiting or running:
        while waiting and free:
            job, copy = waiting.pop(), free.pop()
            restore = plant(copy, job)
            running[begin(copy, job)] = job, copy, restore
        pid, status = os.wait()
        job, copy, restore = running.pop(pid)
        restore()
        free.append(copy)
        output = written(copy).read_text(encoding="utf-8", errors="replace")
        found = {"name": job["name"], "code": os.waitstatus_to_exitcode(status), "output": output}
        print(json.dumps(found), flush=True)


def plant(copy, job):
    """Put the error of the job into the copy; return what takes it out again."""
    if job["path"] is None:
        return lambda: None
    path = Path(copy, job["path"])
    sound = path.read_text(encoding="utf-8")
    path.write_text(sound.replace(job["old"], job["new"]), encoding="utf-8")
    return lambda: path.write_text(sound, encoding="utf-8")


def begin(copy, job):
    """Start the tests of the job in a process of their own, and return its id."""
    pid = os.fork()
    if pid:
        return pid
    code = CRASHED
    try:
        with written(copy).open("w") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        os.chdir(copy)
        sys.path[0] = copy  # as `python -m pytest` does it
        os.environ["CONCEPT_ALIGNMENT_CACHE"] = f"{copy}-cache"
        import pytest

        options = ["-q", "-x", "-p", "no:cacheprovider", "--assert=plain", f"--basetemp={copy}-scratch"]
        code = int(pytest.main([*options, *job["nodes"]]))
        if outside := [name for name, path in ours().items() if path and not Path(path).is_relative_to(copy)]:
            print("not of the copy:", *outside)
            code = FOREIGN
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def ours():
    """Name → file of our own modules that are imported."""
    return {name: getattr(m, "__file__", None) for name, m in sys.modules.items() if name.split(".")[0] in OURS}


def written(copy):
    """File of what the tests print."""
    return Path(f"{copy}.txt")


if __name__ == "__main__":
    main()

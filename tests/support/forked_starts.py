"""`manage.py check` with one environment after another, in forks of a process that knows Django.

Loading it takes nearly all the time of such a start. The settings are read in each fork.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from embedded.subprocesses import PROJECT

_OUTPUTS = ("stdout", "stderr")
_STARTS = """
import json, os, runpy, sys
import celery.schedules, csp.constants, django.core.management, environ

for start in json.load(sys.stdin):
    child = os.fork()
    if child == 0:
        os.environ.update(start["env"])
        for number, path in ((1, start["stdout"]), (2, start["stderr"])):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
        sys.argv = ["manage.py", "check"]
        runpy.run_path("manage.py", run_name="__main__")
        sys.exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def check_each(
    environments: Sequence[dict[str, str]], *, folder: Path
) -> list[CompletedProcess[str]]:
    """Return the result for each environment, which has nothing but PATH beside what is given."""
    starts: list[dict[str, Any]] = [
        {"env": env, "stdout": str(folder / f"{place}.out"), "stderr": str(folder / f"{place}.err")}
        for place, env in enumerate(environments)
    ]
    done = subprocess.run(
        [sys.executable, "-c", _STARTS],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"]},
        input=json.dumps(starts),
        capture_output=True,
        text=True,
        check=True,
    )
    codes = map(int, done.stdout.split())
    return [
        CompletedProcess("check", code, *(Path(one[name]).read_text() for name in _OUTPUTS))
        for code, one in zip(codes, starts, strict=True)
    ]

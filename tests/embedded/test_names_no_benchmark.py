"""`bin/bench` without the name of a benchmark says at once which there are, and starts nothing."""

import subprocess

import pytest

from benchmarks.names import MODULES
from embedded.children import PROJECT


@pytest.mark.parametrize("arguments", [[], ["speed"], ["--help"]])
def test_it_says_which_there_are(bare_environ: dict[str, str], arguments: list[str]) -> None:
    result = subprocess.run(
        ["sh", "bin/bench", *arguments],
        cwd=PROJECT,
        env=bare_environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith("usage: bin/bench ")
    assert all(name in result.stderr for name in MODULES)

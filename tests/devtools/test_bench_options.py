"""bin/bench prints its options at once, and refuses invalid ones before it starts anything."""

import subprocess

import pytest

from benchmarks.command_line import MODULES
from embedded.subprocesses import PROJECT


def bench(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "bin/bench", *arguments],
        cwd=PROJECT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


@pytest.mark.parametrize("arguments", [[], ["speed"]])
def test_without_a_valid_name_it_lists_the_benchmarks(
    bare_environ: dict[str, str], arguments: list[str]
) -> None:
    result = bench(bare_environ, *arguments)

    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("usage: bin/bench ")
    assert all(name in result.stderr for name in MODULES)


def test_help_describes_each_benchmark(bare_environ: dict[str, str]) -> None:
    result = bench(bare_environ, "--help")

    assert (result.returncode, result.stderr) == (0, "")
    assert all(name in result.stdout for name in MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_each_prints_its_options_and_starts_nothing(
    bare_environ: dict[str, str], name: str
) -> None:
    result = bench(bare_environ, name, "--help")

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(f"usage: bin/bench {name} ")


def test_a_wrong_option_is_refused_before_anything_starts(bare_environ: dict[str, str]) -> None:
    result = bench(bare_environ, "gateway", "--calls", "many")

    assert (result.returncode, result.stdout) == (2, "")
    assert "argument --calls: invalid int value: 'many'" in result.stderr

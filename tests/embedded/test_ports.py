"""The ports that servers are started on."""

import subprocess
import sys
from pathlib import Path

import pytest

from embedded import ports
from embedded.subprocesses import PROJECT

SYSTEM_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
# A process that takes ports out of a small range, says which, and lives until it is told to end.
OTHER = """
import sys
from embedded import ports
ports._RANGE = range(*map(int, sys.argv[1:3]))
print(*(ports.free_port() for _ in range(20)), flush=True)
sys.stdin.read()
"""


def test_no_port_is_returned_twice() -> None:
    given = [ports.free_port() for _ in range(1000)]

    assert len(set(given)) == len(given)


def test_two_processes_are_given_different_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    few = range(14_000, 14_400)
    monkeypatch.setattr(ports, "_RANGE", few)
    command = [sys.executable, "-c", OTHER, str(few.start), str(few.stop)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=PROJECT, stdin=pipe, stdout=pipe, text=True) as other:
        assert other.stdout is not None
        theirs = {int(port) for port in other.stdout.readline().split()}
        ours = {ports.free_port() for _ in range(20)}
        assert other.stdin is not None
        other.stdin.close()

    assert len(theirs) == 20
    assert ours.isdisjoint(theirs)


@pytest.mark.skipif(not SYSTEM_RANGE.exists(), reason="another kind of system")
def test_no_outgoing_connection_takes_a_port_that_was_chosen() -> None:
    lowest = int(SYSTEM_RANGE.read_text().split()[0])

    assert max(ports.free_port() for _ in range(1000)) < lowest

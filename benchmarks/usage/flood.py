"""What a flood of refusals from one key costs an honest caller.

Both are closed loops: each connection sends its next call as soon as it has an answer. The flood
calls a model that does not exist, and sends as many calls as the server can refuse: then the server
takes all of its core, or as much as the machine leaves it. No limit is set; with the usual ones,
after 600 calls a minute a key is refused fifty times a second.
"""

import time
from typing import NamedTuple

from benchmarks.gateway.load import LoadSpec, Measurement
from benchmarks.gateway.processes import Server, load, loading
from usage.models import RequestRecord

_MODEL = "bench/none"
_HONEST_CONNECTIONS = 4
_FLOODING_CONNECTIONS = 32
_AHEAD_S = 2.0  # that the flood begins before the honest calls, and ends after them
_WRITTEN_WITHIN_S = 60


class _Measured(NamedTuple):
    """The honest calls, and how much of a core the server took meanwhile."""

    calls: Measurement
    cores: float


def run(server: Server, *, honest_key: str, flooding_key: str, seconds: float) -> bool:
    """Measure calls without the flood and with it; return whether every refusal is counted."""
    honest = LoadSpec(
        0, honest_key, "bench/fixed", connections=_HONEST_CONNECTIONS, seconds=seconds
    )
    load(server, honest)
    alone = _measured(server, honest)
    flood = LoadSpec(
        0,
        flooding_key,
        _MODEL,
        connections=_FLOODING_CONNECTIONS,
        seconds=seconds + 2 * _AHEAD_S,
    )
    with loading(server, flood) as result:
        time.sleep(_AHEAD_S)
        beside = _measured(server, honest)
        refused = result()
    rate = refused.completed / refused.seconds
    print(f"\nA flood of refusals from one key: {rate:,.0f} a second, for {refused.seconds:.0f} s")
    print(f"  honest calls alone   {_in_words(alone)}")
    print(f"  beside the flood     {_in_words(beside)}")
    print(f"  refusals             p50 {refused.p50_ms:6.2f} ms  p95 {refused.p95_ms:6.2f} ms")
    print(f"  honest calls failed  {beside.calls.failed}")
    return _is_counted(refused.completed)


def _measured(server: Server, honest: LoadSpec) -> _Measured:
    began, cpu_before = time.monotonic(), server.cpu_s()
    calls = load(server, honest)
    return _Measured(calls, (server.cpu_s() - cpu_before) / (time.monotonic() - began))


def _in_words(measured: _Measured) -> str:
    calls = measured.calls
    return (
        f"p50 {calls.p50_ms:6.2f} ms  p95 {calls.p95_ms:6.2f} ms  p99 {calls.p99_ms:6.2f} ms"
        f"  {calls.completed / calls.seconds:6,.0f} a second, the server at {measured.cores:.0%}"
    )


def _is_counted(refusals: int) -> bool:
    counted = rows = 0
    give_up_at = time.monotonic() + _WRITTEN_WITHIN_S
    while counted != refusals and time.monotonic() < give_up_at:
        time.sleep(0.5)
        found = RequestRecord.objects.filter(requested_model=_MODEL).values_list("refusals")
        counts = [count or 1 for (count,) in found]
        counted, rows = sum(counts), len(counts)
    print(f"  records              {rows} rows for {counted:,} of {refusals:,} refusals")
    return counted == refusals

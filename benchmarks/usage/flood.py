"""What a flood of refusals from one key costs an honest caller."""

import resource
import subprocess
import sys
import time

import msgspec

from benchmarks.gateway.load import LoadSpec
from benchmarks.gateway.processes import Server, load
from usage.models import RequestRecord

_HONEST_CALLS = 2_000
_WRITTEN_WITHIN_S = 60


def run(server: Server, *, honest_key: str, flooding_key: str, refusals: int) -> bool:
    """Measure calls without the flood and with it; return whether every refusal is counted."""
    honest = LoadSpec(0, honest_key, "bench/fixed", connections=4, calls=_HONEST_CALLS)
    flood = LoadSpec(0, flooding_key, "bench/none", connections=16, calls=refusals)
    load(server, honest)
    cpu_before, clients_before = server.cpu_s(), _clients_s()
    alone = load(server, honest)
    cpu_alone_us = (server.cpu_s() - cpu_before) / _HONEST_CALLS * 1e6
    client_alone_s = _clients_s() - clients_before
    as_json = msgspec.json.encode(msgspec.structs.replace(flood, port=server.port)).decode()
    began, cpu_before, clients_before = time.monotonic(), server.cpu_s(), _clients_s()
    flooding = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.gateway.load", as_json], stdout=subprocess.PIPE
    )
    beside = load(server, honest)
    flooding.communicate()
    seconds, cpu_s = time.monotonic() - began, server.cpu_s() - cpu_before
    each_us = (cpu_s - _HONEST_CALLS * cpu_alone_us / 1e6) / refusals * 1e6
    client_us = (_clients_s() - clients_before - client_alone_s) / refusals * 1e6
    print(f"\nA flood of refusals from one key: {refusals / seconds:,.0f} a second")
    print(f"  honest calls alone   p50 {alone.p50_ms:6.2f} ms  p99 {alone.p99_ms:6.2f} ms")
    print(f"  beside the flood     p50 {beside.p50_ms:6.2f} ms  p99 {beside.p99_ms:6.2f} ms")
    print(f"  processor            {each_us:.0f} us for each refusal, {cpu_alone_us:.0f} us a call")
    print(f"  and the flood's own  {client_us:.0f} us for each, of a processor that may be shared")
    print(f"  honest calls failed  {beside.failed}")
    return _is_counted(refusals)


def _clients_s() -> float:
    """Return the processor time of all clients that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _is_counted(refusals: int) -> bool:
    counted = rows = 0
    give_up_at = time.monotonic() + _WRITTEN_WITHIN_S
    while counted != refusals and time.monotonic() < give_up_at:
        time.sleep(0.5)
        found = RequestRecord.objects.filter(requested_model="bench/none").values_list("refusals")
        counts = [count or 1 for (count,) in found]
        counted, rows = sum(counts), len(counts)
    print(f"  records              {rows} rows for {counted:,} of {refusals:,} refusals")
    return counted == refusals

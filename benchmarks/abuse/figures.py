"""What runs of an attack have shown, and the table that compares two builds."""

import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple


class Seen(NamedTuple):
    """What an honest caller saw: its latencies in milliseconds, and its failures by status, 0 for
    no answer."""

    latencies: list[float]
    failures: Counter[int]

    @property
    def p50_ms(self) -> float:
        """The median latency."""
        return statistics.median(self.latencies)

    @property
    def p95_ms(self) -> float:
        """The latency that one of twenty calls exceeds."""
        return sorted(self.latencies)[int(len(self.latencies) * 0.95)]

    def failed(self) -> str:
        """The failures among the calls, in words: 3/40 {503: 3}."""
        by_status = f" {dict(self.failures)}" if self.failures else ""
        return f"{self.failures.total()}/{len(self.latencies)}{by_status}"


class Upload(NamedTuple):
    """How an honest upload over a slow line ended; a status of 0 means no answer."""

    status: int
    seconds: float


class Run(NamedTuple):
    """One attack on one build: by kind of call, what honest callers saw before and during it."""

    quiet: dict[str, Seen]
    attacked: dict[str, Seen]
    grown_mib: float
    cpu_share: float  # of one processor, that the server used during the attack
    uploads: list[Upload]


def pooled(runs: Sequence[Run]) -> Run:
    """Return runs of the same attack on the same build as one."""
    kinds = list(runs[0].quiet)
    return Run(
        {kind: _all([run.quiet[kind] for run in runs]) for kind in kinds},
        {kind: _all([run.attacked[kind] for run in runs]) for kind in kinds},
        max(run.grown_mib for run in runs),
        statistics.mean(run.cpu_share for run in runs),
        [upload for run in runs for upload in run.uploads],
    )


def _all(seen: Sequence[Seen]) -> Seen:
    latencies = [latency for one in seen for latency in one.latencies]
    return Seen(latencies, sum((one.failures for one in seen), Counter[int]()))


def is_good(run: Run, *, most_grown_mib: float) -> bool:
    """Whether no honest call failed, no p95 doubled, every upload passed, and memory sufficed."""
    return (
        run.grown_mib <= most_grown_mib
        and all(upload.status == 200 for upload in run.uploads)
        and not any(seen.failures for seen in run.attacked.values())
        and all(_slowdown(run, kind) < 2 for kind in run.quiet)
    )


def lines_of(run: Run, title: str) -> Iterator[str]:
    """A line for each kind of call, and one for memory and uploads."""
    for kind, quiet in run.quiet.items():
        during = run.attacked[kind]
        yield (
            f"{title:27} {kind:5} quiet p50 {quiet.p50_ms:6.1f} p95 {quiet.p95_ms:6.1f} ms"
            f" | attacked p50 {during.p50_ms:7.1f} p95 {during.p95_ms:7.1f} ms"
            f"  failed {during.failed()}"
        )
    yield (
        f"{title:27} memory {run.grown_mib:+.0f} MiB  processor {run.cpu_share:.0%}"
        f"{_of_uploads(run)}"
    )


def _of_uploads(run: Run) -> str:
    words = [f"status {one.status} after {one.seconds:.0f} s" for one in run.uploads]
    return f"  upload: {', '.join(words)}" if words else ""


def comparison(before: Run, after: Run) -> Iterator[str]:
    """Each figure of both builds side by side, and the ratio of the second to the first."""
    yield f"  {'':32} {'before':>12} {'after':>12} {'after/before':>13}"
    yield _compared("memory, MiB", before.grown_mib, after.grown_mib)
    yield _compared("processor, per cent", 100 * before.cpu_share, 100 * after.cpu_share)
    for kind in before.quiet:
        yield from _of_kind(kind, before, after)
    for name, run in (("before", before), ("after", after)):
        if run.uploads:
            yield f"  {name}{_of_uploads(run)}"


def _of_kind(kind: str, before: Run, after: Run) -> Iterator[str]:
    for when, first, second in (
        ("quiet", before.quiet[kind], after.quiet[kind]),
        ("attacked", before.attacked[kind], after.attacked[kind]),
    ):
        yield _compared(f"{kind} calls, {when}, p50, ms", first.p50_ms, second.p50_ms)
        yield _compared(f"{kind} calls, {when}, p95, ms", first.p95_ms, second.p95_ms)
    yield _compared(
        f"{kind} calls, p95 to quiet p95", _slowdown(before, kind), _slowdown(after, kind)
    )
    failed = [run.attacked[kind].failed() for run in (before, after)]
    yield f"  {f'{kind} calls, failed':32} {failed[0]:>12} {failed[1]:>12}"


def _compared(what: str, before: float, after: float) -> str:
    ratio = f"{after / before:.2f}" if before > 0 else ""
    return f"  {what:32} {before:12.1f} {after:12.1f} {ratio:>13}"


def _slowdown(run: Run, kind: str) -> float:
    return run.attacked[kind].p95_ms / run.quiet[kind].p95_ms

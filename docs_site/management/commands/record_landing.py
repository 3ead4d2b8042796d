"""`manage.py record_landing`: runs the demo's questions and records their answers.

It needs bin/up on this DATA_DIR, and asks through its own address as a visitor's page does.
"""

import json
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from billing.ledger import demo
from console.demo import QUESTIONS
from docs_site.landing.recordings import FILE, RecordedAnswer
from usage.lookup import record_of
from usage.models import Ending
from usage.records import Record

_TIMEOUT_S = 120


class Command(BaseCommand):
    help = "Run the questions of the landing page's demo and record the answers."

    def handle(self, *args: Any, **options: Any) -> None:
        answers = [_recorded(number) for number in range(len(QUESTIONS))]
        text = msgspec.json.format(msgspec.json.encode(answers))
        FILE.write_bytes(text + b"\n")
        self.stdout.write(f"{len(answers)} answers are in {FILE.name}.")


def _recorded(number: int) -> RecordedAnswer:
    request = urllib.request.Request(  # noqa: S310 (our own address)
        f"{settings.PUBLIC_URL}/demo/run?question={number}",
        data=b"",
        headers={"Origin": settings.PUBLIC_URL},
    )
    began = time.monotonic()
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:  # noqa: S310
        events = [(_ms_since(began), event) for event in _events(response)]
        request_id, held = response.headers["request-id"], response.headers["caicaini-credits-held"]
    deltas = [(at, event["delta"]) for at, event in events if event["type"].endswith("_delta")]
    texts = [(at, delta["text"]) for at, delta in deltas if delta.get("type") == "text_delta"]
    record = _record(request_id)
    if record.ending != Ending.COMPLETED:
        raise CommandError(f"Question {number} was not answered to its end: run this again.")
    return RecordedAnswer(
        number=number,
        question=QUESTIONS[number],
        answer="".join(text for _, text in texts).strip(),
        model=record.resolved_model,
        input_tokens=record.all_input_tokens,
        output_tokens=record.output_tokens,
        credits=record.credits,
        held=int(held),
        first_ms=texts[0][0],
        total_ms=events[-1][0],
        lines=record.lines or (),
        recorded_at=datetime.now(UTC).replace(second=0, microsecond=0),
    )


def _events(response: Any) -> Iterator[dict[str, Any]]:
    for line in response:
        if line.startswith(b"data: "):
            yield json.loads(line.removeprefix(b"data: "))


def _record(request_id: str) -> Record:
    wallet = demo.wallet()
    assert wallet is not None, "the demo has just run"
    record = record_of(workspace_id=wallet.workspace_id, request_id=request_id)
    assert record is not None, "the answer has ended"
    return record


def _ms_since(began: float) -> int:
    return round(1000 * (time.monotonic() - began))

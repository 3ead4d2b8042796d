"""Posts deliveries to the endpoint, several at once, and retries failed ones."""

import asyncio
import json
import time
from contextlib import suppress
from functools import partial
from typing import Any

import aiohttp

from stripe_sandbox.objects.details import public
from stripe_sandbox.store import Store
from stripe_sandbox.webhooks import signature
from stripe_sandbox.webhooks.deliveries import Deliveries, Delivery
from stripe_sandbox.webhooks.script import Script

_KEPT_ANSWER_BYTES = 2000  # the rest of the endpoint's answer is not stored


class Sender:
    def __init__(self, store: Store, deliveries: Deliveries, script: Script) -> None:
        self._store = store
        self._deliveries = deliveries
        self._script = script
        self._wake = asyncio.Event()
        self._in_flight: dict[int, asyncio.Task[None]] = {}

    @property
    def in_flight(self) -> int:
        return len(self._in_flight)

    def wake(self) -> None:
        """Call after a commit that added or released deliveries."""
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        async with aiohttp.ClientSession() as http:
            try:
                while True:
                    self._wake.clear()
                    self._start_due(http)
                    await self._wait()
            finally:
                for task in self._in_flight.values():
                    task.cancel()

    def _start_due(self, http: aiohttp.ClientSession) -> None:
        free = self._script.faults.concurrency - len(self._in_flight)
        if free <= 0:
            return
        for delivery in self._deliveries.due(excluding=list(self._in_flight), limit=free):
            task = asyncio.create_task(self._deliver(http, delivery))
            self._in_flight[delivery.id] = task
            task.add_done_callback(partial(self._on_finished, delivery.id))

    def _on_finished(self, delivery_id: int, _: asyncio.Task[None]) -> None:
        del self._in_flight[delivery_id]
        self._wake.set()

    async def _wait(self) -> None:
        """Until a delivery is due. With every slot in use, the next one that finishes wakes us."""
        full = len(self._in_flight) >= self._script.faults.concurrency
        excluding = list(self._in_flight)
        timeout_s = None if full else self._deliveries.next_due_in_s(excluding=excluding)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), timeout_s)

    async def _deliver(self, http: aiohttp.ClientSession, delivery: Delivery) -> None:
        event = self._store.get(delivery.event_id)
        if event is None:  # the sandbox was reset meanwhile
            return
        body = json.dumps(public(event), indent=2).encode()
        attempt = await self._post(http, body)
        with self._store.transaction():
            self._record(delivery, attempt)

    async def _post(self, http: aiohttp.ClientSession, body: bytes) -> dict[str, Any]:
        endpoint, started = self._script.endpoint, time.time()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature.header(body, endpoint.secrets, int(started)),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        timeout = aiohttp.ClientTimeout(total=endpoint.timeout_s)
        status, answer, error = None, "", None
        try:
            async with http.post(
                endpoint.url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                status = response.status
                answer = (await response.content.read(_KEPT_ANSWER_BYTES)).decode(errors="replace")
        except (aiohttp.ClientError, TimeoutError, ValueError) as failure:
            error = f"{type(failure).__name__}: {failure}"
        took_ms = round((time.time() - started) * 1000)
        return {
            "at": started,
            "took_ms": took_ms,
            "status": status,
            "answer": answer,
            "error": error,
        }

    def _record(self, delivery: Delivery, attempt: dict[str, Any]) -> None:
        status, state, due_at = attempt["status"], "delivered", delivery.due_at
        if attempt["error"] or not 200 <= status < 300:
            delay_s = self._script.endpoint.retry_delay_s(len(delivery.attempts) + 1)
            state = "failed" if delay_s is None else "pending"
            due_at = time.time() + (delay_s or 0)
        self._deliveries.finish(delivery, attempt, state, due_at)
        if self._store.get(delivery.event_id):
            waiting = self._deliveries.undelivered(delivery.event_id)
            self._store.update(delivery.event_id, pending_webhooks=waiting)

"""The control API as a Python class, for tests and operators. Standard library only."""

import json
import time
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

Json = dict[str, Any]


class SandboxRefused(Exception):
    """The sandbox rejected the command; `message` gives the reason."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message


class DeliveriesUnfinished(Exception):
    """Webhooks were still pending when the wait timed out."""


class Sandbox:
    """Controls a running sandbox. Safe to use from several threads."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._address = urlsplit(url).netloc

    # Payments

    def pay(
        self,
        session: str,
        instrument: str = "4242424242424242",
        *,
        email: str | None = None,
        name: str | None = None,
    ) -> Json:
        """Pay without the page. Returns `session` and `intent`; the intent shows a decline."""
        body = {"instrument": instrument, "email": email, "name": name}
        return self._post(f"sessions/{session}/pay", body)

    def authenticate(self, session: str, *, succeed: bool = True) -> Json:
        """Answer the 3-D Secure challenge."""
        return self._post(f"sessions/{session}/authenticate", {"succeed": succeed})

    def settle(self, session: str, *, succeed: bool = True) -> Json:
        """Finish an asynchronous payment now."""
        return self._post(f"sessions/{session}/settle", {"succeed": succeed})

    def expire(self, session: str) -> Json:
        return self._post(f"sessions/{session}/expire", {})

    # Refunds and disputes; `payment` is a charge, a payment intent or a Checkout Session

    def refund(
        self,
        payment: str,
        amount: int | None = None,
        *,
        outcome: str | None = None,
        reason: str | None = None,
    ) -> Json:
        """`outcome`: succeeds, pending (until `finish_refund`), succeeds_later or fails_later."""
        body = {"payment": payment, "amount": amount, "outcome": outcome, "reason": reason}
        return self._post("refunds", body)

    def finish_refund(self, refund: str, status: str) -> Json:
        """`status`: succeeded, failed (also after succeeded) or canceled."""
        return self._post(f"refunds/{refund}/finish", {"status": status})

    def open_dispute(
        self,
        payment: str,
        amount: int | None = None,
        *,
        reason: str | None = None,
        inquiry: bool = False,
    ) -> Json:
        body = {"payment": payment, "amount": amount, "reason": reason, "inquiry": inquiry}
        return self._post("disputes", body)

    def escalate_dispute(self, dispute: str) -> Json:
        """An inquiry becomes a chargeback."""
        return self._post(f"disputes/{dispute}/escalate", {})

    def close_dispute(self, dispute: str, ending: str) -> Json:
        """`ending`: won, lost, or warning_closed for an inquiry."""
        return self._post(f"disputes/{dispute}/close", {"ending": ending})

    def run_agenda(self) -> int:
        """Run everything that is scheduled for later now, except expiries."""
        return int(self._post("agenda/run", {})["done"])

    # Webhooks

    def set_endpoint(self, url: str, **fields: Any) -> Json:
        """`fields`: secrets, events, timeout_s, retry_first_s, retry_attempts."""
        return self._post("endpoint", {"url": url, **fields})

    def set_faults(self, **faults: Any) -> Json:
        """Fields of `webhooks.script.DeliveryFaults`; those not given are off."""
        return self._post("faults", faults)

    def release(self, *, shuffle_seed: int | None = None, order: list[str] | None = None) -> int:
        body = {"shuffle_seed": shuffle_seed, "order": order or []}
        return int(self._post("deliveries/release", body)["released"])

    def redeliver(self, event: str, *, copies: int = 1) -> None:
        self._post(f"events/{event}/redeliver", {"copies": copies})

    def deliveries(self, *, event: str | None = None, state: str | None = None) -> list[Json]:
        """Each with its `attempts`: the endpoint's answers and their times."""
        filters = {"event": event, "state": state}
        query = urlencode({key: value for key, value in filters.items() if value})
        return list(self._get(f"deliveries?{query}")["data"])

    def wait_until_delivered(self, *, timeout_s: float = 120) -> None:
        """Until nothing is pending: each copy is delivered, failed, dropped or held."""
        until = time.monotonic() + timeout_s
        while self.status()["deliveries"]["pending"]:
            if time.monotonic() > until:
                raise DeliveriesUnfinished(str(self.status()["deliveries"]))
            time.sleep(0.02)

    # The API and the sandbox itself

    def start_outage(self, kind: str, **fields: Any) -> Json:
        """`kind`: slow, timeout, server_error or rate_limited; `fields`: those of `Outage`."""
        return self._post("outage", {"kind": kind, **fields})

    def clear_outage(self) -> None:
        self._post("outage/clear", {})

    def requests(self) -> list[Json]:
        """The log of API requests, the oldest first."""
        return list(self._get("requests")["data"])

    def set_clock(self, offset_s: int) -> Json:
        """Run this many seconds ahead of real time; negative: behind it."""
        return self._post("clock", {"offset_s": offset_s})

    def status(self) -> Json:
        return self._get("status")

    def reset(self) -> None:
        """Delete everything but the endpoint."""
        self._post("reset", {})

    def _get(self, path: str) -> Json:
        return self._send("GET", path, None)

    def _post(self, path: str, body: Json) -> Json:
        return self._send("POST", path, json.dumps(body))

    def _send(self, method: str, path: str, body: str | None) -> Json:
        connection = HTTPConnection(self._address, timeout=30)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request(method, f"/sandbox/{path}", body, headers)
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        if response.status != 200:
            raise SandboxRefused(response.status, _message(text))
        answer: Json = json.loads(text)
        return answer


def _message(text: bytes) -> str:
    try:
        return str(json.loads(text)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return text.decode(errors="replace")

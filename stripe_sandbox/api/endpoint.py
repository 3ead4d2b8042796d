"""Dispatch an HTTP request to its handler: API key, version, outages, idempotency, errors."""

import asyncio
import base64
import hmac
import json
from collections import deque
from typing import NamedTuple
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from stripe_sandbox import forms, ids
from stripe_sandbox.api.call import Call, Handler
from stripe_sandbox.api.expansion import expand
from stripe_sandbox.api.idempotency import IdempotencyKeys, Saved
from stripe_sandbox.api.outage import Outage, Outages
from stripe_sandbox.backend import Backend
from stripe_sandbox.errors import (
    CardError,
    StripeError,
    Unauthenticated,
    UnknownVersion,
)
from stripe_sandbox.objects.details import Json, public
from stripe_sandbox.webhooks.outbox import Cause, cause

_LOG_LENGTH = 10_000


class Attempt(NamedTuple):
    """One request before its handler runs."""

    request: Request
    request_id: str
    handler: Handler
    tree: forms.Tree
    key: str | None  # Idempotency-Key

    @property
    def endpoint(self) -> str:
        return self.request.url.path


class Api:
    """Answers every request under /v1, and keeps a log of them."""

    def __init__(self, backend: Backend, outages: Outages) -> None:
        self.log: deque[Json] = deque(maxlen=_LOG_LENGTH)
        self._backend = backend
        self._outages = outages
        self._keys = IdempotencyKeys(backend)

    async def answer(self, request: Request, handler: Handler) -> Response:
        request_id = ids.new("req")
        outage = self._outages.take(request.method, request.url.path)
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        tree: forms.Tree = {}
        try:
            tree = await _parameters(request)
            self._check(request)
            saved = await self._with_idempotency(
                Attempt(request, request_id, handler, tree, key), outage
            )
        except StripeError as error:
            saved = Saved(request_id, error.status, public(error.body()))
        self.log.append(
            {
                "request_id": request_id,
                "method": request.method,
                "path": request.url.path,
                "params": tree,
                "api_version": request.headers.get("stripe-version"),
                "idempotency_key": key,
                "status": saved.status,
                "replayed": saved.request_id != request_id,
                "outage": outage.kind if outage else None,
            }
        )
        return _response(request, request_id, saved, key, self._backend.settings.api_version)

    def _check(self, request: Request) -> None:
        given = _api_key(request.headers.get("authorization", ""))
        if not given:
            raise Unauthenticated(
                "You did not provide an API key. You need to provide your API key in the "
                "Authorization header, using Bearer auth (e.g. 'Authorization: Bearer "
                "YOUR_SECRET_KEY')."
            )
        if not hmac.compare_digest(given.encode(), self._backend.settings.api_key.encode()):
            raise Unauthenticated(f"Invalid API Key provided: {given[:8]}****{given[-4:]}")
        version, ours = request.headers.get("stripe-version"), self._backend.settings.api_version
        if version not in (None, ours):
            raise UnknownVersion(
                f"Invalid Stripe API version: {version}. This sandbox supports {ours} only."
            )

    async def _with_idempotency(self, attempt: Attempt, outage: Outage | None) -> Saved:
        """Hold the idempotency key from its lookup until the answer is saved."""
        if attempt.key is None:
            return await self._under_outage(attempt, outage)
        saved = self._keys.acquire(attempt.key, attempt.endpoint, attempt.tree)
        if saved:
            return saved
        try:
            return await self._under_outage(attempt, outage)
        finally:
            self._keys.release(attempt.key)

    async def _under_outage(self, attempt: Attempt, outage: Outage | None) -> Saved:
        if outage is None:
            return self._execute(attempt)
        if outage.kind == "slow":
            await asyncio.sleep(outage.delay_s)
            return self._execute(attempt)
        if outage.applied:
            self._execute(attempt)
        elif outage.kind == "server_error" and outage.kept:
            self._save(attempt, Saved(attempt.request_id, 500, outage.error().body()))
        if outage.kind == "timeout":
            await self._outages.hang(attempt.request.is_disconnected)
        raise outage.error()

    def _execute(self, attempt: Attempt) -> Saved:
        """All or nothing, except that a declined card's failed charge is kept."""
        token = cause.set(Cause(attempt.request_id, attempt.key))
        try:
            with self._backend.store.transaction():
                saved = self._run(attempt)
                self._save(attempt, saved)
        finally:
            cause.reset(token)
        self._backend.sender.wake()
        return saved

    def _run(self, attempt: Attempt) -> Saved:
        params = forms.Params(attempt.tree)
        paths = params.texts("expand")
        call = Call(self._backend, params, dict(attempt.request.path_params), attempt.endpoint)
        try:
            status, obj = 200, expand(self._backend, attempt.handler(call), paths)
        except CardError as error:
            status, obj = error.status, error.body()
        params.refuse_unknown()  # after the handler, which reads them; raising rolls all back
        return Saved(attempt.request_id, status, public(obj))

    def _save(self, attempt: Attempt, saved: Saved) -> None:
        if attempt.key:
            self._keys.save(attempt.key, attempt.endpoint, attempt.tree, saved)


def _response(
    request: Request, request_id: str, saved: Saved, key: str | None, version: str
) -> Response:
    headers = {
        "Request-Id": request_id,
        "Stripe-Version": request.headers.get("stripe-version", version),
    }
    if key:
        headers |= {"Idempotency-Key": key, "Original-Request": saved.request_id}
    if saved.request_id != request_id:
        headers["Idempotent-Replayed"] = "true"
    if saved.status == 400:
        headers["Stripe-Should-Retry"] = "false"
    body = json.dumps(saved.body, indent=2)
    return Response(body, saved.status, headers, media_type="application/json")


async def _parameters(request: Request) -> forms.Tree:
    source = request.url.query if request.method != "POST" else (await request.body()).decode()
    return forms.decode(parse_qsl(source, keep_blank_values=True))


def _api_key(authorization: str) -> str:
    """From `Bearer <key>`, or the user name of basic authentication (curl's `-u key:`)."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return value.strip() if scheme.lower() == "bearer" else ""
    try:
        return base64.b64decode(value).decode().partition(":")[0]
    except ValueError:
        return ""

"""Routes of the control API.

Commands must have the content type of JSON, which a foreign web page cannot send without a CORS
preflight.
"""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from stripe_sandbox.api.endpoint import Api
from stripe_sandbox.api.outage import Outage, Outages
from stripe_sandbox.backend import Backend
from stripe_sandbox.control import commands, delivery, money
from stripe_sandbox.errors import InvalidRequest, StripeError
from stripe_sandbox.objects.details import Json, public
from stripe_sandbox.webhooks.script import DeliveryFaults, Endpoint

C = TypeVar("C")
View = Callable[[Request], Awaitable[Response]]


def routes(backend: Backend, api: Api, outages: Outages) -> Iterator[BaseRoute]:
    def post(path: str, kind: type[C], act: Callable[[Backend, str, C], Json]) -> Route:
        return Route(f"/sandbox/{path}", _command(backend, kind, act), methods=["POST"])

    yield post("sessions/{id}/pay", commands.Pay, money.pay)
    yield post("sessions/{id}/authenticate", commands.Answer, money.authenticate)
    yield post("sessions/{id}/settle", commands.Answer, money.settle)
    yield post("sessions/{id}/expire", commands.Empty, money.expire)
    yield post("refunds", commands.Refund, money.refund)
    yield post("refunds/{id}/finish", commands.FinishRefund, money.finish_refund)
    yield post("disputes", commands.OpenDispute, money.open_dispute)
    yield post("disputes/{id}/escalate", commands.Empty, money.escalate_dispute)
    yield post("disputes/{id}/close", commands.CloseDispute, money.close_dispute)
    yield post("agenda/run", commands.Empty, money.run_agenda)
    yield post("endpoint", Endpoint, delivery.set_endpoint)
    yield post("faults", DeliveryFaults, delivery.set_faults)
    yield post("deliveries/release", commands.Release, delivery.release)
    yield post("events/{id}/redeliver", commands.Redeliver, delivery.redeliver)
    yield post("clock", commands.SetClock, delivery.set_clock)
    yield post("outage", Outage, lambda _, __, outage: _start(outages, outage))
    yield post("outage/clear", commands.Empty, lambda *_: _clear(outages))
    yield post("reset", commands.Empty, lambda *_: _reset(backend, api, outages))
    yield from _reading(backend, api, outages)


def _reading(backend: Backend, api: Api, outages: Outages) -> Iterator[BaseRoute]:
    async def status(_: Request) -> Response:
        return JSONResponse({**delivery.status(backend), "requests_hanging": outages.hanging})

    async def deliveries(request: Request) -> Response:
        query = request.query_params
        return JSONResponse(delivery.listing(backend, query.get("event"), query.get("state")))

    async def requests(_: Request) -> Response:
        return JSONResponse({"data": list(api.log)})

    yield Route("/sandbox/status", status)
    yield Route("/sandbox/deliveries", deliveries)
    yield Route("/sandbox/requests", requests)


def _command(backend: Backend, kind: type[C], act: Callable[[Backend, str, C], Json]) -> View:
    async def view(request: Request) -> Response:
        try:
            command = _read(request, await request.body(), kind)
            with backend.store.transaction():
                answer = act(backend, request.path_params.get("id", ""), command)
        except StripeError as error:
            return JSONResponse(public(error.body()), error.status)
        backend.sender.wake()
        return JSONResponse(public(answer))

    return view


def _read(request: Request, body: bytes, kind: type[C]) -> C:
    if request.headers.get("content-type", "").split(";")[0] != "application/json":
        raise InvalidRequest("Send JSON with Content-Type: application/json.")
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise InvalidRequest(str(error)) from error


def _start(outages: Outages, outage: Outage) -> Json:
    outages.start(outage)
    plain: dict[str, Any] = msgspec.to_builtins(outage)
    return plain


def _clear(outages: Outages) -> Json:
    outages.clear()
    return {}


def _reset(backend: Backend, api: Api, outages: Outages) -> Json:
    """Delete everything and turn every fault off; the endpoint stays as it is."""
    backend.store.clear()
    backend.script.set_faults(DeliveryFaults())
    backend.clock.offset_s = 0
    outages.clear()
    api.log.clear()
    return {}

"""Routes of the pages; an unknown object gets a page with a 404."""

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from stripe_sandbox.backend import Backend
from stripe_sandbox.objects.details import Json
from stripe_sandbox.pages import authentication, checkout, receipts
from stripe_sandbox.pages.html import Markup, fill
from stripe_sandbox.pages.responses import page

_FOLDER = Path(__file__).parent

View = Callable[[Json, dict[str, str]], Response]
Endpoint = Callable[[Request], Awaitable[Response]]


def routes(backend: Backend) -> Iterator[BaseRoute]:
    def on(kinds: tuple[str, ...], view: View) -> Endpoint:
        return _endpoint(backend, kinds, view)

    session, intents = ("checkout.session",), ("payment_intent", "setup_intent")
    pay, challenge = "/c/pay/{id}", "/c/authenticate/{id}"
    yield Route(pay, on(session, lambda one, _: checkout.show(backend, one)))
    yield Route(
        pay, on(session, lambda one, form: checkout.submit(backend, one, form)), methods=["POST"]
    )
    yield Route(
        f"{pay}/expire",
        on(session, lambda one, _: checkout.expire(backend, one)),
        methods=["POST"],
    )
    yield Route(challenge, on(intents, lambda one, _: authentication.show(backend, one)))
    yield Route(
        challenge,
        on(intents, lambda one, form: authentication.submit(backend, one, form)),
        methods=["POST"],
    )
    yield Route("/receipts/{id}", on(("charge",), lambda one, _: receipts.receipt(one)))
    yield Route("/invoices/{id}", on(("invoice",), lambda one, _: receipts.invoice(one)))
    yield Route("/c/style.css", _file("style.css"))
    yield Route("/c/icon.svg", _file("icon.svg"))


def _endpoint(backend: Backend, kinds: tuple[str, ...], view: View) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        found = backend.store.get(request.path_params["id"])
        if found is None or found["object"] not in kinds:
            return _missing()
        body = (await request.body()).decode()
        return view(found, dict(parse_qsl(body)))

    return endpoint


def _file(name: str) -> Endpoint:
    async def endpoint(_: Request) -> Response:
        return FileResponse(_FOLDER / name, headers={"Cache-Control": "max-age=300"})

    return endpoint


def _missing() -> HTMLResponse:
    body = fill(
        "notice",
        heading="Not found",
        text="This address is wrong, or the sandbox was reset.",
        back=Markup(""),
    )
    return page("Stripe sandbox: not found", body, status=404)

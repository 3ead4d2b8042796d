"""The routes under /v1 and their handlers; any other URL gets Stripe's error for it."""

from collections.abc import Awaitable, Callable, Iterator

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from stripe_sandbox.api import checkout, customers, events, money, payments
from stripe_sandbox.api.call import Call, Handler
from stripe_sandbox.api.endpoint import Api
from stripe_sandbox.errors import UnknownAddress
from stripe_sandbox.objects.details import Json

Endpoint = Callable[[Request], Awaitable[Response]]

_HANDLERS: dict[str, Handler] = {
    "GET /v1/account": events.retrieve_account,
    "GET /v1/balance_transactions": money.list_movements,
    "GET /v1/balance_transactions/{movement}": money.retrieve_movement,
    "GET /v1/charges": money.list_charges,
    "GET /v1/charges/search": money.find_charges,
    "GET /v1/charges/{charge}": money.retrieve_charge,
    "GET /v1/charges/{charge}/refunds": money.list_charge_refunds,
    "GET /v1/checkout/sessions": checkout.listing,
    "POST /v1/checkout/sessions": checkout.create,
    "GET /v1/checkout/sessions/{session}": checkout.retrieve,
    "POST /v1/checkout/sessions/{session}/expire": checkout.expire,
    "GET /v1/checkout/sessions/{session}/line_items": checkout.line_items,
    "GET /v1/customers": customers.listing,
    "POST /v1/customers": customers.create,
    "GET /v1/customers/search": customers.find,
    "GET /v1/customers/{customer}": customers.retrieve,
    "POST /v1/customers/{customer}": customers.update,
    "GET /v1/customers/{customer}/payment_methods": customers.list_customer_methods,
    "GET /v1/disputes": money.list_disputes,
    "GET /v1/disputes/{dispute}": money.retrieve_dispute,
    "POST /v1/disputes/{dispute}": money.update_dispute,
    "POST /v1/disputes/{dispute}/close": money.close_dispute,
    "GET /v1/events": events.listing,
    "GET /v1/events/{event}": events.retrieve,
    "GET /v1/invoices": money.list_invoices,
    "GET /v1/invoices/{invoice}": money.retrieve_invoice,
    "GET /v1/payment_intents": payments.listing,
    "POST /v1/payment_intents": payments.create,
    "GET /v1/payment_intents/search": payments.find,
    "GET /v1/payment_intents/{intent}": payments.retrieve,
    "POST /v1/payment_intents/{intent}/cancel": payments.cancel,
    "POST /v1/payment_intents/{intent}/confirm": payments.confirm,
    "GET /v1/payment_methods": customers.list_methods,
    "POST /v1/payment_methods": customers.create_method,
    "GET /v1/payment_methods/{method}": customers.retrieve_method,
    "POST /v1/payment_methods/{method}/attach": customers.attach_method,
    "POST /v1/payment_methods/{method}/detach": customers.detach_method,
    "GET /v1/refunds": money.list_refunds,
    "POST /v1/refunds": money.create_refund,
    "GET /v1/refunds/{refund}": money.retrieve_refund,
    "GET /v1/setup_intents": payments.list_setups,
    "POST /v1/setup_intents": payments.create_setup,
    "GET /v1/setup_intents/{intent}": payments.retrieve_setup,
    "POST /v1/setup_intents/{intent}/confirm": payments.confirm_setup,
}


def routes(api: Api) -> Iterator[BaseRoute]:
    for address, handler in _HANDLERS.items():
        method, path = address.split(" ")
        yield Route(path, _endpoint(api, handler), methods=[method])
    methods = ["GET", "POST", "DELETE"]
    yield Route("/v1/{rest:path}", _unknown(api), methods=methods)


def _endpoint(api: Api, handler: Handler) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return await api.answer(request, handler)

    return endpoint


def _unknown(api: Api) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        def handler(_: Call) -> Json:
            raise UnknownAddress(
                f"Unrecognized request URL ({request.method}: {request.url.path}). Please see "
                "https://stripe.com/docs."
            )

        return await api.answer(request, handler)

    return endpoint

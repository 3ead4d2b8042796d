"""Receipts of charges and the hosted pages of invoices."""

from datetime import UTC, datetime

from starlette.responses import HTMLResponse

from stripe_sandbox.objects.details import Json
from stripe_sandbox.pages.html import fill, join, money
from stripe_sandbox.pages.responses import page


def receipt(charge: Json) -> HTMLResponse:
    rows = [
        ("Date", _date(charge["created"])),
        ("For", charge["description"] or "Payment"),
        ("Receipt for", charge["id"]),
    ]
    if charge["amount_refunded"]:
        rows.append(("Refunded", money(charge["amount_refunded"], charge["currency"])))
    return _page("Receipt", money(charge["amount"], charge["currency"]), rows)


def invoice(made: Json) -> HTMLResponse:
    lines = [
        (line["description"], money(line["amount"], line["currency"]))
        for line in made["lines"]["data"]
    ]
    tax = sum(one["amount"] for one in made["total_taxes"])
    rows = [("Status", made["status"].title()), ("Date", _date(made["created"])), *lines]
    if tax:
        rows.append(("Tax", money(tax, made["currency"])))
    return _page(f"Invoice {made['number']}", money(made["total"], made["currency"]), rows)


def _page(heading: str, total: str, rows: list[tuple[str, str]]) -> HTMLResponse:
    filled = join([fill("line", name=name, note="", amount=value) for name, value in rows])
    body = fill("receipt", heading=heading, total=total, rows=filled)
    return page(f"Stripe sandbox: {heading}", body)


def _date(created: int) -> str:
    return datetime.fromtimestamp(created, UTC).strftime("%d %B %Y, %H:%M UTC")

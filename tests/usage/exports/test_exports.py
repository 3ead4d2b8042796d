"""Figures taken away as files: every row once, and the totals that the headers tell."""

import asyncio
import csv
import io
import json
import re
import zlib
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse
from django.test import AsyncClient, Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Workspace
from billing.ledger import wallets
from billing.ledger.grants import grant
from billing.models import EntryKind, LedgerEntry
from tests.support import people
from tests.support.request_records import a_record, write
from usage.exports import snapshot
from usage.exports.snapshot import TooManyExportsError

pytestmark = pytest.mark.django_db(transaction=True)

HOSTILE = ("=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx")


async def fetched(browser: Client, path: str) -> tuple[Any, bytes]:
    client = AsyncClient()
    client.cookies = browser.cookies
    response: Any = await client.get(path)
    if not isinstance(response, StreamingHttpResponse):
        return response, response.content
    return response, b"".join([piece async for piece in response])


def rows_of(text: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.decode(), newline="")))


async def filled(workspace: Workspace, *records: dict[str, Any]) -> None:
    await sync_to_async(lambda: write(*(a_record(workspace, **fields) for fields in records)))()


async def test_every_call_is_a_row_and_the_headers_tell_the_totals(
    browser: Client, workspace: Workspace
) -> None:
    now = timezone.now()
    calls = [{"at": now - timedelta(minutes=at), "credits": at} for at in range(1, 301)]
    await filled(workspace, *calls)

    response, text = await fetched(browser, "/developers/usage/export/requests")

    rows = rows_of(text)
    assert [int(row["credits"]) for row in rows] == list(range(300, 0, -1))
    assert response["caicaini-rows"] == "300"
    assert response["caicaini-credits"] == str(sum(range(1, 301)))
    assert response["content-disposition"].endswith('.csv"')


async def test_a_browser_that_takes_gzip_gets_every_piece(
    browser: Client, workspace: Workspace
) -> None:
    """Browsers read one gzip file of a body: what follows it would be lost."""
    await filled(workspace, {"credits": 7}, {"credits": 5})
    client = AsyncClient(headers={"accept-encoding": "gzip, deflate, br"})
    client.cookies = browser.cookies

    answer: Any = await client.get("/developers/usage/export/requests?format=jsonl")
    body = b"".join([piece async for piece in answer])

    if answer.headers.get("content-encoding") == "gzip":
        body = zlib.decompressobj(wbits=31).decompress(body)
    assert len(body.splitlines()) == 3


async def test_lines_of_json_begin_with_the_totals(browser: Client, workspace: Workspace) -> None:
    text = 'a "quoted" \\ line\nbreak \u2028 and a \x01 sign'
    await filled(workspace, {"user_label": text.replace("\x01", ""), "credits": 7}, {"credits": 5})

    _, found = await fetched(browser, "/developers/usage/export/requests?format=jsonl")

    first, *rows = [json.loads(line) for line in found.decode().split("\n") if line]
    assert first == {"rows": 2, "credits": 12}
    assert sum(row["credits"] for row in rows) == 12
    assert text.replace("\x01", "") in {row["user"] for row in rows}


async def test_a_text_that_a_spreadsheet_would_run_gets_an_apostrophe(
    browser: Client, workspace: Workspace
) -> None:
    await filled(workspace, *({"session_id": text} for text in (*HOSTILE, "a=1")))

    _, text = await fetched(browser, "/developers/usage/export/requests")

    found = {row["session_id"] for row in rows_of(text)}
    assert found == {f"'{hostile}" for hostile in HOSTILE} | {"a=1"}


async def test_a_filter_of_the_log_chooses_the_rows(browser: Client, workspace: Workspace) -> None:
    await filled(workspace, {"session_id": "s1", "credits": 3}, {"session_id": "s2"})

    response, text = await fetched(browser, "/developers/usage/export/requests?session=s1")

    assert [row["session_id"] for row in rows_of(text)] == ["s1"]
    assert response["caicaini-credits"] == "3"


async def test_another_workspaces_calls_are_in_no_file(
    browser: Client, workspace: Workspace
) -> None:
    await filled(workspace, {"credits": 3})
    stranger = await sync_to_async(people.new_person)()
    other = await sync_to_async(people.workspace_of)(stranger)
    await filled(other, {"credits": 4})

    for name in ("requests", "usage"):
        _, text = await fetched(browser, f"/developers/usage/export/{name}")
        assert [row["credits"] for row in rows_of(text)] == ["3"]


async def test_sums_and_calls_are_the_same_credits(browser: Client, workspace: Workspace) -> None:
    now = timezone.now()
    await filled(workspace, *({"at": now - timedelta(hours=at), "credits": at} for at in range(50)))

    calls, _ = await fetched(browser, "/developers/usage/export/requests?range=30d")
    sums, text = await fetched(browser, "/developers/usage/export/usage?range=30d&width=1d")

    assert calls["caicaini-credits"] == sums["caicaini-credits"]
    assert sum(int(row["credits"]) for row in rows_of(text)) == sum(range(50))


@pytest.mark.parametrize(
    ("query", "columns", "credits"),
    [
        ("", ["model"], {("m1",): 3, ("m2",): 4}),
        ("by=key", ["key_id", "key"], {("", ""): 4, ("7", ""): 3}),
        ("by=source", ["source"], {("api",): 3, ("console",): 4}),
        ("by=tag", ["tag"], {("",): 4, ("'=team",): 3, ("web",): 3}),
        ("tag=web", [], {(): 3}),
        ("key=7&by=model", ["model"], {("m1",): 3}),
        ("model=m2&by=source", ["source"], {("console",): 4}),
    ],
)
async def test_a_file_of_sums_has_the_filters_and_groups_of_the_page(
    browser: Client,
    workspace: Workspace,
    query: str,
    columns: list[str],
    credits: dict[tuple[str, ...], int],
) -> None:
    await filled(
        workspace,
        {"credits": 3, "resolved_model": "m1", "key_id": 7, "tags": ("web", "=team")},
        {"credits": 4, "resolved_model": "m2", "source": "console"},
    )

    page = await sync_to_async(browser.get)(f"/developers/usage?{query}")
    links = re.findall(r'href="(/developers/usage/export/usage[^"]*)"', page.content.decode())
    response, text = await fetched(browser, unescape(links[0]))

    rows = rows_of(text)
    assert list(rows[0])[1 : 1 + len(columns)] == columns
    assert list(rows[0])[1 + len(columns)] == "requests"
    found = {tuple(row[name] for name in columns): int(row["credits"]) for row in rows}
    assert found == credits
    assert response["caicaini-credits"] == str(sum(credits.values()))


async def test_a_file_of_errors_counts_them_by_code(browser: Client, workspace: Workspace) -> None:
    await filled(workspace, {"error_type": "api_error", "error_code": "upstream_failed"}, {})

    _, text = await fetched(browser, "/developers/usage/export/usage?show=errors")

    [row] = rows_of(text)
    assert row.pop("starts_at")
    assert row == {"error_code": "upstream_failed", "requests": "1", "errors": "1"}


async def test_the_ledger_is_exported_with_its_balances(
    browser: Client, workspace: Workspace
) -> None:
    for credits in (700, -200):
        await sync_to_async(grant)(workspace=workspace, credits=credits, reason="=a test")
    wallet = await sync_to_async(wallets.wallet_of)(workspace)
    entries = LedgerEntry.objects.filter(wallet=wallet).order_by("seq")
    amounts = [entry.amount async for entry in entries]

    response, text = await fetched(browser, "/developers/usage/export/ledger?range=30d")

    rows = rows_of(text)
    assert [int(row["credits"]) for row in rows] == amounts
    assert response["caicaini-credits"] == str(sum(amounts)) == rows[-1]["balance_after"]
    assert {row["reason"] for row in rows[-2:]} == {"'=a test"}


async def test_a_file_of_the_ledger_has_what_its_page_and_the_statement_show(
    browser: Client, workspace: Workspace
) -> None:
    """Also for a viewer whose day is not that of UTC, in which statements are made."""
    person = await workspace.members.aget()
    person.time_zone = "Pacific/Kiritimati"  # 14 hours ahead
    await person.asave()
    wallet = await sync_to_async(wallets.wallet_of)(workspace)
    turn = timezone.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for seq, hours in enumerate((-15, -13, -1, 1), start=1):
        await LedgerEntry.objects.acreate(
            wallet=wallet,
            seq=seq,
            kind=EntryKind.GRANT,
            amount=seq,
            balance_after=seq * (seq + 1) // 2,
            reference=f"test-{seq}",
            created_at=turn + timedelta(hours=hours),
        )
    await type(wallet).objects.filter(pk=wallet.pk).aupdate(posted=10, seq=4)
    month = turn - timedelta(days=1)

    async def file_on(page: str) -> list[dict[str, str]]:
        answer = await sync_to_async(browser.get)(page)
        [link] = re.findall(
            r'href="(/developers/usage/export/ledger[^"]*)"', answer.content.decode()
        )[:1]
        return rows_of((await fetched(browser, unescape(link)))[1])

    of_statement = await file_on(f"/developers/billing/statements/{month:%Y-%-m}")
    assert [row["seq"] for row in of_statement] == ["1", "2", "3"]
    days = f"from={month:%Y-%m-%d}&to={month:%Y-%m-%d}"
    of_page = await file_on(f"/developers/billing/ledger?{days}&kind=grant")
    assert [row["seq"] for row in of_page] == ["1"]


async def test_a_workspace_has_one_export_at_a_time_and_the_place_comes_back(
    browser: Client, workspace: Workspace
) -> None:
    await filled(workspace, {})
    client = AsyncClient()
    client.cookies = browser.cookies
    running: Any = await client.get("/developers/usage/export/requests")

    refused, _ = await fetched(browser, "/developers/usage/export/requests")
    assert refused.status_code == 429
    assert refused["retry-after"] == "10"

    async for _ in running.streaming_content:
        break  # the client has left: nobody reads on
    await sync_to_async(running.close)()
    await _place_is_free(workspace.pk)


async def test_a_client_that_reads_nothing_loses_its_export(
    browser: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Long enough for a busy machine to count what is exported: the silence includes that.
    monkeypatch.setattr(snapshot, "_LONGEST_SILENCE_S", 3)
    await filled(workspace, {})
    client = AsyncClient()
    client.cookies = browser.cookies

    await client.get("/developers/usage/export/requests")

    await _place_is_free(workspace.pk)


async def _place_is_free(workspace_id: int) -> None:
    async with asyncio.timeout(30):  # less than the silence after which an export is given up
        while True:
            try:
                snapshot._enter(workspace_id)
            except TooManyExportsError:
                await asyncio.sleep(0.01)
            else:
                break
    snapshot._leave(workspace_id)


@pytest.mark.parametrize("path", ["nothing", "requests?format=xlsx"])
def test_what_cannot_be_exported_is_a_404(browser: Client, path: str) -> None:
    assert browser.get(f"/developers/usage/export/{path}").status_code == 404


def test_somebody_who_is_signed_out_is_asked_to_sign_in() -> None:
    response = Client().get("/developers/usage/export/requests")

    assert response.status_code == 302
    assert response["location"].startswith(reverse("account_login"))

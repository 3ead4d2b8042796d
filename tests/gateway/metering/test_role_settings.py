"""The ledger is right with any defaults of a role or database."""

import time
from pathlib import Path

import psycopg
import pytest

from gateway.metering.connections import connect
from gateway.metering.operations import HoldDecision
from tests.support.books import Books, database_url
from tests.support.gateway_process import Process
from tests.support.waiting import eventually


def url_with(setting: str) -> str:
    """A URL whose sessions begin with this setting, as with a role's default."""
    return psycopg.conninfo.make_conninfo(database_url(), options=f"-c {setting}")


@pytest.mark.parametrize("isolation", [r"repeatable\ read", "serializable"])
def test_a_key_revoked_while_its_call_waits_holds_nothing(
    books: Books, journals: Path, isolation: str
) -> None:
    url = url_with(f"default_transaction_isolation={isolation}")
    key = books.mint()
    with Process(database_url=url, journals=journals) as process:
        with psycopg.connect(database_url()) as other:
            other.execute(
                "SELECT 1 FROM billing_wallet WHERE id = %s FOR UPDATE", [books.wallet_id]
            )
            waiting = process.submit(books.call(100, key_id=key.pk).hold())
            eventually(books.is_waited_for, what="the hold")
            other.execute("UPDATE keys_apikey SET revoked_at = now() WHERE id = %s", [key.pk])

        assert waiting.result(30).decision is HoldDecision.KEY_UNUSABLE


def test_an_idle_process_keeps_its_sessions(
    books: Books, journals: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # It applies until the session sets its own value, right after it has connected.
    with Process(database_url=url_with("idle_session_timeout=2s"), journals=journals):
        time.sleep(4)

    assert "the ledger is unavailable" not in caplog.text
    assert "the liveness lock was lost" not in caplog.text


def test_a_wallet_is_waited_for(books: Books, journals: Path) -> None:
    with Process(database_url=url_with("lock_timeout=1"), journals=journals) as process:
        with books.locked():
            waiting = process.submit(books.call(100).hold())
            with pytest.raises(TimeoutError):
                waiting.result(1)

        assert waiting.result(30).decision is HoldDecision.ADMITTED


@pytest.mark.parametrize(
    "setting",
    [
        "client_encoding=LATIN1",
        "datestyle=German,DMY",
        "timezone=Asia/Tokyo",
        "standard_conforming_strings=off",
        "plpgsql.extra_errors=all",
    ],
)
def test_a_record_is_not_garbled(books: Books, journals: Path, setting: str) -> None:
    call = books.call(300)
    with Process(database_url=url_with(setting), journals=journals) as process:
        assert process.apply(call.hold()).decision is HoldDecision.ADMITTED
        assert process.apply(call.settle(120, route="naïve 🦊 \\'")).charged == 120

    [record] = books.records()
    assert (record.route, record.accepted_at) == ("naïve 🦊 \\'", call.accepted_at)


@pytest.mark.parametrize(
    ("given", "kept"), [("off", "on"), ("local", "local"), ("remote_apply", "remote_apply")]
)
def test_a_charge_is_on_disk_before_its_caller_receives_it(
    books: Books, given: str, kept: str
) -> None:
    connection = connect(url_with(f"synchronous_commit={given}"), name="test")
    with connection:
        assert connection.execute("SHOW synchronous_commit").fetchone() == (kept,)

"""A caller shows a key: the right one opens, any other does not, and a revoked one never again."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import psycopg
import pytest
from django.utils import timezone

from billing.models import Hold
from keys import tokens
from keys.models import ApiKey
from tests.support.callers import Caller, request_body
from tests.support.customers import Customer
from tests.support.gateways import NewCustomer
from tests.support.replies import says
from tests.support.scripted_upstream import ScriptedUpstream
from tests.support.servers import WebServer
from tests.support.waiting import eventually


def assert_is_a_stranger(caller: Caller, headers: dict[str, str] | None = None) -> None:
    """One answer for every wrong key, on every address: a stranger learns nothing."""
    answers = [
        caller.post("/v1/messages", request_body("Hello"), headers),
        caller.post("/v1/messages", b"not even JSON", headers),
        caller.get("/v1/credits", headers),
        caller.get("/v1/models", headers),
        caller.get("/v1/models/scripted/messages", headers),
    ]
    for answer in answers:
        assert answer.status == 401
        assert answer.error["type"] == "authentication_error"
    assert len({answer.error["message"] for answer in answers}) == 1


def test_without_a_key_nothing_opens(customer: Customer) -> None:
    assert_is_a_stranger(Caller(customer.url, None))


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer "},
        {"authorization": "Basic dXNlcjpwYXNz"},
        {"authorization": "Bearer null"},
        {"authorization": "Bearer cai_api_"},
        {"authorization": "Bearer cai_api_" + "é" * 38},
        {"authorization": "Bearer " + "x" * 30_000},
        {"authorization": "Bearer cai_api_' OR 1=1; --"},
        {"x-api-key": "cai_api_" + "0" * 38},
    ],
    ids=lambda headers: str(headers)[:40],
)
def test_what_is_no_key_opens_nothing(customer: Customer, headers: dict[str, str]) -> None:
    assert_is_a_stranger(Caller(customer.url, None), headers)


def test_a_key_with_one_character_changed_opens_nothing(customer: Customer) -> None:
    for place in (8, 20, 40, len(customer.token) - 1):
        wrong = "A" if customer.token[place] != "A" else "B"
        changed = customer.token[:place] + wrong + customer.token[place + 1 :]
        assert_is_a_stranger(Caller(customer.url, changed))
    assert_is_a_stranger(Caller(customer.url, customer.token[:-1]))
    assert_is_a_stranger(Caller(customer.url, customer.token.swapcase()))


def test_a_well_formed_key_that_nobody_minted_opens_nothing(customer: Customer) -> None:
    assert_is_a_stranger(Caller(customer.url, tokens.new_token()))


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer {}"},
        {"authorization": "bearer {}"},
        {"authorization": "Bearer    {}  "},
        {"x-api-key": "{}"},
        {"x-api-key": "{}", "authorization": ""},
        {"x-api-key": "", "authorization": "Bearer {}"},
        {"x-api-key": "{}", "authorization": "Bearer {}"},
        {"x-api-key": "{}", "authorization": "Bearer something-else"},
        {"x-api-key": "sk-ant-of-another-service", "authorization": "Bearer {}"},
        {"x-api-key": "{0}, {0}"},
    ],
    ids=str,
)
def test_both_headers_open(
    customer: Customer, upstream: ScriptedUpstream, headers: dict[str, str]
) -> None:
    filled = {name: value.format(customer.token) for name, value in headers.items()}
    script = upstream.script(says())

    answer = Caller(customer.url, None).ask(script.prompt, headers=filled)

    assert answer.status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"x-api-key": "{0}", "authorization": "Bearer {1}"},
        {"x-api-key": "{1}", "authorization": "Bearer {0}"},
        {"x-api-key": "{0}", "authorization": "Bearer cai_api_mistyped"},
        {"x-api-key": "{0}, {1}"},
        {"authorization": "Bearer {0}, Bearer {1}"},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/credits"])
def test_two_different_keys_in_one_request_are_refused_whichever_would_open(
    customer: Customer, headers: dict[str, str], path: str
) -> None:
    other = customer.another_key().token
    filled = {name: value.format(customer.token, other) for name, value in headers.items()}
    caller = Caller(customer.url, None)

    asks = path == "/v1/messages"
    answer = caller.post(path, request_body("Hello"), filled) if asks else caller.get(path, filled)

    assert (answer.status, answer.error["type"]) == (400, "invalid_request_error")
    assert "two different" in answer.error["message"]
    assert customer.token not in answer.error["message"]
    assert customer.records() == []


def test_an_expired_key_opens_nothing(new_customer: NewCustomer) -> None:
    customer = new_customer(expires_at=timezone.now() - timedelta(seconds=1))

    assert_is_a_stranger(customer.caller)
    assert customer.records() == []


def test_a_key_expires_while_it_is_in_use(customer: Customer, upstream: ScriptedUpstream) -> None:
    script = upstream.script(says())
    assert customer.ask(script.prompt).status == 200
    expires_at = timezone.now() + timedelta(seconds=1)
    ApiKey.objects.filter(pk=customer.key.pk).update(expires_at=expires_at)

    eventually(lambda: customer.ask(script.prompt).status == 401, what="the key's end")

    assert timezone.now() >= expires_at
    # The first 401 may be the ledger's, which reads the key when the gateway still remembers it.
    eventually(lambda: customer.caller.get("/v1/credits").status == 401)
    assert_is_a_stranger(customer.caller)


def test_a_revoked_key_opens_nothing_from_the_next_call_on(
    customer: Customer, twin: WebServer, upstream: ScriptedUpstream
) -> None:
    """However well both processes remember it."""
    script = upstream.script(says())
    callers = [customer.caller, customer.at(twin.url)]
    assert [caller.ask(script.prompt).status for caller in callers] == [200, 200]

    customer.revoke()

    assert [caller.ask(script.prompt).status for caller in callers] == [401, 401]
    assert [caller.ask(script.prompt, stream=True).status for caller in callers] == [401, 401]
    assert len(script.requests) == 2
    eventually(lambda: {caller.get("/v1/credits").status for caller in callers} == {401})
    assert_is_a_stranger(customer.caller)


def test_no_hold_is_opened_once_revoking_has_returned(
    customer: Customer, twin: WebServer, upstream: ScriptedUpstream
) -> None:
    """While twenty clients hammer two processes with the key."""
    script = upstream.script(says())
    stop = threading.Event()
    refused = threading.Semaphore(0)

    def hammer(caller: Caller) -> None:
        while not stop.is_set():
            if caller.ask(script.prompt).status == 401:
                refused.release()

    callers = [customer.caller, customer.at(twin.url)] * 10
    threads = [threading.Thread(target=hammer, args=[caller]) for caller in callers]
    for thread in threads:
        thread.start()
    try:
        eventually(lambda: len(script.requests) > 100, within_s=30, what="a hundred calls")
        customer.revoke()
        opened = Hold.objects.filter(wallet=customer.wallet()).count()
        for _ in range(100):
            assert refused.acquire(timeout=20), "the revoked key still works"
    finally:
        stop.set()
        for thread in threads:
            thread.join()

    assert Hold.objects.filter(wallet=customer.wallet()).count() == opened
    assert len(customer.charges()) == len(script.requests) == opened


def test_a_key_for_some_models_opens_only_those(
    new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    customer = new_customer(allowed_models=("scripted/chat", "scripted/able"))
    script = upstream.script(says())

    refused = customer.ask(script.prompt, model="scripted/messages")

    assert refused.status == 403
    assert refused.error["type"] == "permission_error"
    assert "scripted/messages" in refused.error["message"]
    assert script.requests == []
    assert customer.records() == []
    assert customer.ask(script.prompt, model="scripted/chat").status == 200
    assert customer.ask(script.prompt, model="caicaini/auto").json()["model"] == "scripted/able"


def test_a_key_whose_models_auto_never_chooses_is_told_so(
    new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    customer = new_customer(allowed_models=("scripted/chat",))
    script = upstream.script(says())

    refused = customer.ask(script.prompt, model="caicaini/auto")

    assert refused.status == 403
    assert refused.error["type"] == "permission_error"
    assert script.requests == []


def test_when_a_key_was_last_used_is_remembered(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(says())
    unused = customer.another_key().key
    before = timezone.now()

    customer.ask(script.prompt)

    def is_used_since(moment: datetime) -> bool:
        return ApiKey.objects.filter(pk=customer.key.pk, last_used_at__gte=moment).exists()

    eventually(lambda: is_used_since(before), what="the time of use")
    assert not is_used_since(timezone.now())
    before = timezone.now()
    customer.caller.get("/v1/credits")
    eventually(lambda: is_used_since(before), what="the time of the second use")
    assert ApiKey.objects.get(pk=unused.pk).last_used_at is None


def test_the_token_is_kept_nowhere(customer: Customer, upstream: ScriptedUpstream) -> None:
    script = upstream.script(says())
    customer.ask(script.prompt)

    stored = ApiKey.objects.get(pk=customer.key.pk)

    assert customer.token not in str(stored.__dict__)
    assert customer.token[11:-4] not in stored.hint


# PostgreSQL sleeps with the lock, so that a pause of this process shortens the wait.
_BUSY_FOR_A_SECOND = "BEGIN; LOCK TABLE keys_apikey; SELECT pg_sleep(1); COMMIT"
_IS_LOCKED = """
SELECT 1 FROM pg_locks WHERE relation = 'keys_apikey'::regclass
AND mode = 'AccessExclusiveLock' AND granted
"""


def test_a_key_is_looked_up_while_postgresql_is_busy(
    customer: Customer, gateway_env: dict[str, str]
) -> None:
    """A look-up that takes long is no outage while PostgreSQL answers others."""
    url = gateway_env["DATABASE_URL"]
    with (
        psycopg.connect(url, autocommit=True) as busy,
        psycopg.connect(url, autocommit=True) as other,
        ThreadPoolExecutor(1) as pool,
    ):
        locking = pool.submit(busy.execute, _BUSY_FOR_A_SECOND)
        eventually(lambda: other.execute(_IS_LOCKED).fetchone(), what="the lock")

        answer = customer.caller.get("/v1/models")

        locking.result()
    assert answer.status == 200

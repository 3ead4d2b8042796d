"""Large bodies: what they take of a process, who waits for room, and what is counted before."""

import json
from pathlib import Path

import pytest

from tests.support.callers import Call, Caller, request_body
from tests.support.customers import Customer
from tests.support.gateways import NewCustomer, StartGateway
from tests.support.replies import after_release, answers, events, says, streams, then
from tests.support.scripted_upstream import Exchange, Play, ScriptedUpstream
from tests.support.servers import WebServer
from tests.support.waiting import eventually

MIB = 1024 * 1024
ONE_AT_A_TIME = {
    "MAX_BODY_BYTES": "1000000",
    "BODY_DISK_BYTES": "1000000",
    "BODY_WAIT_S": "0.5",
}


def begin_upload(caller: Caller, body: bytes, sent: int) -> Call:
    """Send the head and so many bytes of a call's body."""
    call = caller.call(
        "POST",
        "/v1/messages",
        None,
        {"content-type": "application/json", "content-length": str(len(body))},
    )
    call.send(body[:sent])
    return call


def of_blocks(count: int, text: str) -> bytes:
    """Return the body of a call with so many blocks of text."""
    content = [{"type": "text", "text": text}] * count
    body = json.loads(request_body("")) | {"messages": [{"role": "user", "content": content}]}
    return json.dumps(body, separators=(",", ":")).encode()


@pytest.mark.parametrize("size", [60_000, 70_000, 1_500_000, 20 * MIB])
@pytest.mark.parametrize("is_chunked", [False, True], ids=["announced", "chunked"])
def test_a_body_of_any_size_reaches_the_model_byte_for_byte(
    new_customer: NewCustomer, upstream: ScriptedUpstream, size: int, is_chunked: bool
) -> None:
    customer = new_customer(credits=1_000_000_000)
    script = upstream.script(says())
    text = (script.prompt + " ").ljust(size, "e")
    body = request_body(text, max_tokens=1)
    headers = {"content-type": "application/json"}
    if not is_chunked:
        answer = customer.caller.post("/v1/messages", body, headers)
    else:
        call = customer.caller.call(
            "POST", "/v1/messages", None, headers | {"transfer-encoding": "chunked"}
        )
        for start in range(0, len(body), 100_000):
            part = body[start : start + 100_000]
            call.send(b"%x\r\n%b\r\n" % (len(part), part))
        call.send(b"0\r\n\r\n")
        answer = call.answer()

    assert answer.status == 200
    [received] = script.requests
    assert received.body["messages"] == json.loads(body)["messages"]


def test_bodies_that_are_still_arriving_take_little_memory(
    new_customer: NewCustomer, start_gateway: StartGateway
) -> None:
    gateway = start_gateway()
    poor = new_customer(url=gateway.url, credits=1)
    body = request_body("x" * (12 * MIB))
    before = gateway.memory_bytes()

    calls = [begin_upload(poor.caller, body, len(body) - 1) for _ in range(30)]
    eventually(lambda: poor.caller.get("/v1/models").status == 200)
    grown = gateway.memory_bytes() - before

    assert grown < 150 * MIB
    calls[0].send(body[-1:])
    answer = calls[0].answer()
    assert answer.status == 402
    for call in calls[1:]:
        call.hang_up()


@pytest.mark.parametrize("refused_as", [400, 402])
def test_large_bodies_that_were_refused_are_not_kept(
    new_customer: NewCustomer, start_gateway: StartGateway, refused_as: int
) -> None:
    gateway = start_gateway()
    poor = new_customer(url=gateway.url, credits=1)
    large = {"role": "user", "content": "x" * (12 * MIB)}
    last = {"role": "user" if refused_as == 402 else "nobody", "content": "x"}
    body = request_body("", messages=[large, last])
    assert poor.caller.post("/v1/messages", body).status == refused_as
    before = gateway.memory_bytes()

    for _ in range(12):
        poor.caller.post("/v1/messages", body)

    assert gateway.memory_bytes() - before < 60 * MIB


BUSY = answers(b'{"error": {"type": "overloaded_error"}}', status=529)
BROKEN = streams(*events("Hello")[:3], Exchange.cut)


@pytest.mark.parametrize(
    ("play", "stream"),
    [(BUSY, False), (BROKEN, True), (then(*[BUSY, says()] * 9), False)],
    ids=["failed", "broke off", "answered by a further attempt"],
)
def test_large_bodies_of_calls_that_had_errors_are_not_kept(
    new_customer: NewCustomer,
    start_gateway: StartGateway,
    upstream: ScriptedUpstream,
    play: Play,
    stream: bool,
) -> None:
    gateway = start_gateway(UPSTREAM_FAILURES_TO_OPEN="0")
    customer = new_customer(url=gateway.url, credits=1_000_000_000)
    script = upstream.script(play)
    text = script.prompt + " " + "x" * (12 * MIB)
    customer.ask(text, stream=stream)
    before = gateway.memory_bytes()

    for _ in range(8):
        customer.ask(text, stream=stream)

    assert gateway.memory_bytes() - before < 60 * MIB


def test_a_body_that_finds_no_room_is_refused_in_words_and_served_once_there_is_some(
    new_customer: NewCustomer, start_gateway: StartGateway, upstream: ScriptedUpstream
) -> None:
    gateway = start_gateway(**ONE_AT_A_TIME)
    first, second = (new_customer(url=gateway.url, credits=10_000_000) for _ in range(2))
    script = upstream.script(says())
    body = request_body(script.prompt + "x" * 900_000)
    occupying = begin_upload(first.caller, body, 500_000)
    assert second.ask(script.prompt).status == 200  # a small one needs no room

    refused = second.caller.post("/v1/messages", body)

    assert (refused.status, refused.error["type"]) == (429, "rate_limit_error")
    assert refused.error["details"]["error_code"] == "busy_uploading"
    assert refused.headers["retry-after"] == "5"
    occupying.hang_up()
    eventually(lambda: second.caller.post("/v1/messages", body).status == 200)


def test_a_body_above_the_limit_alone_is_a_413(
    new_customer: NewCustomer, start_gateway: StartGateway
) -> None:
    gateway = start_gateway(**ONE_AT_A_TIME)
    customer = new_customer(url=gateway.url)

    assert customer.caller.post("/v1/messages", request_body("x" * 1_000_001)).status == 413
    assert customer.caller.post("/v1/messages", request_body("x" * 2_500_000)).status == 413


def test_running_calls_are_counted_before_a_body_is_read(
    new_customer: NewCustomer, start_gateway: StartGateway, upstream: ScriptedUpstream
) -> None:
    gateway = start_gateway(MAX_CONCURRENT_CALLS_PER_KEY="1")
    customer = new_customer(url=gateway.url)
    script = upstream.script(says())
    body = request_body(script.prompt + "x" * 200_000)
    assert customer.caller.get("/v1/models").status == 200  # the key is known from now on
    uploading = begin_upload(customer.caller, body, 1_000)

    refused = eventually(lambda: _refusal(customer, body))

    assert "calls running" in refused
    uploading.send(body[1_000:])
    assert uploading.answer().status == 200
    assert len(script.requests) >= 1


def _refusal(customer: Customer, body: bytes) -> str:
    answer = customer.caller.post("/v1/messages", body)
    return str(answer.error["message"]) if answer.status == 429 else ""


def test_the_requests_of_a_minute_are_counted_before_a_body_is_read(
    new_customer: NewCustomer, start_gateway: StartGateway
) -> None:
    gateway = start_gateway(RATE_LIMITS="requests=2,input_tokens=1000000")
    customer = new_customer(url=gateway.url)

    statuses = [customer.caller.post("/v1/messages", b"not JSON").status for _ in range(3)]

    assert statuses == [400, 400, 429]


def test_a_workspace_has_a_share_of_the_places_with_all_its_keys(
    new_customer: NewCustomer, start_gateway: StartGateway, upstream: ScriptedUpstream
) -> None:
    gateway = start_gateway(MAX_CONCURRENT_CALLS="4")
    greedy, honest = (new_customer(url=gateway.url) for _ in range(2))
    script = upstream.script(after_release(says()))
    keys = [greedy.token, *(greedy.another_key().token for _ in range(2))]
    calls = [Caller(gateway.url, token).begin(script.prompt) for token in keys[:2]]
    script.wait_for_request(2)

    refused = Caller(gateway.url, keys[2]).ask(script.prompt)
    others = honest.begin(script.prompt)
    script.wait_for_request(3)

    assert refused.status == 429
    assert "This workspace has 2 calls running" in refused.error["message"]
    script.release(3)
    assert [call.answer().status for call in [*calls, others]] == [200] * 3


def test_large_bodies_that_are_refused_use_up_the_tokens_of_their_own_workspace(
    new_customer: NewCustomer, start_gateway: StartGateway, upstream: ScriptedUpstream
) -> None:
    gateway = start_gateway(RATE_LIMITS="requests=1000,input_tokens=200000")
    hostile, honest = (new_customer(url=gateway.url) for _ in range(2))
    script = upstream.script(says())
    invalid = request_body("x" * 2_000_000, messages=[{"role": "nobody", "content": "x"}] * 9_000)
    assert len(invalid) > 300_000

    statuses = [hostile.caller.post("/v1/messages", invalid).status for _ in range(8)]

    assert statuses[0] == 400
    assert statuses[-1] == 429
    assert honest.ask(script.prompt).status == 200


def test_a_body_whose_values_alone_do_not_fit_into_the_minute_is_not_parsed(
    new_customer: NewCustomer, start_gateway: StartGateway
) -> None:
    gateway = start_gateway(RATE_LIMITS="requests=1000,input_tokens=500000")
    customer = new_customer(url=gateway.url, credits=1)
    dense = of_blocks(50_000, "a")  # 300,000 tokens by its values, 337,500 by its bytes

    statuses = [customer.caller.post("/v1/messages", body).status for body in (dense, dense[:-1])]

    assert statuses == [402, 429]  # not 400, though the second is not JSON


def test_large_bodies_that_do_not_fit_into_the_minute_are_soon_refused_unparsed(
    new_customer: NewCustomer, start_gateway: StartGateway
) -> None:
    gateway = start_gateway(RATE_LIMITS="requests=1000,input_tokens=500000")
    customer = new_customer(url=gateway.url, credits=1)
    dense = of_blocks(50_000, "a")
    wide = of_blocks(20_000, "a" * 20)  # 120,000 tokens by its values, 230,000 by its bytes

    bodies = [dense, wide, wide, wide, wide[:-1]]
    statuses = [customer.caller.post("/v1/messages", body).status for body in bodies]

    assert statuses == [402, 429, 429, 429, 429]


def test_images_that_cannot_be_paid_for_use_up_the_tokens_of_their_own_workspace(
    new_customer: NewCustomer, start_gateway: StartGateway
) -> None:
    gateway = start_gateway(RATE_LIMITS="requests=1000,input_tokens=200000")
    poor, other = (new_customer(url=gateway.url, credits=1) for _ in range(2))
    source = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgoA" + "A" * 400_000}
    image = {"type": "image", "source": source}
    body = request_body("", messages=[{"role": "user", "content": [image]}])

    statuses = [poor.caller.post("/v1/messages", body).status for _ in range(4)]

    assert statuses[0] == 402
    assert statuses[-1] == 429
    assert other.caller.post("/v1/messages", body).status == 402


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
def test_a_body_of_too_many_values_is_refused_before_it_is_parsed(
    new_customer: NewCustomer, gateway: WebServer, path: str
) -> None:
    customer = new_customer()
    values = b"[]," * 3_000_000
    body = request_body("Hello")[:-1] + b',"metadata":{"x":[' + values + b"[]]}}"
    before = gateway.memory_bytes()

    answer = customer.caller.post(path, body)

    assert answer.status == 400
    assert answer.error["message"] == "The request body has more than 400,000 values"
    assert gateway.memory_bytes() - before < 100 * MIB


def test_the_memory_of_a_body_is_lent_for_its_values_too(
    new_customer: NewCustomer, start_gateway: StartGateway, upstream: ScriptedUpstream
) -> None:
    gateway = start_gateway(
        MAX_BODY_BYTES="1000000", BODY_MEMORY_BYTES="50000000", BODY_WAIT_S="0.5"
    )
    dense, other = (new_customer(url=gateway.url, credits=1_000_000_000) for _ in range(2))
    script = upstream.script(after_release(says()))
    body = request_body(script.prompt, metadata={"x": [0] * 120_000})  # 14 MB of objects at most
    running = dense.caller.call("POST", "/v1/messages", body, {"content-type": "application/json"})
    script.wait_for_request(1)

    refused = dense.caller.post("/v1/messages", body)

    assert refused.error["details"]["error_code"] == "busy_uploading"
    script.release(2)
    assert running.answer().status == 200
    assert other.caller.post("/v1/messages", body).status == 200


def test_arriving_bodies_leave_no_file(data_files: Path) -> None:
    assert list(data_files.iterdir()) == []


@pytest.fixture
def data_files(tmp_path: Path, new_customer: NewCustomer, start_gateway: StartGateway) -> Path:
    gateway = start_gateway(DATA_DIR=str(tmp_path))
    customer = new_customer(url=gateway.url)
    body = request_body("x" * (3 * MIB))
    call = begin_upload(customer.caller, body, len(body) - 1)
    eventually(lambda: customer.caller.get("/v1/models").status == 200)
    call.hang_up()
    return tmp_path / "uploads"

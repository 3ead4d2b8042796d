"""Bodies of POST /v1/messages/count_tokens."""

import json

from gateway.request import parse
from tests.support.request_bodies import CALL, MINIMAL, TOOL, assistant


def test_counting_takes_the_same_body_without_what_only_generating_needs():
    body = {key: value for key, value in MINIMAL.items() if key != "max_tokens"}
    request = parse.count_request(json.dumps(body | {"tools": [TOOL]}).encode())
    assert request.max_tokens == 0
    assert request.needs == {"tools"}
    full = MINIMAL | {"stream": True, "temperature": "hot", "stop_sequences": 5, "metadata": 1}
    assert parse.count_request(json.dumps(full).encode()).fields == body


def test_a_lone_tool_call_can_be_counted():
    body = {"model": "m", "messages": [assistant(CALL)]}
    assert parse.count_request(json.dumps(body).encode()).fields == body

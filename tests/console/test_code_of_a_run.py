"""The console's code names no field that the Python SDK does not take."""

import inspect
import re

import pytest
from anthropic.resources.messages import Messages

from embedded.subprocesses import PROJECT

CODE = (PROJECT / "static/js/console/code.js").read_text()


@pytest.mark.parametrize("method", [Messages.create, Messages.stream])
def test_the_sdk_takes_every_field_that_is_written_as_an_argument(method: object) -> None:
    found = re.search(r"SDK_NAMES = \[(.*?)\]", CODE, re.DOTALL)
    assert found
    names = set(re.findall(r'"(\w+)"', found[1]))

    assert {"model", "messages", "tools"} <= names
    assert names <= set(inspect.signature(method).parameters)  # type: ignore[arg-type]

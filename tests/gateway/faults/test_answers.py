"""Answers that are odd in what they hold: usage, tool calls, nothing, stop sequences."""

import pytest

from tests.gateway.faults.attempts import Meet
from tests.gateway.faults.kinds import ANSWERS
from tests.gateway.faults.table import Fault


@pytest.mark.parametrize("fault", ANSWERS, ids=lambda fault: fault.name)
def test_each_has_its_error_and_its_charge(meet: Meet, fault: Fault) -> None:
    meet(fault)

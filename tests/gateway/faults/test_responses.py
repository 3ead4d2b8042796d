"""Connections, heads, statuses and bodies that are faulty, or unusual and valid."""

import pytest

from tests.gateway.faults.attempts import Meet
from tests.gateway.faults.kinds import RESPONSES
from tests.gateway.faults.table import Fault


@pytest.mark.parametrize("fault", RESPONSES, ids=lambda fault: fault.name)
def test_each_has_its_error_and_its_charge(meet: Meet, fault: Fault) -> None:
    meet(fault)

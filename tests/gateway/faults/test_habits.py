"""What servers and providers do in their own way: refusals, conversations, words, requests."""

import pytest

from tests.gateway.faults.attempts import Meet
from tests.gateway.faults.kinds import HABITS
from tests.gateway.faults.table import Fault


@pytest.mark.parametrize("fault", HABITS, ids=lambda fault: fault.name)
def test_each_has_its_error_and_its_charge(meet: Meet, fault: Fault) -> None:
    meet(fault)

"""Streams that break off, fail before any content, or are irregular and complete."""

import pytest

from tests.gateway.faults.attempts import Meet
from tests.gateway.faults.kinds import STREAMS
from tests.gateway.faults.table import Fault


@pytest.mark.parametrize("fault", STREAMS, ids=lambda fault: fault.name)
def test_each_has_its_error_and_its_charge(meet: Meet, fault: Fault) -> None:
    meet(fault)

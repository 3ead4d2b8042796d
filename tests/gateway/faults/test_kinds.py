"""The tables as a whole."""

from tests.gateway.faults.kinds import ALL


def test_there_are_as_many_faults_as_names() -> None:
    assert len({fault.name for fault in ALL}) == len(ALL)

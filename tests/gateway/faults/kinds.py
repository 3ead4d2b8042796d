"""The fault tables by kind. Each kind is a file of tests, which take about equally long."""

from tests.gateway.faults import (
    beginnings,
    bodies,
    connections,
    conversations,
    disguises,
    emptiness,
    habits,
    odd_calls,
    oddities,
    output_caps,
    refusals,
    requests,
    statuses,
    stop_sequences,
    streams,
    tool_calls,
    usage_reports,
)

RESPONSES = [*connections.FAULTS, *statuses.FAULTS, *bodies.FAULTS]
STREAMS = [*streams.FAULTS, *beginnings.FAULTS, *oddities.FAULTS]
ANSWERS = [
    *usage_reports.FAULTS,
    *tool_calls.FAULTS,
    *odd_calls.FAULTS,
    *emptiness.FAULTS,
    *stop_sequences.FAULTS,
]
HABITS = [
    *refusals.FAULTS,
    *output_caps.FAULTS,
    *conversations.FAULTS,
    *habits.FAULTS,
    *disguises.FAULTS,
    *requests.FAULTS,
]
ALL = [*RESPONSES, *STREAMS, *ANSWERS, *HABITS]

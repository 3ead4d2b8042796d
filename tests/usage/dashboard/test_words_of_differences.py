"""How the usage page names wrong sums: their time, and by how much they are wrong."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from billing.models import UsageDifference
from usage.dashboard import words

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def wrong(
    *, credits: int = 0, requests: int = 0, errors: int = 0, tokens: int = 0
) -> UsageDifference:
    return UsageDifference(credits=credits, requests=requests, errors=errors, tokens=tokens)


@pytest.mark.parametrize(
    ("differences", "said"),
    [
        ([wrong(credits=1_200, requests=3)], "show 1,200 credits ($0.01) too many"),
        ([wrong(credits=-1)], "show 1 credit ($0.00001) too few"),
        ([wrong(credits=5), wrong(credits=7)], "show 12 credits ($0.00012) too many"),
        ([wrong(credits=5), wrong(credits=-5)], "are 10 credits ($0.00010) off"),
        ([wrong(requests=-2, tokens=9), wrong(tokens=1)], "show 2 requests too few"),
        ([wrong(errors=1)], "show 1 error too many"),
        ([wrong(tokens=1_000)], "show 1,000 tokens too many"),
    ],
)
def test_the_first_figure_that_is_wrong_is_named(
    differences: list[UsageDifference], said: str
) -> None:
    assert words.off(differences) == said


@pytest.mark.parametrize(
    ("hours", "zone", "said"),
    [
        (1, "UTC", "1 March 2026, 12:00 to 13:00"),
        (1, "Asia/Kathmandu", "1 March 2026, 17:45 to 18:45"),
        (14, "UTC", "1 March 2026, 12:00 to 2 March 2026, 02:00"),
        (24, "Pacific/Auckland", "2 March 2026, 01:00 to 3 March 2026, 01:00"),
        (24, "Etc/GMT-12", "2 March 2026"),
        (48, "Etc/GMT-12", "2 March to 3 March 2026"),
    ],
)
def test_the_time_is_that_of_the_viewer(hours: int, zone: str, said: str) -> None:
    assert words.time_span(NOON, NOON + hours * HOUR, ZoneInfo(zone)) == said

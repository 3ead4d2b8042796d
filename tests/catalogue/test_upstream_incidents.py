"""Operators see which upstreams are not asked at the moment, and why."""

import asyncio

import psycopg
import pytest

from accounts.models import User
from catalogue import gateway_queries
from catalogue.models import Model, Upstream, UpstreamIncident
from tests.support import people
from tests.support.books import database_url
from tests.support.reading import text_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def upstream() -> Upstream:
    model = Model.objects.create(
        public_id="house/one", name="One", context_tokens=1, max_output_tokens=1
    )
    return Upstream.objects.create(
        model=model, format="messages", base_url="https://one.example", upstream_model="inner"
    )


async def report(upstream_id: int, *reasons: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url(), autocommit=True) as connection:
        for reason in reasons:
            if reason:
                await gateway_queries.record_incident(
                    connection, upstream_id=upstream_id, reason=reason
                )
            else:
                await gateway_queries.record_recovery(connection, upstream_id=upstream_id)


def test_an_incident_is_listed_with_its_reason(upstream: Upstream) -> None:
    run(upstream, "it fails", "it rejects us")
    operator = User.objects.create(email="op@example.com", is_staff=True, is_superuser=True)

    page = text_of(people.browser_of(operator).get("/admin/catalogue/upstreamincident/"))

    assert "house/one" in page
    assert "it rejects us" in page


def test_a_recovery_ends_it_and_the_next_incident_begins_again(upstream: Upstream) -> None:
    run(upstream, "it fails", "")
    assert UpstreamIncident.objects.get().recovered_at is not None

    run(upstream, "it is busy")

    incident = UpstreamIncident.objects.get()
    assert (incident.reason, incident.recovered_at, incident.incidents) == ("it is busy", None, 2)


def test_a_recovery_without_an_incident_changes_nothing(upstream: Upstream) -> None:
    run(upstream, "")

    assert not UpstreamIncident.objects.exists()


def run(upstream: Upstream, *reasons: str) -> None:
    asyncio.run(report(upstream.pk, *reasons))

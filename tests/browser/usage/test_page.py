"""A person sees where their credits went, by pointer and by keyboard."""

import csv
import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser import chromium
from tests.browser.console_models import ATLAS, GRAND
from tests.browser.product import Product
from tests.browser.visitor import Visitor
from tests.support.callers import Caller
from tests.support.replies import says
from tests.support.scripted_upstream import ScriptedUpstream

pytestmark = chromium.NEEDED

USAGE = "/developers/usage"
# The audit compares a record with its hold, so the two move together.
A_DAY_EARLIER = """
from datetime import timedelta
from billing.models import Hold
from usage.models import DirtyHour, RequestRecord

call = RequestRecord.objects.exclude(credits=0).order_by("-accepted_at").first()
at = call.accepted_at - timedelta(days=1)
RequestRecord.objects.filter(workspace_id=call.workspace_id, id=call.id).update(accepted_at=at)
Hold.objects.filter(id=call.id).update(accepted_at=at)
for moment in (call.accepted_at, at):
    hour = moment.replace(minute=0, second=0, microsecond=0)
    DirtyHour.objects.create(workspace_id=call.workspace_id, starts_at=hour)
"""


@pytest.fixture
def page(member: Visitor, running_product: Product, upstream: ScriptedUpstream) -> Page:
    """The usage page after a call of each of two models."""
    page = member.page
    page.goto("/developers/keys/new")
    page.get_by_label("Name").fill("usage")
    page.get_by_role("button", name="Create key").click()
    caller = Caller(running_product.url, page.locator("#token").inner_text())
    for model in (GRAND, ATLAS):
        assert caller.ask(upstream.script(says("Hello there")).prompt, model=model).status == 200
    page.goto(USAGE)
    expect(page.locator("#chart-table tbody tr")).to_have_count(30)
    return page


def test_the_page_is_accessible_with_and_without_a_comparison(member: Visitor, page: Page) -> None:
    member.examine()

    page.goto(f"{USAGE}?range=24h&compare=1&show=latency")
    page.locator("#chart-table summary").click()
    member.examine()


def test_the_read_out_follows_the_arrow_keys_and_speaks(page: Page) -> None:
    read_out, chart = page.locator("#read-out"), page.locator("#chart")
    whole = read_out.locator("h3").inner_text()
    today = page.locator("#chart-table tbody tr").last

    chart.focus()
    page.keyboard.press("End")
    expect(read_out.locator("h3")).to_have_text(str(today.get_attribute("data-words")))
    total = str(today.locator('[data-cell="total"]').text_content())
    expect(read_out.locator('[data-read="total"]')).to_have_text(total)
    expect(read_out.locator("[data-read-spoken]")).to_contain_text(total)

    page.keyboard.press("ArrowLeft")
    expect(read_out.locator('[data-read="total"]')).to_have_text("0")
    page.keyboard.press("Escape")
    expect(read_out.locator("h3")).to_have_text(whole)

    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Requests")


def test_the_chart_is_one_stop_of_the_tab_key_however_many_bars_it_has(page: Page) -> None:
    read_out = page.locator("#read-out h3")
    rows = page.locator("#chart-table tbody tr")
    page.locator("#chart").focus()

    page.keyboard.press("Home")
    expect(read_out).to_have_text(str(rows.first.get_attribute("data-words")))
    page.keyboard.press("ArrowLeft")
    expect(read_out).to_have_text(str(rows.first.get_attribute("data-words")))
    page.keyboard.press("ArrowRight")
    expect(read_out).to_have_text(str(rows.nth(1).get_attribute("data-words")))

    page.keyboard.press("Tab")
    expect(page.locator("#read-out-log")).to_be_focused()


def test_a_comparison_shows_the_span_before_in_chart_read_out_and_table(page: Page) -> None:
    page.locator("#usage-compare").check()

    expect(page.locator("#chart .chart-before")).to_be_attached()
    expect(page).to_have_url(re.compile("compare=1"))
    expect(page.locator(".chip-field.is-set")).to_contain_text("Compare with")
    expect(page.locator("#chart-table th", has_text="Before")).to_be_attached()

    today, read_out = page.locator("#chart-table tbody tr").last, page.locator("#read-out")
    page.locator("#chart").focus()
    page.keyboard.press("End")
    time = str(today.get_attribute("data-before-time"))
    before = str(today.locator('[data-cell="before"]').text_content())
    expect(read_out.locator('[data-read="before-time"]')).to_have_text(time)
    expect(read_out.locator('[data-read="before"]')).to_have_text(before)
    # Five weeks back: as far as 30 days need, and the same weekday.
    days = [str(today.get_attribute(name))[:3] for name in ("data-words", "data-before-time")]
    assert days[0] == days[1]

    page.locator("#usage-compare").uncheck()
    expect(page.locator("#chart .chart-before")).to_have_count(0)
    expect(page).not_to_have_url(re.compile("compare=1"))


def test_the_forecast_has_a_chart_with_a_table(
    member: Visitor, page: Page, running_product: Product
) -> None:
    running_product.run_code(A_DAY_EARLIER)
    page.goto(USAGE)
    chart = page.locator(".balance-chart")

    expect(chart.locator(".balance-past")).to_be_attached()
    expect(chart.locator(".balance-ahead")).to_be_attached()
    chart.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(chart.locator("tbody tr", has_text="Now")).to_be_visible()
    expect(chart.locator("tbody tr").last).to_contain_text("about")
    member.examine()

    page.reload()
    page.emulate_media(media="print")
    expect(chart.locator(".chart-plot").first).to_be_visible()
    expect(chart.locator("table")).to_be_hidden()


def test_a_bar_leads_to_its_calls(page: Page) -> None:
    bar = page.locator('#chart a[data-place="29"] .chart-step').first

    bar.hover()
    expect(page.locator("#read-out h3")).to_contain_text(",")
    bar.click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Requests")
    expect(page.locator(".log tbody tr").first).to_be_visible()


def test_a_long_range_has_a_bar_for_each_week_that_leads_to_its_calls(page: Page) -> None:
    today = datetime.now(UTC).date()
    page.goto(f"{USAGE}?from={today - timedelta(days=180)}&to={today + timedelta(days=1)}")
    weeks = page.locator("#chart-table tbody tr")

    expect(page.locator(".usage-chart-head h2")).to_have_text("Credits per week")
    expect(page.locator("#width-1w")).to_have_attribute("aria-current", "true")
    assert weeks.count() in (26, 27)
    expect(weeks.last.locator("th")).to_contain_text("Week of")
    expect(page.locator("#chart")).to_contain_text("this week")
    in_weeks = page.locator("#tile-credits .usage-tile-value").inner_text()

    page.locator("#width-1d").click()
    expect(page.locator(".usage-chart-head h2")).to_have_text("Credits per day")
    assert page.locator("#tile-credits .usage-tile-value").inner_text() == in_weeks

    page.locator("#width-1w").click()
    expect(page.locator(".usage-chart-head h2")).to_have_text("Credits per week")
    last = weeks.count() - 1
    page.locator(f'#chart a[data-place="{last}"] .chart-step').first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Requests")
    expect(page.locator(".log tbody tr").first).to_be_visible()


def test_filters_and_figures_are_in_the_address(page: Page) -> None:
    page.locator("#usage-model").select_option(ATLAS)
    expect(page.locator("#chart-table th[scope=col]").nth(1)).to_have_text(ATLAS)

    page.locator("#tile-requests").click()
    expect(page.locator(".usage-chart-head h2")).to_have_text("Requests per day")
    assert "show=requests" in page.url

    page.reload()
    expect(page.locator(".usage-chart-head h2")).to_have_text("Requests per day")


def test_the_browser_tells_its_time_zone_once(page: Page) -> None:
    page.goto("/developers/settings")

    expect(page.locator("#time-zone")).not_to_have_value("")
    page.locator("#time-zone").select_option("Asia/Kathmandu")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Days and hours are now those of Asia/Kathmandu.")).to_be_visible()

    page.goto(USAGE)
    expect(page.get_by_text("Kathmandu time (UTC+5:45)")).to_be_visible()


def test_the_figures_are_taken_away_as_a_file(page: Page) -> None:
    page.locator("#export summary").click()
    with page.expect_download() as download:
        page.locator("#export a", has_text="CSV").first.click()

    with download.value.path().open(newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file, dialect="excel", strict=True)
    assert head[:2] == ["request_id", "accepted_at"]
    assert {len(row) for row in rows} == {len(head)}
    calls = [dict(zip(head, row, strict=True)) for row in rows]
    assert {GRAND, ATLAS} <= {one["model"] for one in calls}
    spent = sum(int(one["credits"]) for one in calls)
    expect(page.locator("#tile-credits .usage-tile-value")).to_contain_text(f"{spent:,} ")


def test_a_first_touch_reads_a_bar_and_a_second_one_opens_its_calls(
    page: Page, running_product: Product
) -> None:
    browser = page.context.browser
    assert browser
    with browser.new_context(
        base_url=running_product.url,
        storage_state=page.context.storage_state(),
        has_touch=True,
        viewport={"width": 390, "height": 844},
    ) as phone:
        touched = phone.new_page()
        touched.goto(USAGE)
        bar = touched.locator('#chart a[data-place="29"] .chart-step').first
        today = touched.locator("#chart-table tbody tr").last

        bar.tap()
        read_out = touched.locator("#read-out h3")
        expect(read_out).to_have_text(str(today.get_attribute("data-words")))
        expect(touched.get_by_role("heading", level=1)).to_have_text("Usage")

        bar.tap()
        expect(touched.get_by_role("heading", level=1)).to_have_text("Requests")


def test_on_paper_are_the_figures_and_what_they_are_of(page: Page) -> None:
    page.goto(f"{USAGE}?model={ATLAS}")
    page.emulate_media(media="print")

    expect(page.locator("#chart .chart-shapes path").first).to_be_attached()
    expect(page.locator(".usage-tile-value").first).to_be_visible()
    expect(page.locator(".print-only")).to_have_text(f"Only model {ATLAS}.")
    for control in ("#usage-filters", "#chart-table", "#export", ".side"):
        expect(page.locator(control)).to_be_hidden()

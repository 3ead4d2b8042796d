"""The console's choice of a model: what each can do, and what the router would take."""

import re
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from tests.browser import chromium
from tests.browser.console_models import GRAND
from tests.browser.console_page import PATH, Console, a_picture, with_config

pytestmark = chromium.NEEDED


def test_an_empty_console_says_what_the_router_would_take(console: Console) -> None:
    route = console.page.locator("#model-route")
    expect(route).to_have_text("would take swift: cheapest")
    expect(console.page.locator("#bound-value strong")).to_have_count(0)
    console.page.locator("#model").click()
    choices = console.page.locator("#models .model-choice")
    expect(choices.filter(has_text="caicaini/swift")).to_contain_text("would be taken: cheapest")
    expect(choices.filter(has_text=GRAND)).not_to_contain_text("auto:")
    console.visitor.glance()


def test_a_start_chooses_a_model_that_can_do_it(console: Console) -> None:
    console.choose_model(GRAND)  # which can do nothing of it
    console.page.locator(".start", has_text="A tool call").click()

    expect(console.page.locator("#model-name")).to_have_text("caicaini/auto")
    expect(console.page.locator("#model-route")).to_have_text(
        re.compile(r"^would take \w+: cheapest with tools$")
    )
    expect(console.page.locator("#tools-summary")).to_have_class(re.compile("is-valid"))


def test_what_no_model_can_do_is_greyed_out_with_the_reason(
    console: Console, tmp_path: Path
) -> None:
    def without_capabilities(config: dict[str, Any]) -> dict[str, Any]:
        models = [model | {"capabilities": []} for model in config["models"]]
        return config | {"models": models}

    page = console.page
    page.route(f"**{PATH}", with_config(without_capabilities))
    console.reload()

    starts = page.locator(".start")
    expect(starts.filter(has_text="A short answer")).to_be_enabled()
    tool = starts.filter(has_text="A tool call")
    expect(tool).to_be_disabled()
    expect(tool).to_contain_text("Not now: no model here calls tools")
    expect(starts.filter(has_text="Structured output")).to_be_disabled()
    expect(page.locator("#tools-summary")).to_have_text("no model here calls tools")
    expect(page.locator("#schema-summary")).to_have_text("no model here follows a schema")
    expect(page.locator("#file-help")).to_contain_text("No model here takes images.")
    page.locator("#file-input").set_input_files(a_picture(tmp_path))
    expect(console.notices).to_contain_text("pixel.png is not attached: no model here takes images")
    console.visitor.glance()


def test_without_models_nothing_can_run_and_the_draft_is_kept(
    console: Console,
) -> None:
    console.write("Kept")
    console.page.route(f"**{PATH}", with_config(lambda config: config | {"models": []}))
    console.reload()

    expect(console.notices).to_contain_text("No model can be called at the moment.")
    expect(console.answer).to_contain_text("so nothing can run")
    expect(console.page.locator("#run")).to_be_disabled()
    expect(console.message()).to_have_value("Kept")
    console.visitor.glance()

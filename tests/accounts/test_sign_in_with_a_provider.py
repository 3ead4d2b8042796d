"""A person signs up and in through Google or GitHub; the provider's answers are verified."""

import html
import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.github.views import GitHubOAuth2Adapter
from django.core import mail
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from billing.ledger.wallets import wallet_of
from caicaini_portal.settings import sign_in_providers
from tests.accounts import provider
from tests.accounts.provider import Provider
from tests.support import people
from tests.support.people import PASSWORD
from tests.support.reading import text_of

CALLBACK = "/accounts/github/login/callback/"


@pytest.fixture(autouse=True)
def _configured(db: None, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """Configure both providers in the environment, as an operator does."""
    for service in ("GOOGLE", "GITHUB"):
        monkeypatch.setenv(f"{service}_CLIENT_ID", f"{service.lower()}-id")
        monkeypatch.setenv(f"{service}_CLIENT_SECRET", "a-secret")
    settings.SOCIALACCOUNT_PROVIDERS = sign_in_providers()
    settings.WELCOME_CREDITS = 10_000


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """A provider on a local socket in GitHub's place."""
    with provider.running() as running:
        monkeypatch.setattr(GitHubOAuth2Adapter, "access_token_url", f"{running.url}/token")
        monkeypatch.setattr(GitHubOAuth2Adapter, "profile_url", f"{running.url}/user")
        monkeypatch.setattr(GitHubOAuth2Adapter, "emails_url", f"{running.url}/user/emails")
        yield running


class Departure(NamedTuple):
    """The redirect to the provider."""

    address: str
    query: dict[str, str]


def leave_for(browser: Client, service: str, *, process: str = "login") -> Departure:
    answer = browser.post(f"/accounts/{service}/login/?process={process}")
    assert answer.status_code == 302
    found = urlsplit(str(answer["Location"]))
    query = {name: values[0] for name, values in parse_qs(found.query).items()}
    return Departure(f"{found.scheme}://{found.netloc}{found.path}", query)


def come_back(browser: Client, github: Provider, *, process: str = "login") -> str:
    """Go to the provider, agree, and return; return where that leads."""
    departure = leave_for(browser, "github", process=process)
    github.challenge = departure.query["code_challenge"]
    answer = browser.get(CALLBACK, {"code": provider.CODE, "state": departure.query["state"]})
    assert answer.status_code == 302, text_of(answer)
    return str(answer["Location"])


def is_signed_in(browser: Client) -> bool:
    return browser.get("/developers/settings").status_code == 200


@pytest.mark.parametrize("page", ["login", "signup"])
def test_a_service_has_its_button_once_it_is_configured(
    client: Client, settings: Settings, page: str
) -> None:
    shown = client.get(f"/accounts/{page}/").content.decode()
    assert 'action="/accounts/google/login/?process=login"' in shown
    assert 'action="/accounts/github/login/?process=login"' in shown

    settings.SOCIALACCOUNT_PROVIDERS = {"google": {"APPS": []}, "github": {"APPS": []}}

    shown = client.get(f"/accounts/{page}/").content.decode()
    assert "Google" not in shown
    assert "GitHub" not in shown


@pytest.mark.parametrize(
    "address",
    ["google/login/", "google/login/callback/", "github/login/", "github/login/callback/"],
)
def test_a_service_that_is_not_configured_has_no_addresses(
    client: Client, settings: Settings, address: str
) -> None:
    settings.SOCIALACCOUNT_PROVIDERS = {"google": {"APPS": []}, "github": {"APPS": []}}

    assert client.get(f"/accounts/{address}").status_code == 404
    assert client.post(f"/accounts/{address}").status_code == 404


@pytest.mark.parametrize(
    ("service", "address", "scope"),
    [
        ("google", "https://accounts.google.com/o/oauth2/v2/auth", "email"),
        ("github", "https://github.com/login/oauth/authorize", "user:email"),
    ],
)
def test_the_button_leads_to_the_service_with_a_state_and_a_challenge(
    client: Client, service: str, address: str, scope: str
) -> None:
    departure = leave_for(client, service)

    assert departure.address == address
    assert departure.query["client_id"] == f"{service}-id"
    assert departure.query["scope"] == scope
    assert departure.query["redirect_uri"].endswith(f"/accounts/{service}/login/callback/")
    assert departure.query["code_challenge_method"] == "S256"
    assert len(departure.query["code_challenge"]) == 43
    assert departure.query["state"] != leave_for(Client(), service).query["state"]


@pytest.mark.parametrize("service", ["google", "github"])
def test_the_content_policy_lets_the_form_follow_to_the_service(
    client: Client, service: str
) -> None:
    policy = client.get("/accounts/login/")["Content-Security-Policy"]
    [form_action] = [part for part in policy.split(";") if part.strip().startswith("form-action")]

    origin = "/".join(leave_for(client, service).address.split("/")[:3])
    assert origin in form_action


def test_a_link_from_another_site_asks_before_it_leaves(client: Client) -> None:
    answer = client.get("/accounts/github/login/")

    assert answer.status_code == 200
    assert "Go to GitHub" in text_of(answer)


@pytest.mark.parametrize("state", ["", "not-ours"])
def test_a_return_that_nobody_asked_for_is_refused_kindly(
    client: Client, github: Provider, state: str
) -> None:
    leave_for(client, "github")

    answer = client.get(CALLBACK, {"code": provider.CODE, "state": state})

    assert answer.status_code == 401
    assert "The other service did not sign you in" in text_of(answer)
    assert "/accounts/login/" in answer.content.decode()
    assert github.exchanges == []
    assert not is_signed_in(client)


def test_a_state_belongs_to_the_browser_that_got_it(client: Client, github: Provider) -> None:
    departure = leave_for(client, "github")
    github.challenge = departure.query["code_challenge"]

    victim = Client()
    answer = victim.get(CALLBACK, {"code": provider.CODE, "state": departure.query["state"]})

    assert answer.status_code == 401
    assert not is_signed_in(victim)


def test_a_code_that_somebody_else_asked_for_opens_nothing(
    client: Client, github: Provider
) -> None:
    departure = leave_for(client, "github")
    github.challenge = "the challenge of another browser"

    answer = client.get(CALLBACK, {"code": provider.CODE, "state": departure.query["state"]})

    assert answer.status_code == 401
    assert len(github.exchanges) == 1
    assert not is_signed_in(client)


def test_a_person_who_cancels_at_the_provider_is_led_back(client: Client) -> None:
    departure = leave_for(client, "github")

    refusal = {"error": "access_denied", "state": departure.query["state"]}
    answer = client.get(CALLBACK, refusal, follow=True)

    assert "Sign-in cancelled" in text_of(answer)


def test_a_newcomer_has_an_account_with_credits_and_is_known_the_next_time(
    client: Client, github: Provider
) -> None:
    github.email = "Ana@Example.com"

    assert come_back(client, github) == "/developers/"

    ana = User.objects.get(email="ana@example.com")
    assert is_signed_in(client)
    assert not ana.has_usable_password()
    assert wallet_of(people.workspace_of(ana)).posted == 10_000
    again = Client()
    assert come_back(again, github) == "/developers/"
    assert User.objects.count() == 1


def test_signing_in_there_leads_to_the_page_that_asked_for_it(
    client: Client, github: Provider
) -> None:
    asked = client.get("/developers/billing")
    page = client.get(str(asked["Location"])).content.decode()
    [button] = re.findall(r'action="(/accounts/github/login/[^"]+)"', page)

    departure = client.post(html.unescape(button))
    query = parse_qs(urlsplit(str(departure["Location"])).query)
    [github.challenge] = query["code_challenge"]
    answer = client.get(CALLBACK, {"code": provider.CODE, "state": query["state"][0]})

    assert answer["Location"] == "/developers/billing"


def test_an_address_that_the_service_has_not_verified_has_to_be_confirmed(
    client: Client, github: Provider
) -> None:
    github.is_verified = False

    assert come_back(client, github) == "/accounts/confirm-email/"

    assert not is_signed_in(client)
    assert [message.to for message in mail.outbox] == [["ana@example.com"]]


def test_a_person_whose_provider_shares_no_address_is_asked_for_it(
    client: Client, github: Provider
) -> None:
    github.shares_address = False

    form = come_back(client, github)
    assert form == "/accounts/3rdparty/signup/"
    assert "GitHub did not tell us all we need" in text_of(client.get(form))
    client.post(form, {"email": "ana@example.com"})

    assert not is_signed_in(client)
    assert [message.to for message in mail.outbox] == [["ana@example.com"]]


@pytest.mark.parametrize("is_verified", [True, False])
def test_the_address_of_somebody_who_has_an_account_does_not_open_it(
    client: Client, github: Provider, person: User, is_verified: bool
) -> None:
    github.email, github.is_verified = person.email.upper(), is_verified

    # The same as for a new address: only its owner learns more, by mail.
    assert come_back(client, github) == "/accounts/confirm-email/"

    assert not is_signed_in(client)
    assert User.objects.count() == 1
    assert not SocialAccount.objects.exists()
    [notice] = mail.outbox
    assert notice.to == [person.email]
    assert notice.subject == "You already have a Caicaini account"


def test_an_account_that_was_never_confirmed_is_not_taken_over_either(
    client: Client, github: Provider
) -> None:
    squatter = Client()
    squatter.post("/accounts/signup/", {"email": github.email, "password1": PASSWORD})

    come_back(client, github)

    assert not is_signed_in(client)
    assert not SocialAccount.objects.exists()
    assert not EmailAddress.objects.filter(verified=True).exists()


def test_a_service_is_connected_after_the_password_and_signs_in_from_then_on(
    browser: Client, person: User, github: Provider
) -> None:
    asked = come_back(browser, github, process="connect")
    assert asked == "/accounts/reauthenticate/"
    assert not SocialAccount.objects.exists()

    answer = browser.post(asked, {"password": PASSWORD})

    assert answer["Location"] == "/accounts/3rdparty/"
    page = text_of(browser.get("/accounts/3rdparty/"))
    assert "GitHub ana Connected just now" in page
    assert "Connect GitHub" not in page
    assert "Connect Google" in page
    elsewhere = Client()
    assert come_back(elsewhere, github) == "/developers/"
    assert elsewhere.session["_auth_user_id"] == str(person.pk)

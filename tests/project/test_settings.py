"""An invalid setting ends every start with one sentence that names it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from caicaini_portal import server_addresses
from embedded import ports
from embedded import web_server as web
from embedded.subprocesses import PROJECT
from tests.support import forked_starts

READ_WITH_A_RULE = re.compile(r'(?:env|server_addresses)\.(?!text\b)\w+\(\s*"([A-Z_]+)"')

SECONDS = "give a number of seconds above 0 and up to 86400."
INVALID = [
    ("PORT", "eighty", "give a whole number from 1 to 65535."),
    ("PORT", "0", "give a whole number from 1 to 65535."),
    ("PORT", "65536", "give a whole number from 1 to 65535."),
    ("PUBLIC_URL", "foo", "give an address like https://"),
    ("PUBLIC_URL", "ftp://portal.example", "give an address like https://"),
    ("PUBLIC_URL", "https://portal.example/caicaini", "without a path."),
    ("PUBLIC_URL", "https://portal.example:port", "give an address like https://"),
    ("PUBLIC_URL", "https://", "give an address like https://"),
    ("ALLOWED_HOSTS", "good.example,https://bad.example", "give host names without scheme"),
    ("TRUSTED_PROXY_COUNT", "-1", "give a whole number of at least 0."),
    ("TRUSTED_PROXY_COUNT", "9" * 5000, "give a whole number of at least 0."),
    ("LOG_LEVEL", "loud", "give DEBUG, INFO, WARNING, ERROR or CRITICAL."),
    ("DEBUG", "perhaps", "give on or off."),
    ("EMBEDDED_MODEL_URL", "127.0.0.1:8080", "begins with http:// or https://."),
    ("EMBEDDED_MODEL_URL", "http://[::1", "begins with http:// or https://."),
    ("DEFAULT_FROM_EMAIL", "Caicaini", "give a mail address like "),
    ("STRIPE_API_BASE", "api.stripe.com", "begins with http:// or https://."),
    ("STRIPE_CHECKOUT_ORIGINS", "https://a.example/pay", "give addresses like https://"),
    ("STRIPE_AUTOMATIC_TAX", "2", "give on or off."),
    ("STRIPE_INVOICE_CREATION", "-", "give on or off."),
    ("WELCOME_CREDITS", "1.5", "give a whole number of at least 0."),
    ("READ_LIMITS", "at_once=0", "at_once=120,per_minute=600"),
    ("MAX_KEYS_PER_WORKSPACE", "0", "give a whole number of at least 1."),
    ("BODY_MEMORY_BYTES", "0", "give a whole number of at least 1."),
    ("BODY_DISK_BYTES", "2 GB", "give a whole number of at least 1."),
    ("BODY_WAIT_S", "0", "give a number of seconds above 0 and up to 600."),
    ("MAX_CONCURRENT_CALLS_PER_WORKSPACE", "0", "give a whole number of at least 1."),
    ("WELCOME_GRANTS_PER_NETWORK", "-1", "give a whole number of at least 0."),
    ("WELCOME_AFTER_PAYMENT", "later", "give on or off."),
    ("DEMO_CREDITS_PER_DAY", "-1", "give a whole number of at least 0."),
    ("SUPPORT_EMAIL", "help", "give a mail address like "),
    ("SUPPORT_URL", "help.example", "begins with http:// or https://."),
    ("STATUS_URL", "javascript:alert(1)", "begins with http:// or https://."),
    ("TERMS_FILE", "/nowhere/terms.md", "give the path of a readable text file in UTF-8."),
    ("PRIVACY_FILE", "/", "give the path of a readable text file in UTF-8."),
    ("RATE_LIMITS", "foo", "such as requests=600,input_tokens=2000000."),
    ("RATE_LIMITS", "bananas=3", "such as requests=600,input_tokens=2000000."),
    ("RATE_LIMITS", "requests=0", "such as requests=600,input_tokens=2000000."),
    ("HOLDS_KEPT_DAYS", "1", "give a whole number from 2 to 36500."),
    ("LOST_CREDITS_PER_DAY", "-1", "give a whole number from 0 to 1000000000000000."),
    ("RECORDS_KEPT_DAYS", "30", "give a whole number from 31 to 36500."),
    ("STRIPE_EVENTS_KEPT_DAYS", "7", "give a whole number from 30 to 36500."),
    ("ALERTS_KEPT_DAYS", "7", "give a whole number from 31 to 36500."),
    ("ASIDE_FILES_KEPT_DAYS", "always", "give a whole number from 1 to 36500."),
    ("MAX_BODY_BYTES", "32 MB", "give a whole number of at least 1."),
    ("MAX_CONCURRENT_CALLS", "0", "give a whole number of at least 1."),
    ("MAX_CONCURRENT_CALLS_PER_KEY", "many", "give a whole number of at least 1."),
    ("DRAIN_WINDOW_S", "1801", "give a number of seconds above 0 and up to 1800."),
    ("FAULTY_AFTER_S", "0", SECONDS),
    ("CALLER_STALL_TIMEOUT_S", "0", SECONDS),
    ("KEEP_ALIVE_EVERY_S", "nan", SECONDS),
    ("UPSTREAM_CONNECT_TIMEOUT_S", "5s", SECONDS),
    ("UPSTREAM_FIRST_BYTE_TIMEOUT_S", "inf", SECONDS),
    ("UPSTREAM_IDLE_TIMEOUT_S", "-1", SECONDS),
    ("UPSTREAM_TOTAL_TIMEOUT_S", "1\n2", SECONDS),
    ("UPSTREAM_FAILURES_TO_OPEN", "-1", "give a whole number of at least 0."),
]
# Settings that may hold a password: the value is not repeated.
INVALID_SECRETS = [
    ("DATABASE_URL", "sesame", "give postgresql://"),
    ("DATABASE_URL", "mysql://somebody:sesame@db.example/caicaini", "give postgresql://"),
    ("DATABASE_URL", "postgresql://somebody:ses/ame@db.example/caicaini", "give postgresql://"),
    ("DATABASE_URL", "postgresql://somebody:sesame@db.example:port/caicaini", "give postgresql://"),
    ("DATABASE_URL", "postgresql://somebody:sesame@db.example", "give postgresql://"),
    ("DATABASE_URL", "postgresql://somebody:sesame@db.example/caicaini?no=1", "give postgresql://"),
    ("REDIS_URL", "sesame", "give redis://"),
    ("REDIS_URL", "http://:sesame@redis.example", "give redis://"),
    ("REDIS_URL", "redis://:ses/ame@redis.example", "give redis://"),
    ("REDIS_URL", "redis://:sesame@redis.example/first", "give redis://"),
    ("EMAIL_URL", "sesame", "give smtp+tls://"),
    ("EMAIL_URL", "imap://somebody:sesame@mail.example", "give smtp+tls://"),
    ("EMAIL_URL", "smtp://somebody:ses/ame@mail.example", "give smtp+tls://"),
    ("EMAIL_URL", "smtp://", "give smtp+tls://"),
    ("STRIPE_SECRET_KEY", "pk_live_sesame", "give one that begins with sk_ or rk_."),
    ("STRIPE_WEBHOOK_SECRETS", "whsec_a,sesame", "give values that begin with whsec_"),
    ("PUBLIC_URL", "https://somebody:sesame@portal.example", "give an address like https://"),
    ("SUPPORT_EMAIL", "sesame <help@caicaini.example>", "give a mail address like "),
    ("STRIPE_API_BASE", "ftp://somebody:sesame@stripe.example", "begins with http:// or https://."),
]
WELL_SET = {
    "PUBLIC_URL": "https://[::1]:8443/",
    "ALLOWED_HOSTS": "portal.example, .internal.example,[::1],*",
    "LOG_LEVEL": "debug",
    "DEBUG": "True",
    "DATABASE_URL": "postgres://somebody:a%2Fb%40c@db.example:6432/caicaini?sslmode=require",
    "REDIS_URL": "rediss://:a%2Fb@redis.example",
    "EMAIL_URL": "smtp+tls://somebody:a%2Fb@mail.example:587",
    "DEFAULT_FROM_EMAIL": "no-reply@localhost",
    "STRIPE_SECRET_KEY": "rk_live_something",
    "STRIPE_WEBHOOK_SECRETS": "whsec_new, whsec_old",
    "STRIPE_API_BASE": "http://localhost:12111/stripe",
    "STRIPE_CHECKOUT_ORIGINS": "https://pay.example,https://checkout.stripe.com",
    "RATE_LIMITS": "requests=5, ",
    "WELCOME_CREDITS": "0",
    "DRAIN_WINDOW_S": "2.5",
    "SECRET_KEY": "$not a reference to another variable, as long as it is",
    "MAX_BODY_BYTES": "",
}


def start(*command: str, data_dir: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Start one of the project's processes with no other setting than these."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], "DATA_DIR": str(data_dir), **settings},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def line_of(result: subprocess.CompletedProcess[str]) -> str:
    """Return the one line that a refused command prints."""
    assert result.returncode == 1, result
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1, result.stderr
    return result.stderr


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], str]:
    """The line that each invalid value leads to. Nothing may be written to the data folder."""
    rows = [(name, value) for name, value, _ in INVALID + INVALID_SECRETS]
    data_dir, folder = (tmp_path_factory.mktemp(name) for name in ("data", "output"))
    environments = [{"DATA_DIR": str(data_dir), name: value} for name, value in rows]
    results = forked_starts.check_each(environments, folder=folder)
    assert list(data_dir.iterdir()) == []
    return {row: line_of(result) for row, result in zip(rows, results, strict=True)}


@pytest.mark.parametrize(("name", "value", "expected"), INVALID)
def test_it_is_named_with_the_given_value_and_what_is_expected(
    refusals: dict[tuple[str, str], str], name: str, value: str, expected: str
) -> None:
    line = refusals[name, value]

    assert line.startswith(f"{name}={value[:80]}" if value.isprintable() else f"{name}='1\\n2'")
    assert "makes no sense" in line
    assert expected in line
    assert len(line) < 300


@pytest.mark.parametrize(("name", "value", "expected"), INVALID_SECRETS)
def test_a_setting_that_may_hold_a_password_is_named_without_its_value(
    refusals: dict[tuple[str, str], str], name: str, value: str, expected: str
) -> None:
    line = refusals[name, value]

    assert line.startswith(f"{name} makes no sense")
    assert expected in line
    assert "ses" not in line.removeprefix(f"{name} makes no sense")


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        ("db.example:6432", ("db.example", "6432")),
        ("db.example", ("db.example", "")),
        ("db1.example:5432,db2.example:6432", ("db1.example,db2.example", "5432,6432")),
        ("db1.example,db2.example", ("db1.example,db2.example", ",")),
        ("[::1]:5432,[::2]:6432", ("::1,::2", "5432,6432")),
    ],
)
def test_django_connects_to_the_hosts_that_libpq_reads(
    hosts: str, expected: tuple[str, str]
) -> None:
    url = f"postgresql://somebody:a%2Fb@{hosts}/caicaini?target_session_attrs=read-write"

    found = server_addresses.django_database(url)

    assert (found["HOST"], found["PORT"]) == expected
    assert (found["NAME"], found["USER"], found["PASSWORD"]) == ("caicaini", "somebody", "a/b")
    assert found["OPTIONS"] == {"target_session_attrs": "read-write"}


def test_every_setting_with_a_rule_stands_in_these_tables() -> None:
    source = (PROJECT / "caicaini_portal" / "settings.py").read_text()

    assert set(READ_WITH_A_RULE.findall(source)) == {row[0] for row in INVALID + INVALID_SECRETS}


def test_a_data_folder_that_cannot_be_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    result = start("manage.py", "check", data_dir=tmp_path / "file")
    line = line_of(result)

    assert line.startswith(f"DATA_DIR={tmp_path / 'file'} cannot be used")


def test_valid_settings_are_accepted(tmp_path: Path) -> None:
    names = [
        *("PUBLIC_URL", "ALLOWED_HOSTS", "DEBUG", "DEVELOPMENT", "SECRET_KEY", "EMAIL_HOST"),
        *("EMAIL_HOST_PASSWORD", "STRIPE_WEBHOOK_SECRETS", "RATE_LIMITS", "DRAIN_WINDOW_S"),
        *("MAX_BODY_BYTES", "WELCOME_CREDITS"),
    ]
    show = (
        "import json; from caicaini_portal import settings\n"
        f"print(json.dumps([getattr(settings, name) for name in {names}] +"
        " [settings.LOGGING['root']['level'], settings.DATABASES['default']['PASSWORD']]))"
    )

    result = start("-c", show, data_dir=tmp_path, **WELL_SET)

    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == [
        *("https://[::1]:8443", ["portal.example", ".internal.example", "[::1]", "*"], True, False),
        *(WELL_SET["SECRET_KEY"], "mail.example", "a/b", ["whsec_new", "whsec_old"]),
        *({"requests": 5, "input_tokens": 2_000_000}, 2.5, 32 * 1024 * 1024, 0, "DEBUG", "a/b@c"),
    ]


CELERY = ("-m", "celery", "-A", "caicaini_portal")


def web_server() -> tuple[str, ...]:
    _python, *arguments = web.command(host=ports.LOOPBACK, port=ports.free_port())
    return tuple(arguments)


@pytest.mark.parametrize(
    "command",
    [web_server(), (*CELERY, "worker"), (*CELERY, "beat"), (*CELERY, "inspect", "ping")],
    ids=["web server", "worker", "scheduler", "inspect"],
)
def test_a_server_reports_it_as_well(tmp_path: Path, command: tuple[str, ...]) -> None:
    result = start(*command, data_dir=tmp_path, RATE_LIMITS="foo")

    assert result.returncode == 1
    assert "RATE_LIMITS=foo makes no sense" in result.stderr + result.stdout
    assert "Traceback" not in result.stderr + result.stdout


DATABASE = {"DATABASE_URL": "postgresql://somebody:sesame@127.0.0.1:1/none"}
REDIS = {"REDIS_URL": "redis://:sesame@127.0.0.1:1/0"}


@pytest.mark.parametrize(
    ("command", "given", "missing"),
    [
        (web_server(), REDIS, "DATABASE_URL"),
        (web_server(), DATABASE, "REDIS_URL"),
        ((*CELERY, "worker"), DATABASE, "REDIS_URL"),
        ((*CELERY, "beat", "--pidfile=", "--schedule=DATA_DIR/schedule"), DATABASE, "REDIS_URL"),
    ],
    ids=["web without database", "web without redis", "worker", "scheduler"],
)
def test_a_server_names_a_setting_that_it_needs(
    tmp_path: Path, command: tuple[str, ...], given: dict[str, str], missing: str
) -> None:
    in_place = (part.replace("DATA_DIR", str(tmp_path)) for part in command)

    result = start(*in_place, data_dir=tmp_path, **given)

    assert result.returncode == 1
    assert f"{missing} is not set" in result.stderr + result.stdout
    assert "Traceback" not in result.stderr + result.stdout


@pytest.mark.parametrize("host", ["127.0.0.1:1", "nowhere.invalid"])
def test_a_command_reports_that_its_database_is_unavailable(tmp_path: Path, host: str) -> None:
    url = f"postgresql://somebody:sesame@{host}/none"

    result = start("manage.py", "migrate", data_dir=tmp_path, DATABASE_URL=url)

    assert result.returncode == 1
    assert result.stderr.startswith("Cannot connect to the database of DATABASE_URL: ")
    assert result.stderr.count("\n") == 1, result.stderr
    assert "sesame" not in result.stderr


@pytest.mark.parametrize(
    ("unavailable", "name"),
    [(DATABASE, "database of DATABASE_URL"), (REDIS, "Redis of REDIS_URL")],
    ids=["database", "redis"],
)
def test_nothing_is_prepared_without_the_servers(
    tmp_path: Path, unavailable: dict[str, str], name: str
) -> None:
    """`bin/up` runs this first and repeats its output."""
    inherited = {key: os.environ[key] for key in ("DATABASE_URL", "REDIS_URL")}

    result = start(
        *("-m", "devtools.prepare"),
        data_dir=tmp_path,
        **{**inherited, "DJANGO_SETTINGS_MODULE": "caicaini_portal.settings", **unavailable},
    )

    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith(f"CommandError: Cannot connect to the {name}: ")
    assert result.stderr.count("\n") == 1, result.stderr
    assert "sesame" not in result.stderr

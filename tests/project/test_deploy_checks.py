"""`manage.py check --deploy` names the settings that production lacks."""

import os
import subprocess
import sys

import pytest

from embedded.subprocesses import PROJECT

COMPLETE = {
    "SECRET_KEY": "a secret of fifty characters and more, for nobody but this test",
    "DATABASE_URL": "postgresql://db.example/caicaini",
    "REDIS_URL": "redis://redis.example",
    "PUBLIC_URL": "https://caicaini.example",
    "EMAIL_URL": "smtp://mail.example",
}


def check(env: dict[str, str], data_dir: object) -> subprocess.CompletedProcess[str]:
    bare = {name: value for name, value in os.environ.items() if name not in COMPLETE}
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=PROJECT,
        env={**bare, **env, "DATA_DIR": str(data_dir)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_complete_configuration_passes(tmp_path: object) -> None:
    result = check(COMPLETE, tmp_path)

    assert (result.returncode, result.stdout.strip()) == (
        0,
        "System check identified no issues (0 silenced).",
    ), result.stderr


@pytest.mark.parametrize(
    ("payments", "named"),
    [
        ({"STRIPE_SECRET_KEY": "sk_live_1"}, ["STRIPE_WEBHOOK_SECRETS"]),
        (
            {"STRIPE_SECRET_KEY": "rk_test_1", "STRIPE_WEBHOOK_SECRETS": "whsec_1"},
            ["STRIPE_SECRET_KEY"],
        ),
        ({"STRIPE_SECRET_KEY": "rk_live_1", "STRIPE_WEBHOOK_SECRETS": "whsec_1"}, []),
    ],
    ids=str,
)
def test_payments_that_cannot_work_are_named(
    tmp_path: object, payments: dict[str, str], named: list[str]
) -> None:
    result = check({**COMPLETE, **payments}, tmp_path)

    assert result.returncode == (1 if named else 0)
    for name in ("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRETS"):
        assert (f"{name} is" in result.stderr) == (name in named)


@pytest.mark.parametrize("name", sorted(COMPLETE.keys() - {"SECRET_KEY"}))
def test_a_missing_setting_is_named(tmp_path: object, name: str) -> None:
    result = check({key: COMPLETE[key] for key in COMPLETE if key != name}, tmp_path)

    assert result.returncode == 1
    assert name in result.stderr

"""`manage.py check` reads the catalogue file without a database."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import execute_from_command_line
from pytest_django import Settings

from embedded.subprocesses import PROJECT


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "catalogue.toml"
    path.write_text('[[models]]\nid = "a/model"\n')
    return path


def check(catalogue: Path, data_dir: Path) -> subprocess.CompletedProcess[str]:
    nowhere = {"DATABASE_URL": "postgresql://127.0.0.1:1/none", "DATA_DIR": str(data_dir)}
    return subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=PROJECT,
        env={**os.environ, **nowhere, "CATALOGUE": str(catalogue)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_invalid_file_is_reported_in_a_sentence(broken: Path, tmp_path: Path) -> None:
    result = check(broken, tmp_path)

    assert result.returncode == 1
    assert (
        f"?: (catalogue.E001) The catalogue file {broken} is wrong: "
        "Object missing required field `name` - at `$.models[0]`.\n"
    ) in result.stderr
    assert "Traceback" not in result.stderr


def test_a_valid_file_passes(tmp_path: Path) -> None:
    result = check(PROJECT / "catalogue.toml", tmp_path)

    assert result.returncode == 0, result.stderr


@pytest.mark.django_db(transaction=True)
def test_an_invalid_file_does_not_stop_the_audit(
    broken: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.CATALOGUE = broken

    execute_from_command_line(["manage.py", "audit_ledger"])

    assert json.loads(capsys.readouterr().out)["ok"] is True


@pytest.mark.django_db(transaction=True)
def test_loading_an_invalid_file_reports_the_same_sentence_once(
    broken: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.CATALOGUE = broken

    with pytest.raises(SystemExit):
        execute_from_command_line(["manage.py", "sync_catalogue"])

    [sentence] = capsys.readouterr().err.splitlines()
    assert sentence.startswith(f"CommandError: The catalogue file {broken} is wrong: ")

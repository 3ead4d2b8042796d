"""Documents and test runs know every setting; documents name only what exists."""

import re
from pathlib import Path

import pytest

from caicaini_portal.settings import BASE_DIR
from devtools import suite

DOCUMENTS = sorted(
    [*BASE_DIR.glob("*.md"), *(BASE_DIR / "docs").rglob("*.md")], key=lambda path: path.name
)
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#]+)")
CODE = re.compile(r"`([^`\n]+)`")
READ_IN_SETTINGS = re.compile(r'env\.\w+\(\s*f?"([A-Z_]+)"')
OF_A_SOCIAL_APP = re.compile(r'_social_app\("([A-Z]+)"\)')
# Modules, packages and files as ARCHITECTURE.md writes them, from the top level or from gateway/.
PATH = re.compile(r"^[\w./-]+(?:/|\.py|\.toml|\.md)$")


def settings_read() -> set[str]:
    source = (BASE_DIR / "caicaini_portal" / "settings.py").read_text()
    social = {
        f"{prefix}_CLIENT_{part}"
        for prefix in OF_A_SOCIAL_APP.findall(source)
        for part in ("ID", "SECRET")
    }
    return set(READ_IN_SETTINGS.findall(source)) | social


def test_every_setting_is_documented():
    documented = set(re.findall(r"`([A-Z_]+)`", (BASE_DIR / "docs/configuration.md").read_text()))

    assert settings_read() <= documented


def test_a_run_of_the_tests_starts_from_the_defaults_of_all_settings():
    assert settings_read() - {"DATA_DIR"} <= set(suite.UNSET)  # each run has its own DATA_DIR


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_to_a_file(document: Path):
    missing = [
        link for link in LINK.findall(document.read_text()) if not (document.parent / link).exists()
    ]

    assert missing == []


def test_every_path_that_the_architecture_names_exists():
    text = (BASE_DIR / "ARCHITECTURE.md").read_text()
    paths = {code for code in CODE.findall(text) if PATH.match(code)}
    assert len(paths) > 20

    missing = [
        path
        for path in sorted(paths)
        if not any((BASE_DIR / place / path).exists() for place in ("", "gateway"))
        and path not in {"models.py", "views.py", "tasks.py", "gateway_queries.py"}  # of any app
    ]

    assert missing == []


def test_every_command_of_the_readme_exists():
    readme = (BASE_DIR / "README.md").read_text()
    commands = set(re.findall(r"(?<!/)bin/\w+", readme))

    assert commands == {f"bin/{path.name}" for path in (BASE_DIR / "bin").iterdir()}

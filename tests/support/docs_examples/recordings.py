"""Recorded outputs of the documentation's samples: docs_site/recordings/<name>.json."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

from docs_site.recordings import FOLDER
from tests.support.docs_examples.examples import Example, Result
from tests.support.docs_examples.languages import LANGUAGES


def path_of(name: str) -> Path:
    """Return where a sample's recording is."""
    return FOLDER / f"{name}.json"


def load(example: Example) -> dict[str, Any] | None:
    """Return what was recorded of the example, or None."""
    try:
        recorded: dict[str, Any] = json.loads(path_of(example.name).read_text())
    except FileNotFoundError:
        return None
    return recorded.get(example.language)


def write(results: Iterable[Result]) -> None:
    """Write the recordings of the samples that were run in all their languages."""
    FOLDER.mkdir(exist_ok=True)
    by_name = attrgetter("example.name")
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for name, several in groupby(sorted(results, key=by_name), key=by_name):
        entries = {result.example.language: _entry(result, now) for result in several}
        ordered = {one.name: entries[one.name] for one in LANGUAGES if one.name in entries}
        text = json.dumps(ordered, indent=2, ensure_ascii=False)
        path_of(name).write_text(f"{text}\n")


def _entry(result: Result, now: str) -> dict[str, Any]:
    language = next(one for one in LANGUAGES if one.name == result.example.language)
    return {
        "stdout": _readable(result.stdout),
        "status": result.status,
        "recorded_at": now,
        "runtime": language.runtime(),
        "sdk": language.sdk() if result.uses_sdk else None,
        "model": result.models[-1] if result.models else None,
        "credits": result.credits,
        "is_scripted": result.is_scripted,
    }


def _readable(stdout: str) -> str:
    """Indent an output that is JSON as a whole."""
    try:
        decoded = json.loads(stdout)
    except ValueError:
        return stdout.rstrip("\n")
    return json.dumps(decoded, indent=2, ensure_ascii=False)

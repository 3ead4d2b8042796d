"""Writes what samples printed: docs_site/recordings/<name>.json."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from docs_site.examples.recordings import FOLDER
from tests.support.docs_examples.examples import Result
from tests.support.docs_examples.languages import LANGUAGES
from tests.support.docs_examples.recordings import path_of


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

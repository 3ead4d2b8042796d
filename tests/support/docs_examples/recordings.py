"""Recorded outputs of the documentation's samples: docs_site/recordings/<name>.json."""

import json
from pathlib import Path
from typing import Any

from docs_site.examples.recordings import FOLDER
from tests.support.docs_examples.examples import Example


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

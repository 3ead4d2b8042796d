"""Recorded outputs of samples, as `bin/docs record` wrote them: docs_site/recordings/<name>.json.

{"python": {"stdout": "Hello there, …", "status": 0, "recorded_at": "2026-11-30T06:10:00Z",
            "sdk": "anthropic 0.74.1", "runtime": "Python 3.12", "model": "caicaini/swift",
            "credits": 12, "is_scripted": false}}
"""

from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import msgspec
from django.conf import settings

from docs_site.examples.samples import BASE_URL
from docs_site.source.file_stamps import Stamp, stamp
from web.code_blocks import LANGUAGES

_FRESH = timedelta(days=2)
FOLDER = Path(__file__).resolve().parents[1] / "recordings"


class Output(msgspec.Struct, frozen=True):
    """What a sample printed in one language; `status` is its exit status."""

    stdout: str
    status: int
    recorded_at: datetime
    runtime: str
    sdk: str | None = None
    model: str | None = None
    credits: int | None = None
    is_scripted: bool = False

    @property
    def language(self) -> str:
        """The lexer for what it printed: JSON when it is JSON."""
        try:
            msgspec.json.decode(self.stdout)
        except msgspec.DecodeError:
            return "text"
        return "json"

    def age(self, today: date) -> timedelta | None:
        """Return how old it is on that day, or None while it is fresh."""
        age = today - self.recorded_at.date()
        return age if age > _FRESH else None


class NotRecorded(LookupError):
    """There is no recording of this name."""


def load(name: str) -> dict[str, Output]:
    """Return a sample's outputs by language, in the order of the tabs; raise NotRecorded."""
    path = FOLDER / f"{name}.json"
    return _load(path, settings.PUBLIC_URL, stamp([path]))


@lru_cache(maxsize=256)
def _load(path: Path, base_url: str, _: Stamp) -> dict[str, Output]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotRecorded(f"no recording “{path.stem}” in docs_site/recordings") from None
    outputs = msgspec.json.decode(text.replace(BASE_URL, base_url), type=dict[str, Output])
    return {language: outputs[language] for language in LANGUAGES if language in outputs}

"""Samples: calls as files that run by themselves, one folder each in docs_site/samples/."""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from django.conf import settings

from docs_site.source.file_stamps import Stamp, stamp
from web.code_blocks import CodeSample

FOLDER = Path(__file__).resolve().parents[1] / "samples"
FILES = {"curl": "curl.sh", "python": "python.py", "typescript": "typescript.mjs"}

# The base URL in every file, so that each runs against `bin/up` as it stands.
BASE_URL = "http://localhost:8000"
_SHEBANG = "#!"


class Sample(NamedTuple):
    """A call in the languages it has a file for; `request` is the JSON that Run this sends."""

    name: str
    codes: tuple[CodeSample, ...]
    request: str | None


class UnknownSample(LookupError):
    """There is no folder of this name, or it holds no file of any language."""


def load(name: str) -> Sample:
    """Return a sample with this installation's base URL; raise UnknownSample."""
    folder = FOLDER / name
    return _load(folder, settings.PUBLIC_URL, stamp(folder.glob("*")))


@lru_cache(maxsize=256)
def _load(folder: Path, base_url: str, _: Stamp) -> Sample:
    codes = tuple(
        CodeSample(language, _code(folder / file).replace(BASE_URL, base_url))
        for language, file in FILES.items()
        if (folder / file).is_file()
    )
    if not codes:
        raise UnknownSample(f"no sample “{folder.name}” in docs_site/samples")
    request = folder / "request.json"
    text = request.read_text(encoding="utf-8") if request.is_file() else None
    return Sample(folder.name, codes, text)


def _code(path: Path) -> str:
    """Return a file's text without its shebang line."""
    lines = path.read_text(encoding="utf-8").strip("\n").splitlines()
    return "\n".join(lines[1:] if lines[0].startswith(_SHEBANG) else lines).strip("\n")

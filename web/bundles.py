"""The style sheet and scripts that pages load, as `devtools/bundles.py` has made them."""

import json
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

# A hash of the content is in these files' names, so browsers may keep them without a time limit.
IMMUTABLE = r"/bundles/[\w-]+-[0-9A-Z]{8}\.(css|js)$"


def bundle_url(name: str) -> str:
    """Return the address of the bundle `name`, such as "site.css". Raises ImproperlyConfigured."""
    file = _files().get(name)
    if file is None:
        raise ImproperlyConfigured(f"There is no bundle {name}: run python -m devtools.bundles.")
    return f"{settings.STATIC_URL}bundles/{file}"


def _files() -> dict[str, str]:
    manifest: Path = settings.BUNDLES_DIR / "manifest.json"
    try:
        changed_at = manifest.stat().st_mtime_ns
    except FileNotFoundError:
        return {}
    return _read(manifest, changed_at)


@lru_cache(maxsize=1)
def _read(manifest: Path, _changed_at: int) -> dict[str, str]:
    """Read the manifest once for each time it has changed."""
    files: dict[str, str] = json.loads(manifest.read_text())["files"]
    return files

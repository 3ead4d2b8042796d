"""The addresses of a data folder's embedded servers: `DATA_DIR/embedded.json`."""

import os
from pathlib import Path

import msgspec


class Endpoints(msgspec.Struct, frozen=True):
    """Addresses and secrets of the running embedded servers; empty for one that is not run."""

    database_url: str = ""
    redis_url: str = ""
    model_url: str = ""
    model_api_key: str = ""
    stripe_secret_key: str = ""
    stripe_api_base: str = ""


def load(data_dir: Path) -> Endpoints | None:
    """Return the endpoints of the newest start, or None without a readable file."""
    try:
        return msgspec.json.decode(_path(data_dir).read_bytes(), type=Endpoints)
    except (OSError, msgspec.DecodeError):
        return None


def save(data_dir: Path, endpoints: Endpoints) -> None:
    """Write the file atomically, readable by its owner alone: it holds passwords."""
    draft = _path(data_dir).with_suffix(".draft")
    draft.touch(mode=0o600)
    draft.write_bytes(msgspec.json.encode(endpoints))
    os.replace(draft, _path(data_dir))


def remove(data_dir: Path) -> None:
    """Delete the file: the servers have ended, and other programs may get their ports."""
    _path(data_dir).unlink(missing_ok=True)


def _path(data_dir: Path) -> Path:
    return data_dir / "embedded.json"

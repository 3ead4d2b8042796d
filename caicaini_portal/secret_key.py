"""The secret key of a developer's machine: made once and stored, so sessions survive restarts."""

import secrets
from pathlib import Path

from caicaini_portal.environment import BadSetting


def stored(path: Path) -> str:
    """Return the secret in a file, which is made if it is missing; raises BadSetting."""
    try:
        return path.read_text()
    except FileNotFoundError:
        secret = secrets.token_urlsafe(48)
    except OSError as error:
        raise BadSetting(
            f"DATA_DIR={path.parent} cannot be used: {path.name} in it cannot be read "
            f"({error.strerror})."
        ) from None
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secret)
    except OSError:
        pass  # a read-only checkout (a linter's, say): the secret lives as long as the process
    return secret

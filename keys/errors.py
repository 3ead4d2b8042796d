"""Errors of keys.

KeysError
├── TooManyKeys        the workspace has as many usable keys as we allow
└── KeyAlreadyMinted   the form was sent before; its key exists, its token was shown
"""

from keys.models import ApiKey


class KeysError(Exception):
    """Base of all errors of this app."""


class TooManyKeys(KeysError):
    """The workspace has as many keys that are neither revoked nor expired as we allow."""


class KeyAlreadyMinted(KeysError):
    """The form was sent before: a form makes one key, even when it is sent again."""

    def __init__(self, key: ApiKey) -> None:
        super().__init__(f"{key} was minted with this form before")
        self.key = key

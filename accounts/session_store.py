"""Sessions in the database, for session keys of the form that Django makes."""

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import VALID_KEY_CHARS


class SessionStore(db.SessionStore):
    """Django's, and a key of any other form counts as no session: a cookie may hold a NUL, which
    PostgreSQL cannot look up."""

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key if set(session_key or "") <= set(VALID_KEY_CHARS) else None)

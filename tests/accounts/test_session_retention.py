"""Expired sessions are deleted in batches; those in use stay."""

from datetime import timedelta

from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts import retention


def test_expired_sessions_are_deleted(db: None) -> None:
    keys = []
    for days in (-3, -2, -1, 1):
        store = SessionStore()
        store.create()
        Session.objects.filter(pk=store.session_key).update(
            expire_date=timezone.now() + timedelta(days=days)
        )
        keys.append(store.session_key)

    assert retention.delete_expired_sessions(batch=2) == 3

    assert [session.pk for session in Session.objects.all()] == keys[3:]
    assert retention.delete_expired_sessions() == 0

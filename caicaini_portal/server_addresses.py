"""Reads servers' addresses from the environment. They hold passwords: no error repeats one."""

from typing import Any
from urllib.parse import urlsplit

import environ
import psycopg
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict

from caicaini_portal import environment

_POSTGRESQL = "postgresql://user:password@host:port/name"
_REDIS = "redis://user:password@host:port/0 (rediss:// with TLS)"
_MAIL = "smtp+tls://user:password@host:587"
_REDIS_SCHEMES = {"redis", "rediss"}


def postgresql(name: str, *, default: str) -> str:
    """Return an address that both Django and libpq can read, or the default unchecked."""
    given = environment.text(name)
    if given and not _is_postgresql(given):
        raise _invalid(name, _POSTGRESQL)
    return given or default


def django_database(url: str) -> dict[str, Any]:
    """Return Django's settings for an address that `postgresql` accepted.

    Hosts and ports, which may be several, are as libpq reads them: django-environ would leave the
    brackets around an IPv6 address.
    """
    read = conninfo_to_dict(url)
    hosts = {"HOST": str(read.get("host", "")), "PORT": str(read.get("port", ""))}
    return {**environ.Env.db_url_config(url), **hosts}


def redis(name: str, *, default: str) -> str:
    """Return an address that both redis-py and Celery can read, or the default unchecked."""
    given = environment.text(name)
    if given and not _is_redis(given):
        raise _invalid(name, _REDIS)
    return given or default


def mail(name: str) -> dict[str, Any]:
    """Return Django's EMAIL_ settings; none when no mail server is given."""
    given = environment.text(name)
    if not given:
        return {}
    try:
        found: dict[str, Any] = environ.Env.email_url_config(given)
    except (ValueError, ImproperlyConfigured):
        raise _invalid(name, _MAIL) from None
    if given.startswith("smtp") and not found["EMAIL_HOST"]:
        raise _invalid(name, _MAIL)
    return found


def _invalid(name: str, expected: str) -> environment.BadSetting:
    # The usual cause is a password pasted into the address without encoding.
    return environment.invalid_secret(
        name, f"{expected}; in a password write special characters as codes, / as %2F"
    )


def _is_postgresql(given: str) -> bool:
    try:
        conninfo_to_dict(given)
        return given.startswith(("postgresql://", "postgres://")) and bool(
            environ.Env.db_url_config(given)["NAME"]
        )
    except (ValueError, psycopg.Error):
        return False


def _is_redis(given: str) -> bool:
    try:
        url = urlsplit(given)
        database = url.path.removeprefix("/")
        return (
            url.scheme in _REDIS_SCHEMES
            and url.port != 0  # asking for the port also checks it
            and (not database or database.isdecimal())
        )
    except ValueError:
        return False

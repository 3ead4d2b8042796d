"""The time zone in which a person sees days and hours: told once by their browser, or chosen."""

from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.contrib.auth.models import AnonymousUser

from accounts.models import User

_UTC = "UTC"


@cache
def names() -> tuple[str, ...]:
    """Return the names of the zones that can be chosen: Area/City, and UTC."""
    areas = {"Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian"}
    cities = (one for one in available_timezones() if one.partition("/")[0] in {*areas, "Pacific"})
    return (_UTC, *sorted(cities))


def zone_of(user: User | AnonymousUser) -> ZoneInfo:
    """Return a person's zone; UTC until it is known."""
    chosen = getattr(user, "time_zone", "")
    return ZoneInfo(chosen if chosen in names() else _UTC)


def choose(user: User, name: str) -> bool:
    """Save a person's zone; return False for a name that is none."""
    if name not in names():
        return False
    user.time_zone = name
    user.save(update_fields=["time_zone"])
    return True

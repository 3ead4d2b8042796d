"""The builds that are attacked, each with tenants of its own."""

import subprocess
import sys
from typing import NamedTuple

from benchmarks.builds import Build
from benchmarks.gateway.processes import PROJECT

_TENANT = PROJECT / "benchmarks" / "abuse" / "tenant.py"


class Keys(NamedTuple):
    """The keys of the tenants: two honest ones, and the hostile ones as attacks take them."""

    small: str
    large: str
    hostile: list[str]


class Target(NamedTuple):
    """A build and its tenants."""

    build: Build
    keys: Keys


def of(build: Build) -> Target:
    """Make the tenants of a build."""
    [large] = _tenant(build, "large@example.com", credits=10**9, keys=1)
    poor = _tenant(build, "hostile@example.com", credits=1, keys=3)
    [paying] = _tenant(build, "paying@example.com", credits=10**9, keys=1)
    return Target(build, Keys(build.key, large, [*poor, paying]))


def _tenant(build: Build, email: str, *, credits: int, keys: int) -> list[str]:
    # As a file, and without its folder on the path: the build may lack this benchmark.
    command = [sys.executable, "-P", str(_TENANT), email, f"{credits}", f"{keys}"]
    env = {**build.env, "DJANGO_SETTINGS_MODULE": "caicaini_portal.settings"}
    done = subprocess.run(
        command, cwd=build.folder, env=env, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout.split()

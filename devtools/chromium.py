"""The browser for the browser tests: the system's Chromium, installed where possible."""

import os
import shutil

from devtools.installers import Installers
from embedded.errors import InstallFailed
from embedded.terminal import print_line

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def install(installers: Installers) -> None:
    """Install Chromium if there is none, or print why the browser tests will be skipped."""
    if any(shutil.which(name) for name in NAMES):
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print_line(
            "There is no Chromium, and installing it needs root and apt-get: browser tests skipped."
        )
        return
    quietly = {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        installers.run(["apt-get", "update"], doing="Reading the list of packages", env=quietly)
        installers.run(
            ["apt-get", "install", "-y", "--no-install-recommends", "chromium"],
            doing="Installing Chromium for the browser tests",
            env=quietly,
        )
    except InstallFailed as error:
        print_line(f"{error}\nContinuing without Chromium: browser tests are skipped.")

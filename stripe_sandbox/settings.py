"""The sandbox's settings and the environment variables that set them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

API_VERSION = "2026-10-28.endive"  # the version that stripe-python 16.1 pins


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One sandbox. The defaults keep everything in memory and deliver no webhooks."""

    host: str = "127.0.0.1"
    port: int = 0  # 0: any free port
    descriptor: int | None = None  # of an inherited listening socket, in the place of both
    public_url: str = ""  # its address for browsers; empty: http://localhost:<port>
    api_key: str = "sk_test_sandbox"
    api_version: str = API_VERSION
    webhook_url: str = ""
    webhook_secrets: tuple[str, ...] = ("whsec_sandbox",)
    webhook_events: tuple[str, ...] = ("*",)
    delivery_timeout_s: float = 10.0
    retry_first_s: float = 1.0  # doubles with every attempt, up to a minute
    retry_attempts: int = 8
    later_s: float = 10.0  # delay of bank debits, slow refunds and disputes
    tax_basis_points: int = 1000
    state_file: Path | None = None  # None: in memory

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Settings":
        """Settings of the process `python -m stripe_sandbox`; `README.md` lists the variables."""

        def read(name: str, default: str) -> str:
            return environ.get(f"STRIPE_SANDBOX_{name}", default)

        return cls(
            host=read("HOST", "127.0.0.1"),
            port=int(read("PORT", "12111")),
            descriptor=int(inherited) if (inherited := read("DESCRIPTOR", "")) else None,
            public_url=read("URL", "").rstrip("/"),
            api_key=read("KEY", "sk_test_sandbox"),
            webhook_url=read("WEBHOOK_URL", ""),
            webhook_secrets=_split(read("WEBHOOK_SECRETS", "whsec_sandbox")),
            webhook_events=_split(read("WEBHOOK_EVENTS", "*")),
            later_s=float(read("LATER_S", "10")),
            tax_basis_points=int(read("TAX_BASIS_POINTS", "1000")),
            state_file=Path(environ.get("DATA_DIR", ".local")) / "stripe_sandbox.sqlite3",
        )


def _split(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())

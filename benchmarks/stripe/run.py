"""The parts in order, on one sandbox and one web server; exit code 1 when a promise is broken."""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.test import override_settings

from benchmarks.stripe import forged, landing, orders, speed, storm
from billing.stripe.inbox import WATCHED
from stripe_sandbox.client import Sandbox
from stripe_sandbox.server import SandboxServer
from stripe_sandbox.settings import Settings as SandboxSettings
from tests.support import servers
from tests.support.servers import WebServer

SECRET = "whsec_of_the_benchmark"  # noqa: S105


@dataclass(frozen=True)
class Shop:
    """Shared by the parts: Stripe, our web server, and the environment of our processes."""

    sandbox: Sandbox
    server: WebServer
    env: dict[str, str]
    logs: Path


def main(options: argparse.Namespace) -> int:
    """Run the chosen parts; print the results of each."""
    broken = 0
    if options.forgeries:
        broken += forged.run(count=options.forgeries)
    with _shop() as shop:
        if options.longest:
            broken += orders.run(shop.sandbox, longest=options.longest)
        if options.landings:
            broken += landing.run(
                shop.sandbox, env=shop.env, logs=shop.logs, count=options.landings
            )
        if options.payments:
            broken += storm.run(shop.sandbox, env=shop.env, logs=shop.logs, count=options.payments)
        if options.deliveries:
            broken += speed.run(
                env=shop.env,
                logs=shop.logs,
                secret=SECRET,
                server=shop.server,
                count=options.deliveries,
            )
    print("every promise is kept" if not broken else f"{broken} PROMISES ARE BROKEN", flush=True)
    return 1 if broken else 0


@contextmanager
def _shop() -> Iterator[Shop]:
    """Run sandbox and web server for the block, both on the database of the settings."""
    call_command("migrate", verbosity=0)
    with tempfile.TemporaryDirectory() as folder, SandboxServer(_sandbox_settings()) as stripe:
        stripe_env = {
            "STRIPE_SECRET_KEY": stripe.settings.api_key,
            "STRIPE_API_BASE": stripe.url,
            "STRIPE_WEBHOOK_SECRETS": SECRET,
        }
        env = {**stripe_env, "DATABASE_URL": settings.DATABASE_URL, "LOG_LEVEL": "ERROR"}
        logs = Path(folder)
        with servers.running(env=env, log=logs / "web.log") as server:
            stripe.control.set_endpoint(
                f"{server.url}/webhooks/stripe",
                secrets=[SECRET],
                events=sorted(WATCHED),
                retry_first_s=0.2,
            )
            with override_settings(**{**stripe_env, "STRIPE_WEBHOOK_SECRETS": [SECRET]}):
                yield Shop(stripe.control, server, env, logs)


def _sandbox_settings() -> SandboxSettings:
    return SandboxSettings(later_s=86_400)

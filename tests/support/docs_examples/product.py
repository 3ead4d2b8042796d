"""Two gateways that the documentation's samples run against: an embedded and a scripted model.

Both are the product, on one database with real keys and a real ledger. The shipped catalogue's
model is the embedded one at the first, and a scripted one at the second, at the same price. A
scripted model with every capability stands beside it.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from embedded.subprocesses import PROJECT
from tests.support import gateway_database
from tests.support.docs_examples import plays
from tests.support.scripted_upstream import ScriptedUpstream
from tests.support.servers import WebServer

# So few that two calls of one key that hang are enough for a 429.
CALLS_PER_KEY = 2

_ABLE = """
[[models]]
id = "scripted/able"
name = "Scripted"
description = "Answers the documentation's samples from a script."
context_tokens = 200_000
max_output_tokens = 64_000
capabilities = ["images", "documents", "tools", "thinking", "structured_output"]
max_tokens_per_image = 1_600
auto = true

[[models.prices]]
from = 2026-01-01T00:00:00Z
input = 330_000
output = 1_650_000
cache_write = 412_500
cache_read = 33_000

[[models.upstreams]]
format = "messages"
base_url = "{upstream_url}"
model = "able"
"""


@dataclass(frozen=True)
class Product:
    """The running gateways; samples that name a scripted prompt go to the second."""

    embedded_url: str
    scripted_url: str
    upstream: ScriptedUpstream


@contextmanager
def running(folder: Path) -> Iterator[Product]:
    """Run both for the block, with Django's models of this process on their database."""
    with ExitStack() as stack:
        upstream = stack.enter_context(ScriptedUpstream().running())
        plays.script_all(upstream)
        database_url = stack.enter_context(gateway_database.fresh("docs"))
        catalogue = folder / "catalogue.toml"
        shipped = (PROJECT / "catalogue.toml").read_text()
        catalogue.write_text(shipped + _ABLE.format(upstream_url=upstream.url))
        env = {
            "DATABASE_URL": database_url,
            "CATALOGUE": str(catalogue),
            "DRAIN_WINDOW_S": "4",
            "UPSTREAM_FAILURES_TO_OPEN": "0",
        }
        gateway_database.prepare(env=env)
        embedded, scripted = (
            _start(stack, env | extra, folder / f"{name}.log")
            for name, extra in {
                "embedded": {},
                "scripted": {
                    "EMBEDDED_MODEL_URL": upstream.url,
                    "MAX_CONCURRENT_CALLS_PER_KEY": str(CALLS_PER_KEY),
                },
            }.items()
        )
        for server in (embedded, scripted):
            server.await_ready()
        stack.enter_context(gateway_database.in_use(database_url))
        yield Product(embedded.url, scripted.url, upstream)


def _start(stack: ExitStack, env: dict[str, str], log: Path) -> WebServer:
    server = WebServer(env=env, log=log)
    stack.callback(server.stop)
    return server

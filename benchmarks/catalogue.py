"""The catalogue that a benchmark serves: one model, with one price and one upstream."""

from pathlib import Path
from typing import NamedTuple

_CATALOGUE = """
[[models]]
id = "{model}"
name = "{name}"
context_tokens = 8192
max_output_tokens = 4096
capabilities = ["images"]
max_tokens_per_image = 1600
[[models.prices]]
from = 2026-11-01T00:00:00Z
input = {prices.input}
output = {prices.output}
cache_write = {prices.cache_write}
cache_read = {prices.cache_read}
[[models.upstreams]]
format = "messages"
base_url = "{upstream_url}"
model = "bench"
"""


class Prices(NamedTuple):
    """Credits per million tokens of each class."""

    input: int
    output: int
    cache_write: int
    cache_read: int


CHEAP = Prices(100_000, 450_000, cache_write=125_000, cache_read=10_000)
DEAR = Prices(1_000_000, 4_500_000, cache_write=1_250_000, cache_read=100_000)


def write(path: Path, *, model: str, prices: Prices, upstream_url: str) -> None:
    """Write the file; the upstream speaks the Messages format."""
    name = model.rpartition("/")[2].capitalize()
    path.write_text(
        _CATALOGUE.format(model=model, name=name, prices=prices, upstream_url=upstream_url)
    )

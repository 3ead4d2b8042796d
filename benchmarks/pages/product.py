"""A checkout's whole product: its own `bin/up`, with a data folder and port of its own."""

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from embedded.ports import free_port

_READY = "Ctrl-C stops everything."
_KEPT = ("PATH", "HOME", "LANG")
_START_WINDOW_S = 600


class Product(NamedTuple):
    """A running checkout, by the name that the report gives it."""

    name: str
    url: str


@contextlib.contextmanager
def running(name: str, checkout: Path) -> Iterator[Product]:
    """Run the checkout for the block. Raises RuntimeError if it does not start."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="caicaini-pages-") as folder:
        env = {key: os.environ[key] for key in _KEPT if key in os.environ}
        env |= {"PORT": str(port), "DATA_DIR": f"{folder}/data"}
        output = Path(folder) / "output"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [str(checkout / "bin/up")], cwd=checkout, env=env, stdout=file, stderr=file
            )
        try:
            _await_ready(process, output)
            yield Product(name, f"http://localhost:{port}")
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=120)


def _await_ready(process: "subprocess.Popen[bytes]", output: Path) -> None:
    deadline = time.monotonic() + _START_WINDOW_S
    while _READY not in output.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"bin/up did not start:\n{output.read_text()}")
        time.sleep(0.2)

"""`python -m stripe_sandbox [--port N]`: run the sandbox as a process."""

import argparse
import os
import signal
import sys
import threading
from dataclasses import replace

from stripe_sandbox.server import SandboxServer
from stripe_sandbox.settings import Settings


def main() -> None:
    settings = Settings.from_environment(os.environ)
    parser = argparse.ArgumentParser(prog="stripe_sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=settings.port)
    arguments = parser.parse_args()
    stopped = threading.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, lambda *_: stopped.set())
    with SandboxServer(replace(settings, port=arguments.port)) as server:
        print(f"Stripe sandbox at {server.settings.public_url}", flush=True)
        stopped.wait()
    sys.exit(0)


if __name__ == "__main__":
    main()

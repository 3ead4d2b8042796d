"""Recognises known causes of failure in a program's output; one sentence for each."""

import errno
import re

DISK_FULL = "The disk is full: free some space and start again."

_COMPILER = r"(gcc|g\+\+|cc|c\+\+|clang|cargo|rustc)"

_ANYWHERE = ((r"No space left on device|ENOSPC|Disk quota exceeded", DISK_FULL),)
_INSTALLING = (
    *_ANYWHERE,
    (
        rf"(command|program|directory:) '[^' ]*{_COMPILER}'|ompiler .*not found|"
        r"unable to find .*compiler|can't find Rust compiler",
        "A package has no ready-made build for this machine and there is no compiler to build it: "
        "install one (Debian, Ubuntu: apt-get install build-essential) and start again.",
    ),
    (
        r"NewConnectionError|name resolution|Name or service not known|nodename nor servname|"
        r"Network is unreachable|Max retries exceeded|ProxyError|[Tt]imed out|Connection reset|"
        r"Could not resolve|EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT",
        "The package registry cannot be reached: check the network connection and start again.",
    ),
    (
        r"DO NOT MATCH THE HASHES|EINTEGRITY",
        "A downloaded package differs from the pinned one and was not installed.",
    ),
    (
        r"No matching distribution found",
        "A pinned package is not offered for this machine and this Python; Python 3.11 to 3.13 on "
        "Linux or macOS (x86-64, arm64) is known to work.",
    ),
    (r"Permission denied|EACCES", "The project's folder or DATA_DIR cannot be written to."),
)


def of_failed_run(output: str) -> str | None:
    """Return the sentence for a known cause in a server's output, if there is one."""
    return _first(_ANYWHERE, output)


def of_failed_install(output: str) -> str | None:
    """Return the sentence for the first known cause in an installer's output, if there is one.

    The order matters: a full disk also breaks downloads, and a refused connection also ends in
    "no matching distribution".
    """
    return _first(_INSTALLING, output)


def _first(causes: tuple[tuple[str, str], ...], output: str) -> str | None:
    return next((sentence for pattern, sentence in causes if re.search(pattern, output)), None)


def sentence_for(error: OSError) -> str:
    """Describe an error of the operating system in one sentence."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DISK_FULL
    reason = (error.strerror or str(error)).lower()
    return f"Cannot use {error.filename}: {reason}." if error.filename else f"Failed: {reason}."

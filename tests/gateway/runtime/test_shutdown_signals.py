"""What a web process makes of signals, and what it reports to its supervisor meanwhile."""

import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import servers
from tests.support.callers import Call
from tests.support.gateways import NewCustomer, StartGateway
from tests.support.replies import events, streams, wait
from tests.support.scripted_upstream import ScriptedUpstream
from tests.support.waiting import eventually

_PING = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


@pytest.fixture
def systemd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[socket.socket]:
    """The socket to which a unit of `Type=notify` reports."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiving:
        receiving.bind(str(tmp_path_factory.mktemp("n") / "s"))
        receiving.settimeout(60)
        yield receiving


def test_a_unit_with_a_socket_of_systemd_reports_that_it_is_ready_and_that_it_stops(
    gateway_env: dict[str, str], logs: Path, listener: socket.socket, systemd: socket.socket
) -> None:
    env = {**gateway_env, "NOTIFY_SOCKET": systemd.getsockname()}
    with servers.running(env=env, log=logs / "unit.log", listener=listener) as unit:
        assert systemd.recv(100) == b"READY=1\n"

        unit.ask_to_stop()

        assert systemd.recv(100) == b"STOPPING=1\n"
        unit.wait(within_s=60)
        with socket.create_connection(listener.getsockname()):
            listener.settimeout(60)
            listener.accept()[0].close()  # the socket itself still listens


def test_a_new_unit_on_the_same_socket_answers_while_the_old_one_drains(
    new_customer: NewCustomer,
    gateway_env: dict[str, str],
    logs: Path,
    listener: socket.socket,
    systemd: socket.socket,
    upstream: ScriptedUpstream,
) -> None:
    env = {**gateway_env, "DRAIN_WINDOW_S": "60"}
    reporting = {**env, "NOTIFY_SOCKET": systemd.getsockname()}
    script = upstream.script(streams(*events()[:3], wait, *events()[3:]))
    with servers.running(env=reporting, log=logs / "old.log", listener=listener) as old:
        customer = new_customer(url=old.url)
        stream = customer.begin(script.prompt, stream=True)
        stream.read_until("content_block_delta")
        kept = Call(old.url, _PING)
        assert kept.response.read() == b'{"status": "ok"}'
        with servers.running(env=env, log=logs / "new.log", listener=listener) as new:
            assert systemd.recv(100) == b"READY=1\n"
            old.ask_to_stop()
            assert systemd.recv(100) == b"STOPPING=1\n"

            last = kept.next(_PING)

            assert (last.status, last.headers["connection"]) == (200, "close")
            eventually(lambda: _is_kept_open(new.url), what="an answer of the new process")
            script.release()
            assert [event.kind for event in stream.events()][-1] == "message_stop"
            old.wait(within_s=60)
            kept.hang_up()


def _is_kept_open(url: str) -> bool:
    """Whether a new connection is answered, by a process that does not drain."""
    call = Call(url, _PING)
    assert call.response.status == 200
    is_kept = call.response.headers["connection"] is None
    call.hang_up()
    return is_kept


def test_the_first_ctrl_c_after_a_sigterm_cuts_no_call(
    new_customer: NewCustomer, start_gateway: StartGateway, upstream: ScriptedUpstream
) -> None:
    """As when `bin/up` is stopped while a process that it has replaced still drains."""
    stopping = start_gateway(DRAIN_WINDOW_S="60")
    customer = new_customer(url=stopping.url)
    script = upstream.script(streams(*events()[:3], wait, *events()[3:]))
    stream = customer.begin(script.prompt, stream=True)
    stream.read_until("content_block_delta")
    stopping.ask_to_stop()
    eventually(lambda: not stopping.accepts(), what="the closed listener")

    stopping.send_signal(signal.SIGINT)

    time.sleep(2)  # uvicorn would end within a moment
    script.release()
    assert [event.kind for event in stream.events()][-1] == "message_stop"
    stopping.wait(within_s=60)


def test_ctrl_c_waits_for_no_idle_connection(start_gateway: StartGateway) -> None:
    stopping = start_gateway(DRAIN_WINDOW_S="600")
    kept = Call(stopping.url, _PING)
    kept.response.read()

    stopping.send_signal(signal.SIGINT)

    kept_is_closed = eventually(kept.is_answered, what="the closing of the idle connection")
    assert kept_is_closed
    stopping.wait(within_s=60)
    kept.hang_up()

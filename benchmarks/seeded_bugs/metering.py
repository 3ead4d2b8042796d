"""Bugs in how operations reach the ledger, and in the handling of outages and dead processes."""

from benchmarks.seeded_bugs.bug import Bug, Edit

_WRITER = "gateway/metering/ledger_writer.py"
_BUFFER = "gateway/metering/outage_buffer.py"
_REAPER = "gateway/metering/reaper.py"
_CONNECTION = "gateway/metering/writer_connection.py"
_CONNECT = "gateway/metering/connections.py"
_JOURNAL = "gateway/metering/journal.py"
_CHANNEL = "gateway/metering/pq_channel.py"
_BOUNDED = "gateway/metering/bounded_connection.py"

_WRITES = ("tests/gateway/metering/test_ledger_writer.py",)
_OUTAGE = ("tests/gateway/metering/test_postgresql_outage.py",)
_LOST = ("tests/gateway/metering/test_connection_reset.py",)
_KEEPS_JOURNAL = ("tests/gateway/metering/test_journal.py",)
_FREES = ("tests/gateway/metering/test_reaper.py",)

METERING = (
    Bug(
        "one bad operation fails its whole batch",
        (Edit(_WRITER, "        if len(batch) > 1:\n", "        if not batch:\n"),),
        _WRITES,
    ),
    Bug(
        "one bad settlement in a journal fails all the others",
        (
            Edit(
                "gateway/metering/blocking_apply.py",
                '            logger.exception("a batch of %d operations failed", len(batch))\n',
                "            return [error for _ in batch]\n",
            ),
        ),
        _KEEPS_JOURNAL + _FREES + _OUTAGE,
    ),
    Bug(
        "a batch that PostgreSQL rejected counts as written",
        (
            Edit(
                _CHANNEL,
                "    return error\n",
                '    return b"[[null],[0],[0],[0],[0],[0],[null]]"\n',
            ),
        ),
        _WRITES,
    ),
    Bug(
        "the part of a batch that does not fit into the socket is never sent",
        (
            Edit(
                _CHANNEL,
                "self._loop.add_writer(self._socket, self._flush_rest)",
                "pass",
            ),
        ),
        ("tests/gateway/metering/test_large_batch.py",),
    ),
    Bug(
        "a connection that is reset after a notice goes unnoticed",
        (
            Edit(
                _CHANNEL,
                "if not self._is_closed and self._poller.poll(0):",
                "if False:",
            ),
        ),
        _LOST,
    ),
    Bug(
        "a batch without an answer is waited for without end",
        (Edit(_CHANNEL, "if self._turns > NO_ANSWER_TURNS:", "if False:"),),
        _LOST,
    ),
    Bug(
        "a thread's statement without an answer is waited for without end",
        (Edit(_BOUNDED, "_bounded(gen, turns=NO_ANSWER_TURNS)", "gen"),),
        _LOST,
    ),
    Bug(
        "a pool's statement without an answer is waited for without end",
        (Edit(_BOUNDED, "_bounded(gen, turns=_POOL_TURNS)", "gen"),),
        _LOST,
    ),
    Bug(
        "a refused hold that was committed all the same stays",
        (Edit(_BUFFER, "if may_be_written:", "if not may_be_written:"),),
        _OUTAGE,
    ),
    Bug(
        "a caller receives its charge before it is on the disk",
        (Edit(_BUFFER, "            self._journal.append(settles)\n", "            pass\n"),),
        _OUTAGE,
    ),
    Bug(
        "the journal is emptied without being applied",
        (
            Edit(
                _BUFFER,
                "rejected = blocking_apply.replay(connection, settles, owner=self._owner)",
                "rejected = blocking_apply.replay(connection, settles[:0], owner=self._owner)",
            ),
        ),
        _OUTAGE,
    ),
    Bug(
        "the expected charge is not capped by the hold",
        (
            Edit(
                "gateway/metering/operations.py",
                "charged = min(self.actual or 0, self.held)",
                "charged = self.actual or 0",
            ),
        ),
        _OUTAGE,
    ),
    Bug(
        "a silent database is not noticed",
        (Edit(_CONNECTION, "if self._is_probe_due() and not self._responds():", "if False:"),),
        _OUTAGE,
    ),
    Bug(
        "a busy database counts as unavailable",
        (
            Edit(
                _CONNECTION,
                "if self._is_probe_due() and not self._responds():",
                "if self._is_probe_due():",
            ),
        ),
        _OUTAGE,
    ),
    Bug(
        "a batch of the old connection may arrive after one of the new",
        (Edit(_CONNECTION, "if not self._is_session_over(self._probe):", "if False:"),),
        ("tests/gateway/metering/test_late_batch.py",),
    ),
    Bug(
        "a read-only database counts as rejecting the operation",
        (Edit(_CONNECT, "return isinstance(error, psycopg.Error) and", "return False and"),),
        ("tests/gateway/metering/test_read_only_postgresql.py",),
    ),
    Bug(
        "a role's default isolation level applies",
        (
            Edit(
                _CONNECT,
                "set_config('default_transaction_isolation', 'read committed', false)",
                "'as it is'",
            ),
        ),
        ("tests/gateway/metering/test_role_settings.py",),
    ),
    Bug(
        "the checksums of the journal are not checked",
        (
            Edit(
                _JOURNAL,
                'if checksum != b"%08x" % zlib.crc32(body):',
                "if not checksum:",
            ),
        ),
        _KEEPS_JOURNAL,
    ),
    Bug(
        "a living process's journal is taken over",
        (
            Edit(
                _JOURNAL,
                "    except BlockingIOError:\n        os.close(descriptor)\n        return None\n",
                "    except BlockingIOError:\n        pass\n",
            ),
        ),
        _KEEPS_JOURNAL,
    ),
    Bug(
        "the reaper voids holds before it has replayed the journal",
        (
            Edit(
                _REAPER,
                "    rejected = blocking_apply.replay("
                "connection, settles, owner=abandoned.owner)\n"
                "    _void_holds(connection, abandoned.owner)\n",
                "    _void_holds(connection, abandoned.owner)\n    rejected = settles\n",
            ),
        ),
        _OUTAGE,
    ),
    Bug(
        "the reaper considers living processes dead",
        (Edit(_REAPER, "return row == (True,)", "return row is not None"),),
        _FREES,
    ),
    Bug(
        "the reaper runs once instead of three times",
        (
            Edit(
                _REAPER,
                "if free.runs >= _FREE_RUNS and now - free.since >= FREE_FOR_S",
                "if free.runs >= 1 and now >= free.since",
            ),
        ),
        _FREES,
    ),
    Bug(
        "after a restart of PostgreSQL every process counts as dead",
        (Edit(_REAPER, ">= CONNECTED_FOR_S else []", ">= 0 else []"),),
        _FREES,
    ),
    Bug(
        "the holds of dead processes stay",
        (
            Edit(
                _REAPER,
                "        for owner in self._dead_elsewhere(connection):",
                "        for owner in []:",
            ),
        ),
        _FREES,
    ),
)

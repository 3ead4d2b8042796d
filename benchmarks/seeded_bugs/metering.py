"""Bugs in how operations reach the ledger, and in what is done about outages and the dead."""

from benchmarks.seeded_bugs.bug import Bug, Edit

_WRITER = "gateway/metering/ledger_writer.py"
_KEEPER = "gateway/metering/outage_buffer.py"
_REAPER = "gateway/metering/reaper.py"
_LINK = "gateway/metering/writer_connection.py"
_CONNECTIONS = "gateway/metering/connections.py"
_JOURNAL = "gateway/metering/journal.py"

_WRITES = ("tests/gateway/metering/test_ledger_writer.py",)
_OUTAGE = ("tests/gateway/metering/test_postgresql_outage.py",)
_KEEPS_JOURNAL = ("tests/gateway/metering/test_journal.py",)
_FREES = ("tests/gateway/metering/test_reaper.py",)

METERING = (
    Bug(
        "one bad operation fails its whole batch",
        (Edit(_WRITER, "        if len(jobs) > 1:\n", "        if not jobs:\n"),),
        _WRITES,
    ),
    Bug(
        "one bad end in a journal fails all its others",
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
        "what PostgreSQL refused is taken for written",
        (
            Edit(
                "gateway/metering/pq_channel.py",
                "    return error\n",
                '    return b"[[null],[0],[0]]"\n',
            ),
        ),
        _WRITES,
    ),
    Bug(
        "what does not fit into the socket is never sent",
        (
            Edit(
                "gateway/metering/pq_channel.py",
                "self._loop.add_writer(self._socket, self._send_rest)",
                "pass",
            ),
        ),
        ("tests/gateway/metering/test_large_batch.py",),
    ),
    Bug(
        "a refused reserve whose commit went unheard keeps its hold",
        (Edit(_KEEPER, "if may_be_written:", "if not may_be_written:"),),
        _OUTAGE,
    ),
    Bug(
        "an end of a call is told before it is on the disk",
        (Edit(_KEEPER, "            self._journal.append(closes)\n", "            pass\n"),),
        _OUTAGE,
    ),
    Bug(
        "the journal is emptied without being applied",
        (
            Edit(
                _KEEPER,
                "failed = transactions.replay(connection, closes, owner=self._owner)",
                "failed = transactions.replay(connection, closes[:0], owner=self._owner)",
            ),
        ),
        _OUTAGE,
    ),
    Bug(
        "the charge told from the journal is not capped by the hold",
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
        "nobody notices a database that falls silent",
        (Edit(_LINK, "if self._is_suspicious() and not self._answers():", "if False:"),),
        _OUTAGE,
    ),
    Bug(
        "a busy database is taken for one that is away",
        (
            Edit(
                _LINK,
                "if self._is_suspicious() and not self._answers():",
                "if self._is_suspicious():",
            ),
        ),
        _OUTAGE,
    ),
    Bug(
        "what was sent before the connection broke may arrive after it",
        (Edit(_LINK, "if not self._is_session_over(self._probe):", "if False:"),),
        ("tests/gateway/metering/test_late_batch.py",),
    ),
    Bug(
        "a database that is read-only is taken to refuse the call",
        (Edit(_CONNECTIONS, "return isinstance(error, psycopg.Error) and", "return False and"),),
        ("tests/gateway/metering/test_read_only_postgresql.py",),
    ),
    Bug(
        "a role may choose how isolated its transactions are",
        (
            Edit(
                _CONNECTIONS,
                "set_config('default_transaction_isolation', 'read committed', false)",
                "'as it is'",
            ),
        ),
        ("tests/gateway/metering/test_role_settings.py",),
    ),
    Bug(
        "the checksums of the journal are not looked at",
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
        "the reaper frees holds before it has read the journal",
        (
            Edit(
                _REAPER,
                "    failed = transactions.replay("
                "connection, closes, owner=left_behind.owner)\n"
                "    _void(connection, left_behind.owner)\n",
                "    _void(connection, left_behind.owner)\n    failed = closes\n",
            ),
        ),
        _OUTAGE,
    ),
    Bug(
        "the reaper takes the living for dead",
        (Edit(_REAPER, "return row == (True,)", "return row is not None"),),
        _FREES,
    ),
    Bug(
        "the reaper looks once instead of three times",
        (
            Edit(
                _REAPER,
                "if free.looks >= _FREE_LOOKS and now - free.since >= FREE_FOR_S",
                "if free.looks >= 1 and now >= free.since",
            ),
        ),
        _FREES,
    ),
    Bug(
        "a restart of PostgreSQL makes everybody dead",
        (Edit(_REAPER, ">= RESTART_GRACE_S else []", ">= 0 else []"),),
        _FREES,
    ),
    Bug(
        "the dead keep their holds",
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

"""Several statements to PostgreSQL and all their answers, in one round trip.

psycopg's own pipeline sends each statement by itself and waits for the socket each time. At every
such wait a thread lets go of the interpreter, and then queues for it behind an event loop that has
much to do. Here everything leaves at once and is waited for once.
"""

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from psycopg import Connection, OperationalError
from psycopg.abc import PQGen
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult
from psycopg.waiting import Wait

from billing.statements import Rows, Statement

# Under which names a connection has prepared its statements.
_prepared: WeakKeyDictionary[Connection[Any], dict[bytes, bytes]] = WeakKeyDictionary()


def round_trip(connection: Connection[Any], statements: Sequence[Statement]) -> list[Rows]:
    """Run the statements in order; return the rows of each.

    Behind them goes a Sync and nothing more, since only that makes PostgreSQL take us for idle in a
    transaction: who is stopped just then, where a process stands longest, would otherwise keep its
    locks until `transaction_timeout`.

    Raises the first error, one of psycopg's; what came after it was not run.
    """
    if not statements:
        return []
    for statement in statements:
        _prepare(connection, statement)
    names = _prepared[connection]
    pgconn = connection.pgconn
    try:
        pgconn.enter_pipeline_mode()
        for sql, parameters in statements:
            if parameters:
                pgconn.send_query_prepared(names[sql], parameters, result_format=Format.BINARY)
            else:
                pgconn.send_query_params(sql, None)
        pgconn.pipeline_sync()
        results = connection.wait(_collected(pgconn))
        pgconn.exit_pipeline_mode()
    except BaseException:
        connection.close()  # somewhere within an answer: nothing else can be asked
        raise
    return _read(connection, results)


def forget(connection: Connection[Any]) -> None:
    """Have everything prepared anew; to be called after an error, outside of a transaction.

    It may have been the reason: once a migration has changed a column's type, a statement that
    returns it and was prepared before fails for good.
    """
    connection.execute("DEALLOCATE ALL")
    _prepared.pop(connection, None)


def _prepare(connection: Connection[Any], statement: Statement) -> None:
    """Have PostgreSQL parse a statement that is new to the connection, in a round trip of its own.

    BEGIN and COMMIT have no parameters and nothing to plan: they go as they are.
    """
    names = _prepared.setdefault(connection, {})
    if statement.parameters and statement.sql not in names:
        name = b"caicaini_%d" % len(names)
        _raise_if_failed(connection.pgconn.prepare(name, statement.sql))
        names[statement.sql] = name


def _collected(pgconn: PGconn) -> PQGen[list[PGresult]]:
    """Send what is queued and take in what comes, up to the Sync's own answer."""
    while pgconn.flush():
        yield Wait.RW
        pgconn.consume_input()  # or both sides would wait for room to write
    results: list[PGresult] = []
    while True:
        while pgconn.is_busy():
            yield Wait.R
            pgconn.consume_input()
        result = pgconn.get_result()
        if result is None:  # stands between the answers
            if pgconn.status == ConnStatus.BAD:  # and for ever behind one that made no sense
                raise OperationalError(pgconn.get_error_message())
            continue
        if result.status == ExecStatus.PIPELINE_SYNC:
            return results
        results.append(result)


def _read(connection: Connection[Any], results: Sequence[PGresult]) -> list[Rows]:
    for result in results:
        _raise_if_failed(result)
    reader = Transformer(connection)
    answers: list[Rows] = []
    for result in results:
        reader.set_pgresult(result)
        answers.append(reader.load_rows(0, result.ntuples, tuple))
    return answers


def _raise_if_failed(result: PGresult) -> None:
    if result.status != ExecStatus.FATAL_ERROR:
        return
    error = error_from_result(result)
    if error.sqlstate is None:  # not PostgreSQL's words, but its library's: nobody answers
        raise OperationalError(str(error))
    raise error

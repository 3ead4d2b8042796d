"""Records of refused calls, queued by calls and written in batches by a task of its own."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import msgspec
import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from gateway.call import Call, Caller
from gateway.errors import GatewayError, UpstreamRefused
from gateway.runtime.refusal_rows import MINUTE_S, ROWS_A_MINUTE, Place, RefusalRows
from server.ending import goes_on
from usage import refused_records
from usage.models import Ending
from usage.records import Record

logger = logging.getLogger(__name__)

# The queue: records of one refusal, and records of many.
MOST_SINGLES = 500
MOST_SUMS = 500
_WRITE_EVERY_S = 0.5
_LONGEST_MESSAGE = 500
_LONGEST_MODEL = 200
_MODEL_REFUSED = "The model's server rejects the request. The answer to the call says why."
# After these the same records can be written later; after any other error, they never can.
_UNAVAILABLE = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, OSError)


class _Single(NamedTuple):
    """A refusal that has a row of its own, unless other processes have used them up."""

    place: Place
    record: Record


class _Group:
    """How many refusals of a place have a record each, and the one record of all further ones."""

    __slots__ = ("further", "singles", "sum")

    def __init__(self) -> None:
        self.singles = 0
        self.sum: Record | None = None
        self.further = 0


class Refusals:
    """The refused calls of this process that are not written yet; noting one does no I/O.

    Of a caller's refusals with the same error in the same minute the first ROWS_A_MINUTE have a row
    each, in all processes together; each process has one record of its further ones. It is written
    again with each batch, with its count so far: to write it twice counts nothing twice. While
    PostgreSQL is unavailable the queue fills: then all further refusals of a caller with an error
    are counted in one record. If there are too many of those, the log has how many refusals were
    lost.
    """

    def __init__(
        self,
        pool: "AsyncConnectionPool[psycopg.AsyncConnection]",
        rows: RefusalRows,
        *,
        clock: Callable[[], float] = time.time,
        most_singles: int = MOST_SINGLES,
        most_sums: int = MOST_SUMS,
    ) -> None:
        self._pool = pool
        self._rows = rows
        self._clock = clock
        self._most_singles = most_singles
        self._most_sums = most_sums
        self._groups: dict[Place, _Group] = {}
        self._singles: list[_Single] = []
        self._granted: list[Record] = []  # singles that have their row
        self._sums: dict[Place, _Group] = {}  # those to be written
        self._lost = 0
        self._writing = asyncio.Lock()

    @property
    def queued(self) -> int:
        """How many records are to be written."""
        return len(self._singles) + len(self._granted) + len(self._sums)

    def note(
        self, caller: Caller, request_id: UUID, error: GatewayError, call: Call | None = None
    ) -> None:
        """Queue the record of a refused call, unless it has one; `call` is None if its request
        was not valid."""
        if error.is_recorded:
            return
        error.is_recorded = True
        place = Place(
            caller.workspace_id,
            caller.key_id,
            caller.source,
            error.error_code or error.type,
            int(self._clock()) // MINUTE_S,
        )
        group = self._groups.get(place)
        if group is None:
            group = self._groups[place] = _Group()
        if group.sum is not None:
            group.further += 1
            self._sums[place] = group
        elif group.singles < ROWS_A_MINUTE and self._has_room():
            group.singles += 1
            self._singles.append(_Single(place, _record(caller, request_id, error, call)))
        else:
            self._begin_sum(place, group, _record(caller, request_id, error, call))

    async def write(self) -> None:
        """Write what is queued, until cancelled."""
        while goes_on():
            await asyncio.sleep(_WRITE_EVERY_S)
            try:
                await self.flush()
            except Exception:
                logger.exception("refused calls not recorded")

    async def flush(self) -> None:
        """Write what is queued now; while PostgreSQL is unavailable it stays queued."""
        async with self._writing:  # one that is cancelled puts back what it took
            await self._flush()

    async def _flush(self) -> None:
        if self._lost:
            logger.error("%d refused calls have no record: the queue was full", self._lost)
            self._lost = 0
        await self._grant()
        singles, self._granted = self._granted, []
        sums, self._sums = self._sums, {}
        self._forget_past_minutes()
        if not (singles or sums):
            return
        counted = [_counted(group) for group in sums.values()]
        try:
            async with self._pool.connection() as connection:
                await refused_records.write(connection, [*singles, *counted])
        except BaseException as error:
            if isinstance(error, psycopg.Error) and not isinstance(error, _UNAVAILABLE):
                raise  # a record that PostgreSQL rejects would be rejected again
            self._granted = singles + self._granted
            self._sums = sums | self._sums
            self._groups = {place: self._sums[place] for place in sums} | self._groups
            if not isinstance(error, _UNAVAILABLE):
                raise
            logger.warning("refused calls not recorded yet: %s", error, extra={"is_outage": True})

    def _has_room(self) -> bool:
        return len(self._singles) + len(self._granted) < self._most_singles

    async def _grant(self) -> None:
        """Ask for a row for each new single; count those without one with their place's further
        refusals."""
        if not self._singles:
            return
        # They are in the queue while Redis is waited for: one that is cancelled asks again.
        asked = len(self._singles)
        wanted = Counter(single.place for single in self._singles)
        left = Counter(await self._rows.take(wanted))
        singles, self._singles = self._singles[:asked], self._singles[asked:]
        for place, record in singles:
            if left[place] > 0:
                left[place] -= 1
                self._granted.append(record)
            else:
                self._count_further(place, record)

    def _count_further(self, place: Place, record: Record) -> None:
        group = self._groups.setdefault(place, _Group())
        if group.sum is None:
            self._begin_sum(place, group, record)
        else:
            group.further += 1
            self._sums[place] = group

    def _begin_sum(self, place: Place, group: _Group, record: Record) -> None:
        """Count the refusal in a record for further ones: in one of its own minute, if there is
        room for it in the queue."""
        if place in self._sums or len(self._sums) < self._most_sums:
            group.sum, group.further = record, 1
            self._sums[place] = group
            return
        for other, earlier in self._sums.items():
            if other[:-1] == place[:-1]:
                earlier.further += 1
                return
        self._lost += 1

    def _forget_past_minutes(self) -> None:
        """Forget the groups of past minutes, which no refusal joins any more."""
        minute = int(self._clock()) // MINUTE_S
        if any(place.minute < minute for place in self._groups):
            self._groups = {
                place: group for place, group in self._groups.items() if place.minute >= minute
            }


def _counted(group: _Group) -> Record:
    assert group.sum is not None, "only groups with further refusals are queued"
    return msgspec.structs.replace(group.sum, refusals=group.further)


def _record(caller: Caller, request_id: UUID, error: GatewayError, call: Call | None) -> Record:
    """Return the record of one refusal: it has no price, and no model if none was chosen."""
    route = getattr(call, "route", None)
    labels = caller.labels
    return Record(
        id=request_id,
        workspace_id=caller.workspace_id,
        accepted_at=call.accepted_at if call else datetime.now(UTC),
        key_id=caller.key_id,
        member_id=caller.member_id,
        source=caller.source,
        tags=labels.tags or None,
        session_id=labels.session_id,
        user_label=labels.user_label,
        requested_model=_storable(call.request.model if call else "", _LONGEST_MODEL),
        resolved_model=route.candidates[0].model.public_id if route else "",
        upstream_id=None,
        price_id=None,
        route="",
        is_stream=call.request.stream if call else False,
        status=error.status,
        error_type=error.type,
        error_code=error.error_code or error.type,
        error_message=_message(error),
        ending=Ending.REFUSED,
        stop_reason="",
        input_tokens=0,
        output_tokens=0,
        cache_creation_input_tokens=0,
        cache_read_input_tokens=0,
        is_usage_estimated=False,
        credits=0,
        lost_credits=0,
        queue_ms=call.queue_ms if call else None,
        first_byte_ms=None,
        duration_ms=call.elapsed_ms() if call else 0,
    )


def _message(error: GatewayError) -> str:
    """Return the message without an upstream's words, which may quote the prompt."""
    message = _MODEL_REFUSED if isinstance(error, UpstreamRefused) else error.message
    return _storable(message, _LONGEST_MESSAGE)


def _storable(text: str, limit: int) -> str:
    """Return text that PostgreSQL can hold."""
    return text[:limit].encode(errors="replace").decode().replace("\0", "\ufffd")

"""One body after the other: where its bytes are, and that all that was lent comes back."""

import asyncio
import mmap
from pathlib import Path

import pytest
from starlette.types import Message

from gateway.errors import BusyUploading
from gateway.http.request_body import RequestBody
from gateway.limits import offload
from gateway.limits.fair_budget import Holder
from gateway.limits.uploads import SMALL_BYTES, Uploads

MIB = 1024 * 1024
ADA, BOB = Holder(1, "ada"), Holder(2, "bob")


def uploads(folder: Path, *, memory: int = 8 * MIB, disk: int = 8 * MIB) -> Uploads:
    return Uploads(
        folder=folder,
        memory_bytes=memory,
        disk_bytes=disk,
        largest_body_bytes=2 * MIB,
        wait_s=0.05,
    )


async def test_a_body_is_read_back_as_it_came_whether_or_not_it_was_in_a_file(
    tmp_path: Path,
) -> None:
    for size in (SMALL_BYTES + 1, MIB, 2 * MIB):
        room = uploads(tmp_path)
        upload = room.upload(ADA)
        chunks = [bytes([number % 251]) * 60_000 for number in range(size // 60_000 + 1)]
        body = b"".join(chunks)[:size]
        await upload.reserve_disk(size)
        for start in range(0, size, 60_000):
            await upload.add(body[start : start + 60_000])
        whole = await upload.whole(size)

        assert bytes(whole) == body
        assert isinstance(whole, mmap.mmap) == (size > MIB)
        upload.end()
        assert room.memory.free == room.disk.free == 8 * MIB
        assert room.arriving_bytes == 0


async def test_a_body_that_arrives_has_a_megabyte_in_memory_at_most(tmp_path: Path) -> None:
    room = uploads(tmp_path)
    upload = room.upload(ADA)
    for _ in range(32):
        await upload.add(b"x" * 60_000)
        assert room.arriving_bytes <= MIB
    upload.end()
    assert room.arriving_bytes == 0


async def test_while_many_arrive_each_has_less_in_memory(tmp_path: Path) -> None:
    room = uploads(tmp_path, disk=1024 * MIB)
    crowd = [room.upload(Holder(number, number)) for number in range(120)]
    for _ in range(15):
        for upload in crowd:
            await upload.add(b"x" * 60_000)

    assert room.arriving_bytes < 60 * MIB
    for upload in crowd:
        upload.end()
    assert room.arriving_bytes == 0


async def test_a_body_is_written_before_most_of_those_that_another_workspace_sent_first(
    tmp_path: Path,
) -> None:
    room = uploads(tmp_path)
    written: list[str] = []

    async def write(holder: Holder) -> None:
        upload = room.upload(holder)
        await upload.add(b"x" * (2 * MIB))
        written.append(str(holder.key))
        upload.end()

    await asyncio.gather(*(write(ADA) for _ in range(40)), write(BOB))

    assert written.index("bob") < 8


async def test_memory_is_lent_until_the_end_and_disk_until_the_body_is_parsed(
    tmp_path: Path,
) -> None:
    room = uploads(tmp_path, memory=2 * MIB, disk=2 * MIB)
    upload = room.upload(ADA)
    await upload.reserve_disk(MIB)
    await upload.add(b"x" * MIB)
    await upload.whole(2 * MIB)
    upload.parsed()
    other = room.upload(BOB)
    await other.reserve_disk(2 * MIB)

    with pytest.raises(BusyUploading):
        await other.whole(1)

    upload.end()
    upload.end()
    await other.whole(1)
    other.end()
    assert room.memory.free == room.disk.free == 2 * MIB


async def test_a_dense_body_is_as_much_work_as_a_larger_one(tmp_path: Path) -> None:
    async def work_of(data: bytes) -> int:
        async def receive() -> Message:
            return {"type": "http.request", "body": data, "more_body": False}

        headers = {"content-length": str(len(data))}
        async with RequestBody(headers, receive, uploads(tmp_path), lambda: ADA) as body:
            assert await body.read(lambda: None) == data
            return body.work_bytes

    size = offload.SMALL_BYTES - 20_000
    assert await work_of(b'["' + b"a, [b] " * (size // 7) + b'"]') <= offload.SMALL_BYTES
    assert await work_of(b"[" + b'{"type":"text","text":"a"},' * (size // 27)) > offload.SMALL_BYTES

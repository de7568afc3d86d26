"""Files on a real database: when they begin to be there, what keeps them, and what is forgotten."""

from collections.abc import AsyncGenerator
from uuid import uuid4

import pytest

from postroom.core.files.model import PIECE, File, NewFile
from postroom.core.messages.model import Draft, Receipt
from postroom.errors import Malformed, NotFound, Refused, Unavailable
from postroom.ids import new_id
from tests.support.database import House

AGED = "update file set keep_until = keep_until - interval '24 hours' where keep_until < 'infinity'"


async def pieces(*contents: bytes) -> AsyncGenerator[bytes]:
    for content in contents:
        yield content


async def keep(house: House, *contents: bytes, key: str | None = None) -> File:
    new = NewFile(id=new_id(), name="a.bin", media_type="image/png", key=key)
    return await house.services.files.keep(house.operator, new, pieces(*contents))


async def name(house: House, *files: File) -> Receipt:
    agent = await house.workspace(f"agent {uuid4()}")
    body = {"messageId": "m", "parts": [{"url": file.url} for file in files]}
    return await house.services.messages.accept(house.operator, Draft(workspace_id=agent.id, body=body, size=100))


async def kept(house: House) -> dict[str, int]:
    """How many files, pieces and attachments there are."""
    counts = "(select count(*) from file) as file, (select count(*) from file_chunk) as file_chunk"
    return dict((await house.sql(f"select {counts}, (select count(*) from attachment) as attachment"))[0])  # noqa: S608 - no input


async def test_what_nobody_names_is_forgotten_after_a_day_and_what_a_message_names_never(house: House) -> None:
    named, unnamed = await keep(house, b"x" * PIECE, b"y"), await keep(house, b"x" * PIECE, b"y")
    await name(house, named)
    await house.services.files.prune()
    assert await kept(house) == {"file": 2, "file_chunk": 4, "attachment": 1}
    for _ in range(3):
        await house.sql(AGED)
        assert not await house.services.files.prune()
        assert await kept(house) == {"file": 1, "file_chunk": 2, "attachment": 1}
    assert await house.services.files.get(house.operator, named.id) == named
    with pytest.raises(NotFound):
        await house.services.files.get(house.operator, unnamed.id)


async def test_an_upload_that_was_left_behind_is_forgotten_too(house: House) -> None:
    """Its server died: nobody was there to clear it away."""
    await house.sql("insert into file (id, uploader_kind, uploader_id, name, media_type) values ($1, 'operator', $1, 'a', 'a/b')", uuid4())
    await house.sql("insert into file_chunk select id, 0, 'x' from file")
    await house.services.files.prune()
    assert (await kept(house))["file"] == 1
    await house.sql(AGED)
    await house.services.files.prune()
    assert await kept(house) == {"file": 0, "file_chunk": 0, "attachment": 0}


async def test_what_is_about_to_be_named_is_kept_for_another_day(house: House) -> None:
    """Its time is up between the look at it and the message."""
    file = await keep(house, b"x")
    await house.sql(AGED)
    await house.services.files.name_in({"parts": [{"url": file.url}]}, "operator", house.operator.id)
    await house.services.files.prune()
    await name(house, file)
    assert await kept(house) == {"file": 1, "file_chunk": 1, "attachment": 1}


async def test_the_same_key_again_keeps_the_file_for_another_day(house: House) -> None:
    first = await keep(house, b"x", key="k")
    await house.sql(AGED)
    assert await keep(house, b"x", key="k") == first
    await house.services.files.prune()
    assert await kept(house) == {"file": 1, "file_chunk": 1, "attachment": 0}


async def test_pruning_goes_on_where_it_stopped(house: House) -> None:
    await house.sql("""
        insert into file (id, uploader_kind, uploader_id, name, media_type, keep_until)
        select gen_random_uuid(), 'operator', gen_random_uuid(), 'a', 'a/b', clock_timestamp() from generate_series(1, 60)""")
    assert await house.services.files.prune()
    assert not await house.services.files.prune()
    assert (await kept(house))["file"] == 0


async def test_a_refused_upload_leaves_nothing(house: House) -> None:
    async def breaks_off() -> AsyncGenerator[bytes]:
        yield b"x" * PIECE
        raise Malformed("The connection ended before the body did.", code="body_incomplete")

    new = NewFile(id=new_id(), name="a.bin", media_type="image/png", key=None)
    with pytest.raises(Malformed):
        await house.services.files.keep(house.operator, new, breaks_off())
    with pytest.raises(Refused):
        await keep(house)
    assert await kept(house) == {"file": 0, "file_chunk": 0, "attachment": 0}


async def test_nothing_is_kept_while_the_disk_is_low(house: House) -> None:
    house.services.files.no_room = lambda: Unavailable("The disk is nearly full.", code="disk_low", retry_after=30)
    with pytest.raises(Unavailable):
        await keep(house, b"x")
    assert await kept(house) == {"file": 0, "file_chunk": 0, "attachment": 0}


async def test_a_message_that_is_refused_attaches_nothing(house: House) -> None:
    file = await keep(house, b"x")
    body = {"messageId": "m", "parts": [{"url": file.url}]}
    with pytest.raises(NotFound):
        await house.services.messages.accept(house.operator, Draft(workspace_id=uuid4(), body=body, size=100))
    assert (await kept(house))["attachment"] == 0


async def test_the_same_message_again_attaches_nothing_more(house: House) -> None:
    file, agent = await keep(house, b"x"), await house.workspace()
    body = {"messageId": "m", "parts": [{"url": file.url}, {"url": file.url.upper().replace("/FILES", "/files")}]}
    draft = Draft(workspace_id=agent.id, body=body, size=100, key="k")
    first, again = [await house.services.messages.accept(house.operator, draft) for _ in range(2)]
    assert (again.message_id, again.duplicate) == (first.message_id, True)
    assert (await kept(house))["attachment"] == 1

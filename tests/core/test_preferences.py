"""What the page keeps for a person: any JSON, under a name, each for themselves, and not without end."""

from typing import Any

import pytest

from postroom.errors import Forbidden, Refused
from tests.core.test_reading import person
from tests.support.database import House


@pytest.mark.parametrize("value", [None, False, 0, 1.5, "text", [], {}, {"a": [1, {"b": None}]}], ids=repr)
async def test_a_value_comes_back_as_it_was(house: House, value: Any) -> None:
    await house.services.identity.prefer(house.operator, "layout", value)
    assert await house.services.identity.preferences(house.operator) == {"layout": value}


async def test_each_has_their_own_and_the_last_word_counts(house: House) -> None:
    identity, you = house.services.identity, await person(house)
    for value in (1, 2):
        await identity.prefer(you, "theme", value)
    await identity.prefer(house.operator, "theme", "dark")
    assert (await identity.preferences(you), await identity.preferences(house.operator)) == ({"theme": 2}, {"theme": "dark"})


async def test_there_are_at_most_64(house: House) -> None:
    identity = house.services.identity
    for number in range(64):
        await identity.prefer(house.operator, f"n{number}", number)
    with pytest.raises(Refused) as refused:
        await identity.prefer(house.operator, "one-more", 1)
    assert (refused.value.name, refused.value.data) == ("too_many_preferences", {"limit": 64})
    await identity.prefer(house.operator, "n0", "changed")
    assert len(await identity.preferences(house.operator)) == 64


async def test_an_agent_has_none(house: House) -> None:
    agent = await house.workspace()
    with pytest.raises(Forbidden):
        await house.services.identity.prefer(agent, "theme", 1)
    with pytest.raises(Forbidden):
        await house.services.identity.preferences(agent)

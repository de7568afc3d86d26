"""What the machine's rules are made of: whom and what a number picks, and how an answer and a room are compared with the model."""

from collections import Counter
from typing import Any, ClassVar

from hypothesis.stateful import RuleBasedStateMachine

from tests.model.rooms import OK, OPERATOR, Answer, House, Post, Room
from tests.model.wire import Wire, answer_of
from tests.support import http


class Side(RuleBasedStateMachine):
    """Both sides of one example: rooms of its own below a root of its own, on the server that all examples share."""

    wire: ClassVar[Wire]
    examples: ClassVar[int] = 0
    steps: ClassVar[int] = 0
    seen: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.house = House()
        self.touched: set[Room] = set()
        type(self).examples += 1

    # Who and what

    def pick_room(self, which: int) -> Room:
        """Those that live come first."""
        rooms = sorted(self.house.rooms, key=lambda room: room.removed)
        return rooms[which % len(rooms)]

    def pick_busy_room(self, which: int) -> Room:
        """Those where something may be claimed come first."""
        rooms = sorted(self.house.rooms, key=lambda room: -sum(post.may_be_handed for post in room.open))
        return rooms[which % len(rooms)]

    def pick_handed(self, which: int) -> Post:
        """The newest that are out come first, then those that were, then those that ended."""
        posts = [post for post in self.house.posts if post.token]
        posts.sort(key=lambda post: (post.end is not None, not post.leased, -self.house.posts.index(post)))
        return posts[which % len(posts)]

    def pick_post(self, which: int) -> Post:
        """The newest that are out come first, then those that wait, then those that ended."""
        posts = sorted(self.house.posts, key=lambda post: (post.end is not None, not post.leased, -self.house.posts.index(post)))
        return posts[which % len(posts)]

    def pick_caller(self, which: int) -> tuple[str, str | None]:
        """The operator, or a room with one of its live tokens."""
        callers: list[tuple[str, str | None]] = [(OPERATOR, None)]
        callers += [(room.id, secret) for room in self.house.rooms for _, secret in room.tokens]
        return callers[which % len(callers)]

    def expect(self, got: http.Answer, expected: Answer) -> None:
        found = answer_of(got)
        self.seen[expected.code or str(expected.status)] += 1
        same = (found.status, found.code) == (expected.status, expected.code) and expected.state in ("", found.state)
        assert same, f"{found} ({got.content[:300]!r}), and not {expected}"

    def concerned(self, post: Post) -> set[Room]:
        return {post.room} | {room for room in self.house.rooms if room.id == post.sender}

    def owner(self, room: Room) -> tuple[str, str | None]:
        """The room itself, or the operator once it is gone."""
        return (room.id, room.tokens[-1][1]) if room.tokens else (OPERATOR, None)

    def only_owner(self, who: str, room: Room) -> Answer:
        """What somebody is told who does what only the room itself may."""
        if who == room.id:
            return OK
        sight = self.house.sight(who, room)
        return Answer(403, "forbidden") if sight == OK else sight

    def expect_task(self, got: http.Answer, expected: Answer) -> None:
        self.expect(got, Answer(expected.status, expected.code))
        if expected.state:
            assert got.body["result"]["metadata"]["postroom.state"] == expected.state

    def compare(self, room: Room) -> None:
        told = self.wire.history(None, room).body["messages"]
        found = [(line["seq"], line["role"], line["content"], line["state"], _code(line["error"])) for line in told]
        expected = [_told(line.seq, line.role, line.post) for line in room.lines]
        assert found == expected, f"history of {room.id}:\n{found}\nand not\n{expected}"
        self.wire.wait_for_feed(room, self.house.feed(room), None)


def _code(error: dict[str, Any] | None) -> str:
    return error["code"] if error else ""


def _told(seq: int, role: str, post: Post) -> tuple[int, str, str, str | None, str]:
    if role == "user":
        return seq, role, post.text, post.state, post.end.code if post.end else ""
    assert post.end is not None and post.end.said is not None
    return seq, role, post.end.said[1], None, ""

"""What a post room is, in plain Python: the model that the real one is compared with. It shares no code with the server.

Nothing here waits, stores or sends. A method that stands for a request changes the model and returns the ``Answer`` that it must get.
"""

from dataclasses import dataclass, field

OPERATOR = "operator"
ATTEMPTS = 3


@dataclass(frozen=True)
class Answer:
    """An HTTP status, the code of an error, and what else the answer must say (``state``)."""

    status: int = 200
    code: str = ""
    state: str = ""


OK = Answer()
LEASE_LOST = Answer(409, "lease_lost")
SUPERSEDED = Answer(409, "superseded")


@dataclass(frozen=True)
class End:
    """How a message ended. ``said`` is what the agent said, by which a repeat is known; None when it had no part in it."""

    state: str
    said: tuple[str, str] | None = None
    code: str = ""

    @property
    def asks(self) -> bool:
        return self.said is not None and self.said[0] == "asked"


@dataclass(eq=False)
class Post:
    """A message. ``task`` is the one that its conversation began with; ``active`` that it is one of those that may be out."""

    room: "Room"
    sender: str
    text: str
    seq: int
    task: "Post | None" = None
    id: str = ""
    active: bool = False
    leased: bool = False
    over: bool = False
    token: int = 0
    attempt: int = 0
    handed: bool = False
    cancel: bool = False
    end: End | None = None

    @property
    def state(self) -> str:
        if self.end is not None:
            return "input_required" if self.end.asks else self.end.state
        return "handed" if self.handed else "accepted"

    @property
    def chain(self) -> "Post":
        return self.task or self

    @property
    def is_out(self) -> bool:
        return self.leased and not self.over

    @property
    def may_be_handed(self) -> bool:
        return self.active and self.end is None and not self.is_out and not self.cancel and self.attempt < ATTEMPTS


@dataclass(frozen=True)
class Line:
    """A line of a conversation: a message, or the reply to one."""

    seq: int
    role: str
    post: Post


@dataclass(frozen=True)
class Event:
    """A row of the feed: whom it happened to, and whom it concerns as well."""

    kind: str
    room: "Room"
    peer: str = ""
    post: Post | None = None


@dataclass(eq=False)
class Room:
    """A workspace with its mailbox."""

    id: str
    parent: "Room | None"
    most: int
    tokens: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    revoked: list[str] = field(default_factory=list[str])
    paused: bool = False
    removed: bool = False
    lines: list[Line] = field(default_factory=list[Line])

    @property
    def path(self) -> list["Room"]:
        """From its parent to the root."""
        return [] if self.parent is None else [self.parent, *self.parent.path]

    @property
    def open(self) -> list[Post]:
        return [line.post for line in self.lines if line.role == "user" and line.post.end is None]

    def may_talk(self, other: "Room") -> bool:
        return self is other or self.parent is other.parent or other in self.path or self in other.path

    def write(self, role: str, post: Post) -> None:
        self.lines.append(Line(len(self.lines) + 1, role, post))

    def let_out(self) -> None:
        """The next in line, as far as there is room. Who is out stays out, also when there is less room than before."""
        free = self.most - sum(post.active for post in self.open)
        for post in [post for post in self.open if not post.active][: max(free, 0)]:
            post.active = True


class House:
    """All rooms, and everything that can happen to their messages."""

    def __init__(self) -> None:
        self.rooms: list[Room] = []
        self.posts: list[Post] = []
        self.events: list[Event] = []
        self.keys: dict[tuple[str, str], Post] = {}

    def note(self, kind: str, room: Room, post: Post | None = None, *, peer: bool = True) -> None:
        concerns = post.sender if peer and post is not None and post.sender not in (OPERATOR, room.id) else ""
        self.events.append(Event(kind, room, concerns, post))

    def feed(self, room: Room) -> list[tuple[str, str]]:
        """The room's events: what happened to it, and what came of what it sent."""
        seen = [event for event in self.events if event.room is room or event.peer == room.id]
        return [(event.kind, event.post.id if event.post else "") for event in seen]

    def room(self, id: str) -> Room:
        return next(room for room in self.rooms if room.id == id)

    # Accept

    def accept(self, sender: str, room: Room, text: str, key: str, task: Post | None) -> tuple[Answer, Post | None]:
        """The message that is accepted, or had been under this key; its ``id`` is filled in by who asked."""
        known = self.keys.get((sender, key))
        if known is not None:
            same = (known.room, known.text, known.task) == (room, text, task)
            return (OK if same else Answer(422, "key_reused")), known
        refusal = self._refusal(sender, room, task)
        if refusal is not None:
            return refusal, None
        post = Post(room, sender, text, len(room.lines) + 1, task)
        room.write("user", post)
        self.posts.append(post)
        if key:
            self.keys[sender, key] = post
        room.let_out()
        self.note("message.accepted", room, post)
        return OK, post

    def _refusal(self, sender: str, room: Room, task: Post | None) -> Answer | None:
        if sender != OPERATOR and not self.room(sender).may_talk(room):
            return Answer(404, "workspace_not_found")
        if room.removed:
            return Answer(410, "workspace_removed")
        if task is None:
            return None
        if task.room is not room or task.sender != sender:
            return Answer(200, "-32001")
        end = self.latest(task).end
        return None if end is not None and end.asks else Answer(200, "-32004")

    def latest(self, task: Post) -> Post:
        return [post for post in self.posts if post.chain is task][-1]

    # Hand out

    def claim(self, room: Room, most: int) -> list[Post]:
        """What a claim must bring, in this order."""
        due = [post for post in room.open if post.may_be_handed and not room.paused][:most]
        for post in due:
            post.leased, post.over, post.handed = True, False, True
            post.token += 1
            post.attempt += 1
            self.note("message.handed", room, post)
        return due

    # Finish

    def finish(self, post: Post, token: int, end: End, state: str) -> Answer:
        """reply, fail for good, and the confirmation of a cancel; ``state`` is the word of the answer."""
        if post.end is None and token == post.token:
            self.close(post, end)
            return Answer(state=state)
        if post.end is not None and post.end.said == end.said:
            return Answer(state=state)
        self.note("message.late", post.room, post, peer=False)
        return LEASE_LOST if post.end is None else SUPERSEDED

    def close(self, post: Post, end: End) -> None:
        """The end, whoever brought it."""
        post.end = end
        if end.state == "replied":
            post.room.write("agent", post)
        self.note(f"message.{end.state}", post.room, post)
        post.room.let_out()

    def give_back(self, post: Post, token: int, *, retry: bool) -> Answer:
        """release, and fail with another attempt to follow."""
        if post.end is not None:
            return SUPERSEDED
        if token != post.token:
            return LEASE_LOST
        if not post.leased:
            return Answer(state="accepted")
        if post.cancel:
            self.close(post, End("cancelled", code="cancelled"))
            return Answer(state="cancelled")
        if retry and post.attempt >= ATTEMPTS:
            self.close(post, End("failed", code="attempts_exhausted"))
            return Answer(state="failed")
        post.leased = post.over = False
        if not retry:
            post.attempt -= 1
            post.handed = post.attempt > 0
        self.note("message.retrying" if retry else "message.released", post.room, post)
        return Answer(state="accepted")

    def hold(self, post: Post, token: int) -> Answer:
        """extend and progress: only who has it."""
        return OK if post.end is None and post.leased and token == post.token else LEASE_LOST

    # Cancel, and what time brings

    def cancel(self, asker: str, task: Post) -> Answer:
        """Ask for the end of the latest message of a task."""
        if not self.may_see(asker, task):
            return Answer(200, "-32001")
        post = self.latest(task)
        if post.end is not None:
            return Answer(200, "-32002")
        if not post.is_out:
            self.close(post, End("cancelled", code="cancelled"))
        elif not post.cancel:
            post.cancel = True
            self.note("message.cancel_requested", post.room, post)
        return Answer(state=post.state)

    def may_see(self, asker: str, task: Post) -> bool:
        return asker in (OPERATOR, task.sender, task.room.id)

    def end_lease(self, post: Post) -> None:
        """Its time is up; what was cancelled or has no attempt left ends by that."""
        post.over = True
        if post.cancel:
            self.close(post, End("cancelled", code="cancelled"))
        elif post.attempt >= ATTEMPTS:
            self.close(post, End("failed", code="attempts_exhausted"))

    # Rooms

    def move(self, room: Room, parent: Room) -> Answer:
        if parent.removed and parent is not room:
            return Answer(422, "unknown_parent")
        if parent is room or room in parent.path:
            return Answer(422, "tree_cycle")
        if parent is not room.parent:
            room.parent = parent
            self.note("workspace.moved", room)
        return OK

    def remove(self, room: Room, *, confirmed: bool) -> Answer:
        """With everything below it, the deepest first."""
        below = [one for one in self.rooms if room in one.path and not one.removed]
        if any(one.parent is room for one in below) and not confirmed:
            return Answer(409, "has_children")
        doomed = sorted([room, *below], key=lambda one: (-len(one.path), one.id))
        for one in doomed:
            one.removed = one.paused = True
            one.tokens.clear()
            self.note("workspace.removed", one)
        for one in doomed:
            for post in one.open:
                self.close(post, End("failed", code="workspace_removed"))
        return Answer(state="removed")

    # What is seen

    def sight(self, viewer: str, room: Room) -> Answer:
        """What somebody who asks about a room is told: itself, that it is gone, or nothing."""
        if viewer != OPERATOR and not self.room(viewer).may_talk(room):
            return Answer(404, "workspace_not_found")
        return Answer(410, "workspace_removed") if room.removed else OK

"""Hypothesis drives the model and the real post room side by side; after each step they must tell the same story."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from tests.model.picking import Side
from tests.model.rooms import OK, OPERATOR, Answer, End, Post, Room
from tests.support import http

Json = dict[str, Any]

# Which of several: the shrinker makes them small, so the first is what is wanted most.
Which = st.integers(0, 7)
Text = st.sampled_from(["a", "b"])
Places = st.lists(st.integers(0, 2), min_size=3, max_size=3)
Key = st.sampled_from(["", "k1", "k2"])
First = st.sampled_from([0, 0, 0, *range(8)])
Stale = st.sampled_from([False, False, False, True])
MOST_ROOMS = 6
ACTS = ["pause", "resume", "resume", "room", "move", "move", "remove", "add", "token", "revoke"]
HOW = ["reply", "reply", "ask", "ask", "fail", "confirm", "retry", "release", "extend", "progress"]


def step(do: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries({"do": st.just(do), **fields})


SEND = step("send", caller=st.sampled_from([0, 0, *range(8)]), where=First, text=Text, key=Key)
FOLLOW_UP = step("follow_up", which=Which, caller=st.sampled_from([None, None, *range(8)]), key=Key)
CLAIM = step("claim", which=First, most=st.integers(1, 3), caller=st.sampled_from([*[None] * 24, *range(8)]))
ANSWER = step("answer", how=st.sampled_from(HOW), which=First, stale=Stale, text=Text)
CANCEL = step("cancel", which=First, caller=st.sampled_from([0, 0, 0, *range(8)]))
TIME = step("let_time_pass", what=st.sampled_from(["lease", "lease", "deadline"]), which=Which)
LOOK = step("look", what=st.sampled_from(["task", "history", "around", "revoked"]), which=Which, caller=Which)
MANAGE = step("manage", act=st.sampled_from(ACTS), one=Which, other=Which)
# How often each is tried. One rule for all: of several, Hypothesis leaves some out of every example, and then hardly anything is answered.
OFTEN = [*[CLAIM] * 5, *[ANSWER] * 6, *[SEND] * 3, *[MANAGE] * 3, *[TIME] * 2, *[LOOK] * 2, *[CANCEL] * 2, *[FOLLOW_UP] * 2]
STEPS = st.sampled_from(range(len(OFTEN))).flatmap(OFTEN.__getitem__)


class Comparison(Side):
    """The rules."""

    # The house

    @initialize(below=Places, most=st.integers(1, 3), first=st.lists(First, min_size=3, max_size=6))
    def build(self, below: list[int], most: int, first: list[int]) -> None:
        """A root and three rooms below it, with some post."""
        self.make(None, 1)
        for number, which in enumerate(below):
            self.make(self.house.rooms[which % len(self.house.rooms)], most if number else 1)
        for which in first:
            self.say(0, self.pick_room(which), "first", "", None)

    def make(self, parent: Room | None, most: int) -> None:
        room, _ = self.wire.make_room(parent, most)
        self.house.rooms.append(room)

    @rule(what=STEPS)
    def step(self, what: Json) -> None:
        """One of the methods below, with its arguments."""
        self.seen[what["do"]] += 1
        arguments = {name: value for name, value in what.items() if name != "do"}
        getattr(self, what["do"])(**arguments)

    def manage(self, act: str, one: int, other: int) -> None:
        """What the operator does to the house, in one rule: most steps are about messages."""
        match act:
            case "pause" | "resume":
                self.pause_or_resume(one, act == "pause")
            case "room":
                self.give_room(one, 1 + other % 4)
            case "move":
                self.move(one, other)
            case "remove":
                self.remove(1 + one % 6, other % 4 > 0)
            case "add":
                self.add_room(one, 1 + other % 2)
            case "token":
                self.add_token(one)
            case _:
                self.revoke_token(one)

    def add_room(self, which: int, most: int) -> None:
        parent = self.pick_room(which)
        if not parent.removed and len(self.house.rooms) < MOST_ROOMS:
            self.make(parent, most)

    def pause_or_resume(self, which: int, pause: bool) -> None:
        room = self.pick_room(which)
        got = self.wire.ask("POST", f"/workspaces/{room.id}/{'pause' if pause else 'resume'}")
        self.expect(got, Answer(410, "workspace_removed") if room.removed else OK)
        if not room.removed:
            room.paused = pause
            self.house.note(f"workspace.{'paused' if pause else 'resumed'}", room)
        self.touched.add(room)

    def give_room(self, which: int, most: int) -> None:
        room = self.pick_room(which)
        got = self.wire.ask("PATCH", f"/workspaces/{room.id}", body={"max_concurrent": most})
        self.expect(got, Answer(410, "workspace_removed") if room.removed else OK)
        if not room.removed:
            room.most = most
            self.house.note("workspace.updated", room)
            room.let_out()
        self.touched.add(room)

    def move(self, which: int, where: int) -> None:
        room, parent = self.pick_room(which), self.pick_room(where)
        got = self.wire.ask("PATCH", f"/workspaces/{room.id}", body={"parent_id": parent.id})
        expected = Answer(410, "workspace_removed") if room.removed else self.house.move(room, parent)
        self.expect(got, expected)
        for place in range(1, 1 + sum(len(one.tokens) for one in self.house.rooms)):
            self.look_around(place)
        self.touched.add(room)

    def remove(self, which: int, confirmed: bool) -> None:
        room = self.pick_room(which)
        if room is self.house.rooms[0]:
            return
        got = self.wire.ask("DELETE", f"/workspaces/{room.id}" + "?confirm=true" * confirmed)
        expected = Answer(410, "workspace_removed") if room.removed else self.house.remove(room, confirmed=confirmed)
        self.expect(got, expected)
        self.touched.update(one for one in self.house.rooms if room in (one, *one.path))

    def add_token(self, which: int) -> None:
        room = self.pick_room(which)
        got = self.wire.ask("POST", f"/workspaces/{room.id}/tokens", body={})
        if room.removed:
            self.expect(got, Answer(410, "workspace_removed"))
        else:
            assert got.status == 201
            room.tokens.append((got.body["id"], got.body["token"]))

    def revoke_token(self, which: int) -> None:
        """The oldest of several, and a look at what it is still good for."""
        room = self.pick_room(which)
        self.add_token(which)
        if room.removed:
            return
        token, secret = room.tokens.pop(0)
        assert self.wire.ask("DELETE", f"/workspaces/{room.id}/tokens/{token}").status == 204
        room.revoked.append(secret)
        self.use_revoked_token(-1)

    # Messages

    def send(self, caller: int, where: int, text: str, key: str) -> None:
        self.say(caller, self.pick_room(where), text, key, None)

    def follow_up(self, which: int, caller: int | None, key: str) -> None:
        """By the task's own sender, or by ``caller``."""
        if not self.house.posts:
            return
        ended = [post for post in self.house.posts if post.end]
        ended.sort(key=lambda post: post.end is not None and post.end.asks is (which % 2 == 1))
        task = (ended[-1 - which // 2 % len(ended)] if ended else self.pick_post(which)).chain
        senders = [OPERATOR, *(room.id for room in self.house.rooms for _ in room.tokens)]
        own = senders.index(task.sender) if task.sender in senders else 0
        self.say(own if caller is None else caller, task.room, "more", key, task)

    def say(self, caller: int, room: Room, text: str, key: str, task: Post | None) -> None:
        sender, token = self.pick_caller(caller)
        # Keys are the sender's and the operator's outlive the example.
        key = key and f"{self.house.rooms[0].id} {key}"
        got = self.wire.send(token, room, text, key, task)
        expected, post = self.house.accept(sender, room, text, key, task)
        self.expect(got, expected)
        if post is not None:
            named = got.headers["x-postroom-message-id"]
            post.id = post.id or named
            assert named == post.id, "the same key is the same message"
        self.touched.update(self.concerned(post) if post else {room})

    def claim(self, which: int, most: int, caller: int | None) -> None:
        """By the room itself, or by ``caller``."""
        room = self.pick_busy_room(which)
        self.fetch(room, most, *(self.owner(room) if caller is None else self.pick_caller(caller)))

    def fetch(self, room: Room, most: int, who: str, token: str | None) -> None:
        got = self.wire.claim(token, room, most)
        refusal = self.only_owner(who, room)
        if refusal != OK:
            self.expect(got, refusal)
            return
        items = [(item["message_id"], item["token"], item["attempt"]) for item in got.body["items"]]
        expected = self.house.claim(room, most)
        assert items == [(post.id, post.token, post.attempt) for post in expected], f"{items}, and not {expected}"
        for post in expected:
            self.touched.update(self.concerned(post))

    def act(self, which: int, stale: bool, verb: str, **fields: Any) -> tuple[Post, int, http.Answer] | None:
        """A verb about a hand-out, with the token that counts or the one before; None when nobody is left to say it."""
        post = self.pick_handed(which)
        if not post.room.tokens:
            return None
        token = post.token - stale
        got = self.wire.verb(post.room.tokens[-1][1], post, verb, {"token": token, **fields})
        self.touched.update(self.concerned(post))
        if token < 1:
            self.expect(got, Answer(422, "invalid"))
            return None
        return post, token, got

    def answer(self, how: str, which: int, stale: bool, text: str) -> None:
        """What an agent says about a message that it has, or had."""
        if not any(post.token for post in self.house.posts):
            return
        match how:
            case "reply" | "ask":
                self.reply(which, stale, text, how == "ask")
            case "fail":
                self.fail(which, stale, text)
            case "confirm":
                self.confirm_cancel(which, stale)
            case "retry" | "release":
                self.give_back(which, stale, how == "retry")
            case _:
                self.extend_or_progress(which, stale, how == "extend")

    def reply(self, which: int, stale: bool, text: str, asks: bool) -> None:
        status = {"state": "TASK_STATE_INPUT_REQUIRED", "message": {"messageId": "r", "parts": [{"text": text}]}}
        done = self.act(which, stale, "reply", **({"task": {"status": status}} if asks else {"text": text}))
        if done:
            post, token, got = done
            self.expect(got, self.house.finish(post, token, End("replied", ("asked" if asks else "said", text)), "replied"))

    def fail(self, which: int, stale: bool, text: str) -> None:
        done = self.act(which, stale, "fail", error=text)
        if done:
            post, token, got = done
            self.expect(got, self.house.finish(post, token, End("failed", ("failed", text), "agent_failed"), "failed"))

    def confirm_cancel(self, which: int, stale: bool) -> None:
        done = self.act(which, stale, "reply", task={"status": {"state": "TASK_STATE_CANCELED"}})
        if done:
            post, token, got = done
            self.expect(got, self.house.finish(post, token, End("cancelled", ("cancelled", ""), "cancelled"), "cancelled"))

    def give_back(self, which: int, stale: bool, retry: bool) -> None:
        done = self.act(which, stale, "fail", error="later", retry=True) if retry else self.act(which, stale, "release")
        if done:
            post, token, got = done
            self.expect(got, self.house.give_back(post, token, retry=retry))
            if post.active and post.end is None:
                self.wire.end_pause(post)

    def extend_or_progress(self, which: int, stale: bool, extend: bool) -> None:
        done = self.act(which, stale, "extend", lease=600) if extend else self.act(which, stale, "progress", text="half")
        if done:
            post, token, got = done
            expected = self.house.hold(post, token)
            self.expect(got, expected)
            if expected == OK:
                assert got.body["cancel"] == post.cancel
                self.held(post, extend)

    def held(self, post: Post, extend: bool) -> None:
        if extend:
            post.over = False
        else:
            self.house.note("message.progress", post.room, post)

    def cancel(self, which: int, caller: int) -> None:
        if self.house.posts:
            self.ask_for_end(self.pick_post(which).chain, *self.pick_caller(caller))

    def ask_for_end(self, task: Post, who: str, token: str | None) -> None:
        got = self.wire.task(token, task, "CancelTask")
        expected = self.house.cancel(who, task)
        self.expect_task(got, expected)
        self.touched.update(self.concerned(self.house.latest(task)))

    # Time

    def let_time_pass(self, what: str, which: int) -> None:
        if not self.house.posts:
            return
        post = self.pick_post(which)
        if post.end is not None:
            return
        if what == "deadline":
            self.wire.end_deadline(post)
            self.wire.wait_for_end(post)
            self.house.close(post, End("expired", code="expired"))
        elif post.is_out:
            self.end_lease(post)
        self.touched.update(self.concerned(post))

    def end_lease(self, post: Post) -> None:
        self.wire.end_lease(post)
        self.house.end_lease(post)
        if post.end is not None:
            self.wire.wait_for_end(post)

    # What is seen

    def look(self, what: str, which: int, caller: int) -> None:
        match what:
            case "task" if self.house.posts:
                self.look_at_task(which, caller)
            case "history":
                self.look_at_history(which, caller)
            case "around":
                self.look_around(caller)
            case _:
                self.use_revoked_token(which)

    def look_at_task(self, which: int, caller: int) -> None:
        task = self.pick_post(which).chain
        who, token = self.pick_caller(caller)
        seen = Answer(state=self.house.latest(task).state) if self.house.may_see(who, task) else Answer(200, "-32001")
        self.expect_task(self.wire.task(token, task, "GetTask"), seen)

    def look_at_history(self, which: int, caller: int) -> None:
        room = self.pick_room(which)
        who, token = self.pick_caller(caller)
        allowed = OK if who == OPERATOR else self.only_owner(who, room)
        self.expect(self.wire.history(token, room), allowed)

    def look_around(self, caller: int) -> None:
        who, token = self.pick_caller(caller)
        if who != OPERATOR:
            found = {row["id"] for row in self.wire.ask("GET", "/workspaces", token).body}
            me = self.house.room(who)
            seen = {room.id for room in self.house.rooms if me.may_talk(room) and not room.removed}
            known = {room.id for room in self.house.rooms}
            # Roots of other examples are peers of this one's root.
            assert found & known == seen and (me.parent is None or found == seen)

    def use_revoked_token(self, which: int) -> None:
        secrets = [(room, secret) for room in self.house.rooms for secret in room.revoked]
        if not secrets:
            return
        room, secret = secrets[which % len(secrets)]
        refusal = Answer(410, "workspace_removed") if room.removed else Answer(401, "unauthenticated")
        self.expect(self.wire.send(secret, room, "a", "", None), refusal)
        self.expect(self.wire.claim(secret, room, 1), refusal)
        self.expect(self.wire.history(secret, room), refusal)

    @invariant()
    def same_conversations(self) -> None:
        """After each step, of every room that it touched; in the end of all."""
        type(self).steps += 1
        for room in self.touched:
            self.compare(room)
        self.touched.clear()

    def teardown(self) -> None:
        self.seen.update(event.kind for event in self.house.events)
        for room in self.house.rooms:
            self.compare(room)
            for _, secret in room.tokens[-1:]:
                self.wire.wait_for_feed(room, self.house.feed(room), secret)

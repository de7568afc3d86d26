"""Seeded bugs of agents: of delegating, of reports and streams, and of those that are called."""

from tests.mutants.seed import Seed

_DELEGATING = "tests/agent/test_delegating.py"
_SERVE = "tests/agent/test_serve.py"

AGENTS = [
    Seed(
        name="U8 an agent that says how far it is does not hear that nobody waits",
        file="src/postroom/agent/worker.py",
        old="""        if await self._client.progress(item, parts=parts, status=status):
""",
        new="""        if not await self._client.progress(item, parts=parts, status=status) and False:
""",
        tests=("tests/agent/test_on_server.py::test_a_handler_that_shows_progress_hears_of_a_cancel_with_it",),
    ),
    Seed(
        name="U7 a handler that runs again delegates anew",
        file="src/postroom/agent/delegating.py",
        old="""key = str(uuid4()) if message is None else _key(message, target, {"parts": parts, **wanted})""",
        new="""key = str(uuid4())""",
        tests=(f"{_DELEGATING}::test_killed_after_it_has_delegated_a_handler_that_runs_again_delegates_nothing_twice",),
    ),
    Seed(
        name="U7 the same work, handed over twice by one handler, is one delegation",
        file="src/postroom/agent/delegating.py",
        old="""{message.next_count(subject)}""",
        new="""0""",
        tests=(f"{_DELEGATING}::test_the_same_work_handed_over_twice_is_done_twice",),
    ),
    Seed(
        name="U14 a delegation is on behalf of whatever the agent holds",
        file="src/postroom/agent/delegating.py",
        old="""on_behalf_of=message and message.id,""",
        new="""on_behalf_of=None,""",
        tests=(f"{_DELEGATING}::test_two_messages_at_a_time_delegate_each_on_its_own_behalf",),
    ),
    Seed(
        name="U14 a report is handled as if it were a message",
        file="src/postroom/agent/agent.py",
        old="""handler if item.report is None else self._report_handler or handler""",
        new="""handler""",
        tests=(f"{_DELEGATING}::test_an_end_comes_as_a_message_of_its_own_when_that_is_wanted[on_report]",),
    ),
    Seed(
        name="U4 a called agent that was killed has forgotten what it answered",
        file="src/postroom/agent/called.py",
        old="""            self._desk.store.put(kept)
            self._desk.store.settle(kept)
""",
        new="",
        tests=(f"{_SERVE}::test_killed_with_its_answer_on_the_disk_the_handler_does_not_run_again",),
    ),
    Seed(
        name="L9 a called agent works twice on what is handed over again meanwhile",
        file="src/postroom/agent/called.py",
        old="""        if (run := self._runs.get(id)) is not None:
""",
        new="""        if (run := self._runs.get(id)) is not None and run.has_ended:
""",
        tests=(f"{_SERVE}::test_the_server_is_killed_during_the_work_and_the_handler_runs_once",),
    ),
    Seed(
        name="U1 a called agent that stops fails what it has not done",
        file="src/postroom/agent/tasks.py",
        old="""            case Stopped(reason):
                raise InternalError(message=f"the agent is {reason}")""",
        new="""            case Stopped(reason):
                return TaskStatus(state=TaskState.TASK_STATE_FAILED, message=new_text_message(f"the agent is {reason}"))""",
        tests=(f"{_SERVE}::test_what_is_not_done_when_the_agent_stops_is_handed_to_the_next_process",),
    ),
    Seed(
        name="U6 what a handler yields is seen at its end only",
        file="src/postroom/agent/streaming.py",
        old="await message.progress(text, append=True)",
        new="pass",
        tests=("tests/agent/test_agent.py::test_a_handler_that_yields_is_shown_live_and_the_whole_is_the_reply",),
    ),
    Seed(
        name="U6 what a called agent tells while it works is shown to nobody",
        file="src/postroom/workers/deliver.py",
        old="await self._deliveries.report_progress(self._call.hold, told)",
        new="pass",
        tests=(f"{_SERVE}::test_what_a_called_agent_yields_is_shown_live",),
    ),
    Seed(
        name="U8 a called agent is not told of a cancel and works on",
        file="src/postroom/workers/deliver.py",
        old="await self._caller.cancel(call.target, call.upstream)",
        new="pass",
        tests=(f"{_SERVE}::test_a_cancel_reaches_the_handler_of_a_called_agent",),
    ),
    Seed(
        name="P2 what is accepted while its agent registers is brought to nobody",
        file="src/postroom/core/deliveries/store.py",
        old="    await lock_mailboxes(connection, [workspace])\n",
        new="",
        tests=("tests/core/test_registry.py::test_what_is_accepted_while_its_agent_registers_is_brought_to_it",),
    ),
]

"""Seeded bugs of called agents that stream."""

from tests.mutants.seed import Seed

_STREAMS = "tests/edges/test_push_streams.py"
_BROKEN = "tests/edges/test_push_broken_streams.py"

STREAMS = [
    Seed(
        name="U6 every word that a called agent writes is told by itself",
        file="src/postroom/edges/push/telling.py",
        old="asyncio.timeout(PAUSE_SECONDS)",
        new="asyncio.timeout(0)",
        tests=(f"{_STREAMS}::test_many_pieces_are_told_together_four_times_a_second",),
    ),
    Seed(
        name="U6 a called agent's last words are lost when its answer follows at once",
        file="src/postroom/edges/push/telling.py",
        old="            return words\n",
        new="            return []\n",
        tests=("tests/agent/test_served_progress.py::test_words_of_the_callee_are_seen_in_the_delegation_the_feed_and_by_who_waits",),
    ),
    Seed(
        name="U6 a result that begins anew is shown behind the one that it takes the place of",
        file="src/postroom/edges/push/telling.py",
        old="_Piece(append=False)",
        new="_Piece(append=True)",
        tests=(f"{_STREAMS}::test_a_piece_tells_whether_it_goes_on",),
    ),
    Seed(
        name="U6 the words of a task are told at every look at it",
        file="src/postroom/edges/push/telling.py",
        old="if parts and parts != self._newest:",
        new="if parts:",
        tests=(f"{_STREAMS}::test_a_task_that_is_asked_for_tells_its_words_once",),
    ),
    Seed(
        name="U1 half of a streamed answer counts as the answer",
        file="src/postroom/edges/push/streams.py",
        old="        if self._ended:\n            return meaning_of_value",
        new="        if self._ended or self._artifacts:\n            return meaning_of_value",
        tests=(f"{_BROKEN}::TestBrokenOff::test_half_a_result_without_a_task_is_no_answer",),
    ),
    Seed(
        name="U1 an event that can not be read is passed over and its part of the answer is missing",
        file="src/postroom/edges/push/streams.py",
        old="        if not self._ended:\n            failure",
        new="        if False:\n            failure",
        tests=(f"{_BROKEN}::TestUnreadable::test_in_a_stream",),
    ),
    Seed(
        name="L9 a message is sent again to an agent that began with it and then refuses",
        file="src/postroom/edges/push/streams.py",
        old="self._said = meaning.failure if isinstance(meaning, WrongDialect) and begun else meaning",
        new="self._said = meaning",
        tests=(f"{_BROKEN}::TestErrors::test_who_has_begun_is_not_sent_the_message_again",),
    ),
]

"""How a command ends: one exit code per kind of outcome, and one sentence for a person. ``docs/cli.md`` lists the codes."""

from enum import IntEnum
from typing import cast

from postroom import errors


class ExitCode(IntEnum):
    """What a script may tell apart. 70, 75 and 78 are the codes of BSD's ``sysexits.h``, 130 is the shell's for Ctrl-C."""

    OK = 0
    NO_ANSWER = 1
    USAGE = 2
    UNREACHABLE = 3
    NOT_PERMITTED = 4
    NOT_FOUND = 5
    REFUSED = 6
    UNAVAILABLE = 7
    QUESTION = 8
    FAULT = 70
    NOT_YET = 75
    SETUP = 78
    INTERRUPTED = 130


MEANINGS: dict[ExitCode, str] = {
    ExitCode.OK: "It worked.",
    ExitCode.NO_ANSWER: "The message ended without an answer (failed, cancelled or expired), or a check of `doctor` failed.",
    ExitCode.USAGE: "The command line is wrong.",
    ExitCode.UNREACHABLE: "No server is known, or it can not be reached.",
    ExitCode.NOT_PERMITTED: "No credential, one that is not valid, or an act that it does not allow.",
    ExitCode.NOT_FOUND: "The workspace does not exist or was removed; near names are listed.",
    ExitCode.REFUSED: "The server refuses: a conflict with the present state, a value that is not allowed, a body that is too large.",
    ExitCode.UNAVAILABLE: "The server can not do it now, or its outcome is unknown: the same command with the same --key settles it.",
    ExitCode.QUESTION: "The agent answered with a question; it goes on when it gets an answer in the same thread.",
    ExitCode.FAULT: "A fault in Postroom itself; POSTROOM_DEBUG=1 shows where.",
    ExitCode.NOT_YET: "The message is accepted and safe, but no answer came within the wait.",
    ExitCode.SETUP: "A server or agent could not start: the advice says what to change.",
    ExitCode.INTERRUPTED: "Ctrl-C.",
}


class Stop(Exception):
    """The command ends here, on purpose: what happened, what to do next, and the exit code."""

    def __init__(self, sentence: str, *, advice: str, code: ExitCode) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.advice = advice
        self.code = code


# The first class that fits counts, so a subclass stands before its base.
_TABLE: tuple[tuple[type[errors.PostroomError], ExitCode, str], ...] = (
    (errors.Unauthenticated, ExitCode.NOT_PERMITTED, "Give a token that is valid: --token or POSTROOM_TOKEN."),
    (errors.Forbidden, ExitCode.NOT_PERMITTED, "Use the operator token, or the token of a workspace that may do this."),
    (errors.NotFound, ExitCode.NOT_FOUND, "See what there is: postroom workspace list"),
    (errors.Gone, ExitCode.NOT_FOUND, "See what there is: postroom workspace list"),
    (errors.KeyReused, ExitCode.REFUSED, "Use another --key, or the same text as before."),
    (errors.Conflict, ExitCode.REFUSED, "Look at the present state: postroom workspace list"),
    (errors.Refused, ExitCode.REFUSED, "Change what is named and try again."),
    (errors.Malformed, ExitCode.REFUSED, "Client and server may differ in version: postroom doctor"),
    (errors.TooLarge, ExitCode.REFUSED, "Send less at once, or raise POSTROOM_REQUEST_LIMIT on the server."),
    (errors.TooMany, ExitCode.UNAVAILABLE, "Try again a little later."),
    (errors.OutcomeUnknown, ExitCode.UNAVAILABLE, "Run the same command with the same --key: it takes effect once."),
    (errors.Unavailable, ExitCode.UNAVAILABLE, "Try again a little later; postroom doctor says what is wrong."),
)


def stop_of(error: BaseException) -> Stop:
    """The end that belongs to an error, wherever it came from. A task group's wrapping of a single error does not count."""
    error = _innermost(error)
    if isinstance(error, Stop):
        return error
    if isinstance(error, errors.PostroomError):
        return _stop_for(error)
    if isinstance(error, UnicodeError):
        return Stop("The input is not UTF-8 text", advice="Convert it first, for example with iconv.", code=ExitCode.USAGE)
    fault = f"A fault in Postroom: {type(error).__name__}: {error}"
    return Stop(fault, advice="Run it again with POSTROOM_DEBUG=1 and report what it shows.", code=ExitCode.FAULT)


def _innermost(error: BaseException) -> BaseException:
    if isinstance(error, BaseExceptionGroup):
        inside = cast(BaseExceptionGroup[BaseException], error).exceptions
        return _innermost(inside[0]) if len(inside) == 1 else cast(BaseException, error)
    return error


def _stop_for(error: errors.PostroomError) -> Stop:
    if isinstance(error, errors.SetupError):
        return Stop(error.sentence, advice=error.advice, code=ExitCode.SETUP)
    if error.name in ("unreachable", "not_postroom"):
        return Stop(error.sentence, advice="Check the address, or start a server: postroom up", code=ExitCode.UNREACHABLE)
    for kind, code, advice in _TABLE:
        if isinstance(error, kind):
            return Stop(error.sentence, advice=advice, code=code)
    return Stop(error.sentence, advice="The server's log says more; postroom doctor checks the rest.", code=ExitCode.FAULT)

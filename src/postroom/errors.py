"""Every error that Postroom raises on purpose. No protocol code appears here: ``edges/problems.py`` maps them.

PostroomError
├── Malformed                 the bytes or their form are wrong
├── TooLarge                  a stated size limit was passed
├── Unauthenticated           no credential, or one that is not valid (any more)
├── Forbidden                 the thing is visible to the caller, the act is not theirs
├── NotFound                  does not exist, or the caller may not know that it does
├── Conflict                  the present state does not allow it; ``data`` says what it conflicts with
│   ├── LeaseLost             the token is not (any more) the one that counts
│   └── Superseded            the message has ended; ``data["winner"]`` is the reply that counts
├── Gone                      removed workspace, pruned cursor
├── Refused                   well formed but not allowed
│   └── KeyReused             the same idempotency key with another body
├── TooMany                   a quota or rate; ``retry_after`` seconds
├── Unavailable               the server can not do it now; ``retry_after`` seconds
│   └── OutcomeUnknown        a commit's fate is not known: the same request with the same key settles it
└── SetupError                the server or command can not start; ``advice`` says what to do next
"""

from typing import Any, ClassVar


class PostroomError(Exception):
    """Base of all. ``code`` is the stable snake_case name on the wire, ``data`` goes beside it, JSON-safe."""

    code: ClassVar[str] = "internal"

    def __init__(self, sentence: str, *, code: str | None = None, **data: Any) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.name = code or type(self).code
        self.data = data


class Malformed(PostroomError):
    code = "malformed"


class TooLarge(PostroomError):
    code = "too_large"


class Unauthenticated(PostroomError):
    code = "unauthenticated"


class Forbidden(PostroomError):
    code = "forbidden"


class NotFound(PostroomError):
    code = "not_found"


class Conflict(PostroomError):
    code = "conflict"


class LeaseLost(Conflict):
    code = "lease_lost"


class Superseded(Conflict):
    code = "superseded"


class Gone(PostroomError):
    code = "gone"


class Refused(PostroomError):
    code = "refused"


class KeyReused(Refused):
    code = "key_reused"


class TooMany(PostroomError):
    code = "too_many"

    def __init__(self, sentence: str, *, retry_after: float, code: str | None = None, **data: Any) -> None:
        super().__init__(sentence, code=code, **data)
        self.retry_after = retry_after


class Unavailable(PostroomError):
    code = "unavailable"

    def __init__(self, sentence: str, *, retry_after: float = 1.0, code: str | None = None, **data: Any) -> None:
        super().__init__(sentence, code=code, **data)
        self.retry_after = retry_after


class OutcomeUnknown(Unavailable):
    code = "outcome_unknown"


class SetupError(PostroomError):
    code = "setup"

    def __init__(self, sentence: str, *, advice: str) -> None:
        super().__init__(sentence)
        self.advice = advice

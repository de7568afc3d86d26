"""What a check of ``postroom doctor`` comes to."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Good; good enough for now; or something that has to be done first."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: what was found, and what to do about it where something is to be done."""

    verdict: Verdict
    subject: str
    found: str
    advice: str = ""

    def document(self) -> dict[str, str]:
        """As ``doctor --json`` prints it."""
        return {"verdict": self.verdict, "subject": self.subject, "found": self.found, "advice": self.advice}


def ok(subject: str, found: str) -> Finding:
    """Nothing to do."""
    return Finding(Verdict.OK, subject, found)


def warn(subject: str, found: str, advice: str) -> Finding:
    """Works, and should not stay so."""
    return Finding(Verdict.WARN, subject, found, advice)


def fail(subject: str, found: str, advice: str) -> Finding:
    """Does not work."""
    return Finding(Verdict.FAIL, subject, found, advice)

"""What is wrong with a run, and how much of it there was."""

from dataclasses import dataclass, field, fields

SHOWN = 10


@dataclass(slots=True)
class Verdict:
    """Every list must be empty. ``counts`` is for people."""

    lost: list[str] = field(default_factory=list[str])
    """Acknowledged, and not there."""
    unexpected: list[str] = field(default_factory=list[str])
    """There, and never sent; shown, and never committed."""
    doubled: list[str] = field(default_factory=list[str])
    """Two messages of one key, two answers or ends of one message, two answers that count."""
    disordered: list[str] = field(default_factory=list[str])
    gaps: list[str] = field(default_factory=list[str])
    stuck: list[str] = field(default_factory=list[str])
    """At rest without an end."""
    wrong: list[str] = field(default_factory=list[str])
    """An answer that is not the agent's, an end that nobody asked for, a sender that heard something else."""
    unresolved: list[str] = field(default_factory=list[str])
    """Sent, and its sender does not know whether it was accepted."""
    missing: list[str] = field(default_factory=list[str])
    """Not shown to a follower that may see it."""
    repeated: list[str] = field(default_factory=list[str])
    """Shown twice to a follower that went on from its cursor."""
    hidden: list[str] = field(default_factory=list[str])
    """In the database, and not (or not so) in the public API for those whom it belongs to."""
    forbidden: list[str] = field(default_factory=list[str])
    """Given to somebody who may not see it."""
    counts: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def numbers(self) -> dict[str, int]:
        """How many faults of each class."""
        return {item.name: len(getattr(self, item.name)) for item in fields(self) if item.name != "counts"}

    @property
    def faults(self) -> dict[str, list[str]]:
        """The first few faults of each class that has any."""
        return {name: getattr(self, name)[:SHOWN] for name, count in self.numbers.items() if count}

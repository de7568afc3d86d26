"""The client processes of a run: started from a plan, killed, started again as their own successors."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import orjson

Json = dict[str, Any]
MakePlan: TypeAlias = "Callable[[Member], Json]"

STOP_SECONDS = 10.0


class Member:
    """One client process; each incarnation has a name, a plan and a journal of its own."""

    def __init__(self, directory: Path, name: str, make_plan: "MakePlan") -> None:
        """The module of the same name, up to a number, is what runs."""
        self.directory = directory
        self.name = name
        self.module = f"tests.soak.{name.partition('-')[0]}"
        self._make_plan = make_plan
        self._process: subprocess.Popen[bytes] | None = None
        self.incarnation = 0

    @property
    def journals(self) -> list[Path]:
        """What its incarnations have written so far, oldest first."""
        return [self._journal(number) for number in range(1, self.incarnation)]

    def start(self) -> None:
        """The next incarnation."""
        self.incarnation += 1
        name = f"{self.name}.{self.incarnation}"
        told = {"name": name, "journal": str(self._journal(self.incarnation)), **self._make_plan(self)}
        plan = self.directory / f"{name}.plan.json"
        plan.write_bytes(orjson.dumps(told))
        with (self.directory / f"{self.name}.log").open("ab") as log:
            self._process = subprocess.Popen([sys.executable, "-m", self.module, str(plan)], stdout=log, stderr=log)

    def kill(self) -> None:
        """kill -9; what it wrote survives it."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def alive(self) -> bool:
        """Whether it still runs, as it should until it is stopped."""
        return self._process is not None and self._process.poll() is None

    def ask_to_stop(self) -> None:
        """SIGTERM."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    def wait(self, seconds: float = STOP_SECONDS) -> bool:
        """Whether it came to its end in time; it is ended in any case."""
        assert self._process is not None
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        return True

    def destroy(self) -> None:
        """At the end of a run that broke."""
        if self.alive():
            self.kill()

    def _journal(self, number: int) -> Path:
        return self.directory / f"{self.name}.{number}.journal"

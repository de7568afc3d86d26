"""The command as the person typed it: in a checkout it is not on PATH, and a hint is there to be copied."""

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

_COMMANDS = "up|serve|send|chat|history|download|delegations|dead-letters|watch|workspace|agent|mcp|login-link|doctor|migrate"
_HINT = re.compile(rf"(?<![\w./-])postroom(?= (?:{_COMMANDS})\b)")


def as_invoked(text: str) -> str:
    """The text with the commands in it as this one was called."""
    name = invoked_name(sys.argv[0])
    return text if name == "postroom" else _HINT.sub(lambda _: name, text)


def invoked_name(program: str) -> str:
    """What stands for ``postroom`` in a hint: the path that was typed, or the bare name where the shell finds it by that.

    A shell hands over the path that it found on PATH, so that alone does not say that a path was typed.
    """
    if Path(program).name != "postroom" or os.sep not in program or program == shutil.which("postroom"):
        return "postroom"
    path = Path(program)
    return shlex.quote(str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path))

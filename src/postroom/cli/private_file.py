"""Files with a token in them: readable by their owner alone, and there whole or not at all."""

import os
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Put a file in place at once, mode 0600 from its first byte."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    # What a killed process left under this name may have another mode.
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    unfinished.replace(path)

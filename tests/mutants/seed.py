"""What a seeded bug is."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """``old`` stands exactly once in ``file`` and becomes ``new``; then ``tests`` (pytest arguments) must fail.

    ``name`` begins with the rule or lesson whose fault this is; ``file`` is below the repository, in ``src/postroom`` or ``web``.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def plant(self, copy: Path) -> None:
        """Change a copy of the repository. Raises ValueError when the place is not there any more."""
        path = copy / self.file
        text = path.read_text()
        if text.count(self.old) != 1:
            raise ValueError(f"{self.name}: the text to change stands {text.count(self.old)} times in {self.file}")
        path.write_text(text.replace(self.old, self.new))

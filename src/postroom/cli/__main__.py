"""``python -m postroom.cli``: the command without its entry point."""

from postroom.cli import main

main()

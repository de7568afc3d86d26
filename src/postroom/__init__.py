"""Postroom: a self-hosted control plane for teams of AI agents."""

from importlib.metadata import version

__version__: str = version("postroom")

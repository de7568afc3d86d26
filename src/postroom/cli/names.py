"""From what a person types to one workspace. A name that fits none or several is an error that says what to type (U2)."""

import difflib
from collections.abc import Sequence
from typing import Any

from postroom.cli.ages import age
from postroom.cli.exits import ExitCode, Stop
from postroom.client import Client

Workspace = dict[str, Any]

# The end of an id, as lists show it: its beginning is the time (UUIDv7), which those made together have in common.
SHORT_ID = 8
_NEAR_NAMES = 3
# Lower than difflib's 0.6: a name is short, and two swapped letters in four ("Ehco") score 0.5 to 0.75.
_NEARNESS = 0.5


async def find(client: Client, name: str) -> Workspace:
    """The one workspace that ``name`` means, among those that the credential may see. Raises Stop."""
    return resolve(name, await client.workspaces())


def resolve(name: str, workspaces: Sequence[Workspace]) -> Workspace:
    """Find a workspace: by id, by exact name, regardless of case, then by the end of its id. Raises Stop for none and for several."""
    found = look_up(name, workspaces)
    if found is None:
        raise _unknown(name, workspaces)
    return found


def look_up(name: str, workspaces: Sequence[Workspace]) -> Workspace | None:
    """See ``resolve``; None where there is none."""
    for matches in (
        _by_id(name, workspaces),
        _by_name(name, workspaces),
        _by_folded_name(name, workspaces),
        _by_short_id(name, workspaces),
    ):
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise _ambiguous(name, matches, workspaces)
    return None


def near_names(name: str, workspaces: Sequence[Workspace]) -> list[str]:
    """The names that ``name`` may have been meant to be, best first, as they are written."""
    written = {str(workspace["name"]).casefold(): str(workspace["name"]) for workspace in workspaces}
    near = difflib.get_close_matches(name.casefold(), written, n=_NEAR_NAMES, cutoff=_NEARNESS)
    return [written[folded] for folded in near]


def _by_id(name: str, workspaces: Sequence[Workspace]) -> list[Workspace]:
    return [workspace for workspace in workspaces if str(workspace["id"]) == name.lower()]


def _by_short_id(name: str, workspaces: Sequence[Workspace]) -> list[Workspace]:
    return [workspace for workspace in workspaces if len(name) == SHORT_ID and str(workspace["id"]).endswith(name.lower())]


def _by_name(name: str, workspaces: Sequence[Workspace]) -> list[Workspace]:
    return [workspace for workspace in workspaces if workspace["name"] == name]


def _by_folded_name(name: str, workspaces: Sequence[Workspace]) -> list[Workspace]:
    return [workspace for workspace in workspaces if str(workspace["name"]).casefold() == name.casefold()]


def _ambiguous(name: str, matches: Sequence[Workspace], workspaces: Sequence[Workspace]) -> Stop:
    listed = "; ".join(_candidate(workspace, workspaces) for workspace in matches)
    return Stop(f'"{name}" names {len(matches)} workspaces: {listed}', advice="Use the id instead of the name.", code=ExitCode.NOT_FOUND)


def _candidate(workspace: Workspace, workspaces: Sequence[Workspace]) -> str:
    above = next((str(one["name"]) for one in workspaces if one["id"] == workspace.get("parent_id")), None)
    place = f"below {above}" if above else "at the root"
    seen = workspace.get("last_heartbeat")
    return f"{workspace['id']} ({place}, {workspace.get('status') or 'unknown'}, {f'seen {age(seen)}' if seen else 'never seen'})"


def _unknown(name: str, workspaces: Sequence[Workspace]) -> Stop:
    near = near_names(name, workspaces)
    if near:
        advice = f"Did you mean {' or '.join(near)}? All of them: postroom workspace list"
    elif workspaces:
        advice = "See what there is: postroom workspace list"
    else:
        advice = f'There is none yet. Make it: postroom workspace add "{name}"'
    return Stop(f'There is no workspace "{name}"', advice=advice, code=ExitCode.NOT_FOUND)

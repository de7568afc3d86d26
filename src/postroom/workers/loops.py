"""Every background loop of a server, in one list."""

from collections.abc import Sequence
from pathlib import Path

from postroom.core.services import Services
from postroom.workers.deliver import Deliver
from postroom.workers.disk import Disk
from postroom.workers.expire import Expire
from postroom.workers.rescue import Rescue
from postroom.workers.supervisor import Loop
from postroom.workers.wake import WakeConnection

# At most so many NOTIFYs a second leave a server (reliability.md, finding 3).
_SIGNALS_GAP = 0.02
_HOUR = 3600.0

# What a stopping server ends first: it claims nothing any more, and goes on extending what is out.
CLAIMING = ("deliver",)


def list_loops(services: Services, deliver: Deliver, wake: WakeConnection, disk_places: Sequence[Path]) -> list[Loop]:
    """The loops; ``disk_places`` is empty when the database is not ours to watch."""
    poll, lease = services.settings.poll_seconds, services.settings.lease_seconds
    rescue, expire = Rescue(services), Expire(services)
    loops = [
        Loop(name="wake", run_once=wake.run_once, interval=1.0, topics=("outbox",), gap=_SIGNALS_GAP),
        Loop(name="deliver", run_once=deliver.claim, interval=poll, topics=("calls",)),
        Loop(name="extend", run_once=deliver.extend, interval=lease / 3, topics=("cancels",)),
        Loop(name="disown", run_once=deliver.disown, interval=1.0, gap=1.0),
        Loop(name="presence", run_once=deliver.note_seen, interval=1.0),
        Loop(name="rescue", run_once=rescue.take_over, interval=1.0),
        Loop(name="repair", run_once=rescue.repair, interval=15.0),
        Loop(name="expire", run_once=expire.reap, interval=poll),
        Loop(name="orphans", run_once=services.delegations.cancel_orphans, interval=poll),
        Loop(name="silence", run_once=expire.mark_silent, interval=5.0),
        Loop(name="prune", run_once=expire.prune, interval=_HOUR),
    ]
    if disk_places:
        disk = Disk(services, disk_places)
        services.messages.no_room = services.files.no_room = disk.no_room
        loops.append(Loop(name="disk", run_once=disk.look, interval=1.0))
    return loops

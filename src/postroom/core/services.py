"""The use cases of the domain, gathered once by ``app.py`` and handed to edges and workers."""

from dataclasses import dataclass
from uuid import UUID

from postroom.core.delegations.service import Delegations
from postroom.core.deliveries.keeping import Keeping
from postroom.core.deliveries.service import Deliveries
from postroom.core.deliveries.survey import Survey
from postroom.core.events.service import Events
from postroom.core.files.service import Files
from postroom.core.identity.service import Identity
from postroom.core.messages.dead_letters import DeadLetters
from postroom.core.messages.reading import Reading
from postroom.core.messages.service import Messages
from postroom.core.registry.agents import Agents
from postroom.core.registry.model import AddressCheck
from postroom.core.registry.service import Workspaces
from postroom.db.database import Database
from postroom.db.signals import Signals
from postroom.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything that an edge or a worker may call."""

    settings: Settings
    db: Database
    signals: Signals
    server: UUID
    identity: Identity
    events: Events
    files: Files
    deliveries: Deliveries
    keeping: Keeping
    survey: Survey
    workspaces: Workspaces
    agents: Agents
    messages: Messages
    reading: Reading
    dead_letters: DeadLetters
    delegations: Delegations


def build_services(
    db: Database, settings: Settings, *, identity: Identity, addresses: AddressCheck, server: UUID, signals: Signals
) -> Services:
    """Wire the slices in their order; ``identity`` is prepared already."""
    files = Files(db, settings)
    deliveries = Deliveries(db, settings, signals, files=files, server=server)
    workspaces = Workspaces(db, identity, addresses, signals)
    messages = Messages(db, settings, signals, files=files, deliveries=deliveries, workspaces=workspaces)
    return Services(
        settings=settings,
        db=db,
        signals=signals,
        server=server,
        identity=identity,
        events=Events(db, identity.installation_id),
        files=files,
        deliveries=deliveries,
        keeping=Keeping(db, settings, deliveries),
        survey=Survey(db),
        workspaces=workspaces,
        agents=Agents(db, workspaces, deliveries, signals),
        messages=messages,
        reading=Reading(db, signals, workspaces=workspaces),
        dead_letters=DeadLetters(db, signals, messages=messages, workspaces=workspaces),
        delegations=Delegations(db, messages, deliveries, workspaces, server),
    )

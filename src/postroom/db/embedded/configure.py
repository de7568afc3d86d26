"""The settings of the embedded PostgreSQL. They are written at every start, so that a new release of Postroom changes them, too."""

import hashlib
from pathlib import Path

from postroom.db.embedded.account import Account
from postroom.db.embedded.place import write_private

PORT = 5432  # Only the name of the socket: nothing listens on TCP.
LOGS_KEPT = 5  # Files of log_rotation_size; the oldest are deleted, because PostgreSQL itself never does.

POSTGRESQL_CONF = """\
# Postroom writes postroom.conf anew at every start. Settings of your own go into operator.conf beside this file.
include 'postroom.conf'
include_if_exists 'operator.conf'
"""

HBA = """\
# Every connection comes through the socket and shows a password, root's as well.
local  postroom  postroom  scram-sha-256
local  all       postgres  scram-sha-256
# For pg_basebackup, with the superuser's password (docs/operations.md).
local  replication  postgres  scram-sha-256
"""

SETTINGS = """\
# Written at every start. Settings of your own go into operator.conf beside this file.

# The only door is the socket in a private directory.
listen_addresses = ''
port = {port}
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700

# What is acknowledged is on the disk.
fsync = on
full_page_writes = on
synchronous_commit = on
data_sync_retry = off           # After a failed fsync only the log can be trusted: stop and recover from it.
restart_after_crash = on
max_wal_size = 1GB
wal_compression = on

# Nothing waits for ever; pg_dump and VACUUM lift these for themselves.
idle_in_transaction_session_timeout = 10s
transaction_timeout = 15s
statement_timeout = 5s
lock_timeout = 2s
client_connection_check_interval = 5s   # A query whose client was killed would hold its locks to its end.

# In the title of every process, so that those of this cluster can be told from others.
cluster_name = '{name}'
update_process_title = on

# A small machine that is shared with the server.
max_connections = 60
shared_buffers = 128MB
autovacuum_naptime = 5s         # Work rows live for seconds; their remains slow every claim.
jit = off                       # Compiling takes longer than any statement here runs.
timezone = 'UTC'
lc_messages = 'C'               # The start reads messages.

# The log names no statement and no value. An error belongs to the client that caused it, and its text can quote what was sent,
# so only LOG, FATAL and PANIC are written; DETAIL would quote rows and the statement of a process that crashed.
logging_collector = on
log_directory = 'log'
log_filename = 'postgres-%Y%m%d-%H%M%S.log'
log_file_mode = 0600
log_rotation_age = 1d
log_rotation_size = 10MB
log_timezone = 'UTC'
log_min_messages = log
log_error_verbosity = terse
log_min_error_statement = panic
log_statement = none
log_min_duration_statement = -1
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
"""


def cluster_name(cluster: Path) -> str:
    """A name for the titles of a cluster's processes; two clusters of a machine never share it."""
    return f"postroom-{hashlib.sha256(bytes(cluster)).hexdigest()[:12]}"


def write_settings(cluster: Path, sockets: Path, account: Account) -> None:
    """Put the settings in place for the next start of the cluster. ``sockets`` holds only characters that need no quotes."""
    write_private(cluster / "postgresql.conf", POSTGRESQL_CONF, account)
    write_private(cluster / "postroom.conf", SETTINGS.format(port=PORT, sockets=sockets, name=cluster_name(cluster)), account)
    write_private(cluster / "pg_hba.conf", HBA, account)


def prune_logs(logs: Path) -> None:
    """Delete all but the newest logs."""
    for old in sorted(logs.glob("postgres-*.log"))[:-LOGS_KEPT]:
        old.unlink(missing_ok=True)

"""The schema as PostgreSQL itself tells it: ``python -m tests.db.schema`` writes it down, a test compares it with the migrations."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from postroom.db.embedded.binaries import find_binaries
from tests.support.database import cluster

SCHEMA = Path(__file__).parents[2] / "src" / "postroom" / "sql" / "schema.sql"
_HEAD = "-- What the migrations add up to, written by `make schema`. Read it; change it by a migration.\n\n"


def dump_schema(dsn: str) -> str:
    """pg_dump without what differs between two databases that are the same."""
    parts = urlsplit(dsn)
    query = parse_qs(parts.query)
    command = ["pg_dump", "--schema-only", "--no-owner", "--no-privileges", "--no-comments", "-h", query["host"][0]]
    command += ["-p", query["port"][0], "-U", str(parts.username), parts.path.lstrip("/")]
    command[0] = str(find_binaries().program("pg_dump"))
    text = subprocess.run(command, env={**os.environ, "PGPASSWORD": str(parts.password)}, capture_output=True, text=True, check=True).stdout
    kept = [line for line in text.splitlines() if line and not re.match(r"--|\\(un)?restrict|SET |SELECT pg_catalog", line)]
    return _HEAD + "\n".join(kept) + "\n"


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as base:
        Path(base).chmod(0o711)
        with cluster(Path(base) / "data") as dsn:
            SCHEMA.write_text(dump_schema(dsn))
    sys.stdout.write(f"{SCHEMA.name} is written\n")


if __name__ == "__main__":
    main()

"""``postroom up`` with its demo team: Lead, and below it Clerk, Echo and Slow."""

import os
import subprocess
import sys

from tests.support.server import START_SECONDS, ServerProcess, wait_for


class PostRoom(ServerProcess):
    """Started again it has the same workspaces, and the team comes back by itself."""

    def start(self, *words: str, port: int = 0) -> "PostRoom":
        environ = {**os.environ, **{f"POSTROOM_{name.upper()}": value for name, value in self._settings.items()}}
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "postroom.cli", "up", "--demo", "--no-open", "--data", str(self.data), "--port", str(port)]
            self._process = subprocess.Popen([*command, *words], env=environ, stdout=log, stderr=log, start_new_session=True)
        wait_for(self._is_ready, START_SECONDS, "the server is ready")
        wait_for(self._has_team, START_SECONDS, "the demo team is there")
        return self

    def _has_team(self) -> bool:
        return self.log.read_text(errors="replace").rpartition("Waiting for the demo team")[2].find("#prl_") >= 0

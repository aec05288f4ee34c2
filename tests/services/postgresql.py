"""A real PostgreSQL of Debian in a temporary folder, which a test can stop and start again."""

import contextlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.services.servers import free_port

INSTALLED = Path("/usr/lib/postgresql")
CONFIGURATION = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{folder}'
fsync = off
max_connections = 40
"""


@dataclass(frozen=True)
class PostgreSql:
    """One server with one database; everybody on this machine is let in."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        """The database, as SQLAlchemy wants it."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/state"

    def start(self) -> None:
        """Start and wait until it answers."""
        log = self.folder / "log"
        unprivileged("pg_ctl", "start", "-w", "-s", "-D", self._data, "-l", log)

    def stop(self, how: str = "immediate") -> None:
        """End it: `immediate` as a crash would, `fast` in order, breaking all connections."""
        unprivileged("pg_ctl", "stop", "-w", "-s", "-m", how, "-D", self._data)

    def make(self, database: str) -> str:
        """Make another, empty database; its address."""
        address = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres")
        unprivileged("createdb", *address, database)
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    @property
    def _data(self) -> Path:
        return self.folder / "data"


def unprivileged(name: str, *arguments: str | Path) -> None:
    """Run a program of PostgreSQL, which refuses to run as root, as its own user."""
    versions = sorted(INSTALLED.glob(f"*/bin/{name}"))
    assert versions, "PostgreSQL is not installed: run make test-services"
    user = "postgres" if os.geteuid() == 0 else None
    command: Sequence[str | Path] = (versions[-1], *arguments)
    done = subprocess.run(
        command, user=user, group=user, cwd="/", check=False, timeout=60,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        extra_groups=[] if user else None,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode(errors="replace")


@contextlib.contextmanager
def postgresql(folder: Path) -> Iterator[PostgreSql]:
    """Run a server with an empty database `state` until the block ends."""
    server = PostgreSql(folder, free_port())
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    data = folder / "data"
    unprivileged("initdb", "-N", "-A", "trust", "-U", "postgres", "--locale=C.UTF-8", "-D", data)
    written = CONFIGURATION.format(port=server.port, folder=folder)
    with (data / "postgresql.conf").open("a") as configuration:
        configuration.write(written)
    server.start()
    try:
        server.make("state")
        yield server
    finally:
        with contextlib.suppress(AssertionError):
            server.stop()
        shutil.rmtree(data, ignore_errors=True)

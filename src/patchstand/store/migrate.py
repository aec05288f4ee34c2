"""Brings the tables of a state to the newest revision, or back to an older one."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, text

from patchstand.errors import StoreError
from patchstand.store.database import OPENING_PATIENCE, Database

HEAD = "head"
BASE = "base"
_FOLDER = Path(__file__).with_name("migrations")
_LOCK = 0x7061746368  # any number, the same in every process: one migration at a time


def migrate(database: Database, *, patience: float = OPENING_PATIENCE) -> None:
    """Bring the tables to the newest revision; does nothing where they have it.

    Raises:
        StoreError: the database cannot be used, or a newer program has written it.
    """
    database.write(_to_head, patience=patience)


def _to_head(connection: Connection) -> None:
    # Asked again under the lock: another process may have migrated while this one waited.
    if current(connection) != newest():
        move(connection, HEAD)


def move(connection: Connection, revision: str) -> None:
    """Bring the tables to `revision`, up or down, in the transaction of `connection`.

    Raises:
        StoreError: a newer program has written the state.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    at = current(connection)
    _refuse_newer(at)
    if at == newest() == _resolved(revision):
        return
    config = _config()
    config.attributes["connection"] = connection
    goes_down = revision == BASE or (at is not None and revision != HEAD and revision < at)
    (command.downgrade if goes_down else command.upgrade)(config, revision)


def current(connection: Connection) -> str | None:
    """The revision of the tables; None in an empty database."""
    return MigrationContext.configure(connection).get_current_revision()


def newest() -> str | None:
    """The newest revision this program knows."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _resolved(revision: str) -> str | None:
    return newest() if revision == HEAD else revision


def _refuse_newer(revision: str | None) -> None:
    if revision is None:
        return
    try:
        ScriptDirectory.from_config(_config()).get_revision(revision)
    except CommandError:
        raise StoreError(
            f"a newer patchstand has written this state (revision {revision}): update patchstand"
        ) from None


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return config

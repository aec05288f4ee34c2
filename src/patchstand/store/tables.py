"""The tables of the state, as SQLAlchemy sees them; `migrations/` makes them.

A change here needs a revision there: a test compares the two on SQLite and PostgreSQL.
"""

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    false,
)
from sqlalchemy.types import TypeDecorator

REVISION = "0002"
"""The newest revision in `migrations/`; a test compares the two."""

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
"""Constraints have names, so that a revision can drop them on every database."""


class Moment(TypeDecorator[datetime]):
    """A moment in UTC, with its time zone in Python on both databases.

    SQLite has no time zones: there the text is the time in UTC, which also sorts.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a time without a zone: it would be read as another moment elsewhere."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time in the state needs its time zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the moment its zone back; PostgreSQL answers in the zone of the session."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


METADATA = MetaData(naming_convention=NAMING)

batches = Table(
    "batches",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment),
    Column("scope", Text, nullable=False),
    Column("options", Text, nullable=False),
    Column("targets", BigInteger),
    Column("counts", Text, nullable=False),
    Column("knowledge", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("followed", Boolean, nullable=False, server_default=false()),
    Index(None, "state", "started_at"),
)

files = Table(
    "files",
    METADATA,
    Column("path", Text, primary_key=True),
    Column("batch", String(64), ForeignKey("batches.id")),
    Column("table_name", String(32), nullable=False),
    Column("month", String(7), nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("first_at", Moment),
    Column("last_at", Moment),
    Index(None, "batch"),
    Index(None, "table_name", "month"),
)

disclosures = Table(
    "disclosures",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("who", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("recipients", Text, nullable=False),
    Column("tlp", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("output", String(64), nullable=False),
    Column("previous", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Index(None, "at"),
)

erasures = Table(
    "erasures",
    METADATA,
    Column("pseudonym", String(64), primary_key=True),
    Column("at", Moment, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
)

pseudonym_keys = Table(
    "pseudonym_keys",
    METADATA,
    Column("id", String(16), primary_key=True),
    Column("created_at", Moment, nullable=False),
    Column("retired_at", Moment),
    Column("secret", LargeBinary, nullable=False),
)

servers = Table(
    "servers",
    METADATA,
    Column("id", String(16), primary_key=True),
    Column("address", String(45), nullable=False),
    Column("ports", String(64), nullable=False),
    Column("state", String(8), nullable=False),
    Column("since", Moment, nullable=False),
    Column("placed_at", Moment, nullable=False),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
    Column("target", Text, nullable=False),
    Column("certificate", BigInteger),
    Column("nodes", Text, nullable=False),
    Column("asn", BigInteger),
    Index(None, "address", "ports"),
    Index(None, "state"),
)

server_events = Table(
    "server_events",
    METADATA,
    Column("server", String(16), ForeignKey("servers.id"), primary_key=True),
    Column("at", Moment, primary_key=True),
    Column("kind", String(8), primary_key=True),
    Column("address", String(45), nullable=False),
    Column("ports", String(64), nullable=False),
    Column("rule", String(32), nullable=False),
    Column("batch", String(64), ForeignKey("batches.id"), nullable=False),
    Index(None, "batch"),
    Index(None, "at"),
)

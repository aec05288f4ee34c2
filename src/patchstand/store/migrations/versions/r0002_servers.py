"""Servers over time, and which batches have been followed."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"


def upgrade() -> None:
    """Make the tables; batches stored before count as not followed."""
    followed: sa.Column[bool] = sa.Column(
        "followed", sa.Boolean(), nullable=False, server_default=sa.false()
    )
    op.add_column("batches", followed)
    _make_servers()
    op.create_table(
        "server_events",
        sa.Column("server", sa.String(16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("address", sa.String(45), nullable=False),
        sa.Column("ports", sa.String(64), nullable=False),
        sa.Column("rule", sa.String(32), nullable=False),
        sa.Column("batch", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("server", "at", "kind", name="pk_server_events"),
        sa.ForeignKeyConstraint(["server"], ["servers.id"], name="fk_server_events_server"),
        sa.ForeignKeyConstraint(["batch"], ["batches.id"], name="fk_server_events_batch"),
    )
    op.create_index("ix_server_events_batch", "server_events", ["batch"])
    op.create_index("ix_server_events_at", "server_events", ["at"])


def _make_servers() -> None:
    op.create_table(
        "servers",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("address", sa.String(45), nullable=False),
        sa.Column("ports", sa.String(64), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("certificate", sa.BigInteger()),
        sa.Column("nodes", sa.Text(), nullable=False),
        sa.Column("asn", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_servers"),
    )
    op.create_index("ix_servers_address_ports", "servers", ["address", "ports"])
    op.create_index("ix_servers_state", "servers", ["state"])


def downgrade() -> None:
    """Remove the servers and their history; observations hold what is needed to follow anew."""
    op.drop_table("server_events")
    op.drop_table("servers")
    op.drop_column("batches", "followed")

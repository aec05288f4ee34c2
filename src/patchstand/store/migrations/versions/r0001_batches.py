"""Batches and their files, the journal of disclosures, erasures, keys of pseudonyms."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None


def upgrade() -> None:
    """Make the tables."""
    _make_batches()
    _make_files()
    _make_disclosures()
    op.create_table(
        "erasures",
        sa.Column("pseudonym", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pseudonym", "at", name="pk_erasures"),
    )
    op.create_table(
        "pseudonym_keys",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True)),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_pseudonym_keys"),
    )


def _make_batches() -> None:
    op.create_table(
        "batches",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("targets", sa.BigInteger()),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("knowledge", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_batches"),
    )
    op.create_index("ix_batches_state_started_at", "batches", ["state", "started_at"])


def _make_files() -> None:
    op.create_table(
        "files",
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("batch", sa.String(64)),
        sa.Column("table_name", sa.String(32), nullable=False),
        sa.Column("month", sa.String(7), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True)),
        sa.Column("last_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("path", name="pk_files"),
        sa.ForeignKeyConstraint(["batch"], ["batches.id"], name="fk_files_batch"),
    )
    op.create_index("ix_files_batch", "files", ["batch"])
    op.create_index("ix_files_table_name_month", "files", ["table_name", "month"])


def _make_disclosures() -> None:
    op.create_table(
        "disclosures",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("recipients", sa.Text(), nullable=False),
        sa.Column("tlp", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("output", sa.String(64), nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_disclosures"),
    )
    op.create_index("ix_disclosures_at", "disclosures", ["at"])


def downgrade() -> None:
    """Remove the tables, and all they hold."""
    for table in ("pseudonym_keys", "erasures", "disclosures", "files", "batches"):
        op.drop_table(table)

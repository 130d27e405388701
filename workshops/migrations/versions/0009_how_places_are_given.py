"""How the places of an event are given, shares of them, and what that asks of a registration."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

PERSPECTIVES = "'lived_experience','practitioners','third_sector','policy'"
#: Written out, so that neither engine has to make a table of many rows anew to get a column with a constraint.
COLUMNS = (
    ("events", "gives_places", "TEXT NOT NULL DEFAULT 'offer' {check} CHECK (gives_places IN ('offer','at_once'))"),
    ("events", "overbook_in_person", "INTEGER NOT NULL DEFAULT 0 {check} CHECK (overbook_in_person >= 0)"),
    ("events", "overbook_online", "INTEGER NOT NULL DEFAULT 0 {check} CHECK (overbook_online >= 0)"),
    ("events", "asks_days_before", "INTEGER"),
    ("events", "frees_days_before", "INTEGER"),
    ("events", "declining_frees", "BOOLEAN NOT NULL DEFAULT {false}"),
    ("events", "shares_until", "{instant}"),
    ("registrations", "perspective", "TEXT NOT NULL DEFAULT '' {check} CHECK (perspective IN ('',{perspectives}))"),
    ("registrations", "asked_at", "{instant}"),
    ("registrations", "reconfirmed_at", "{instant}"),
    ("registrations", "may_be_freed", "BOOLEAN NOT NULL DEFAULT {false}"),
    ("registrations", "came_from_id", "INTEGER"),
)


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for table, column, words in COLUMNS:
        words = words.format(
            perspectives=PERSPECTIVES,
            check=f"CONSTRAINT ck_{table}_{column}",
            false="0" if is_sqlite else "false",
            instant="DATETIME" if is_sqlite else "TIMESTAMP WITH TIME ZONE",
        )
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {words}")
    op.create_table(
        "event_shares",
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("attending", sa.Text(), nullable=False),
        sa.Column("perspective", sa.Text(), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.CheckConstraint("attending IN ('in_person','online')", name=op.f("ck_event_shares_attending")),
        sa.CheckConstraint(f"perspective IN ({PERSPECTIVES})", name=op.f("ck_event_shares_perspective")),
        sa.CheckConstraint("places > 0", name=op.f("ck_event_shares_places")),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_event_shares_event_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("event_id", "attending", "perspective", name=op.f("pk_event_shares")),
    )


def downgrade() -> None:
    op.drop_table("event_shares")
    for table in ("registrations", "events"):
        with op.batch_alter_table(table) as batch:
            for owner, column, words in COLUMNS:
                if owner != table:
                    continue
                if "{check}" in words:
                    batch.drop_constraint(f"ck_{table}_{column}", type_="check")
                batch.drop_column(column)

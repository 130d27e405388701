"""Rooms, organisers of programmes, people who run an event beside its owner, audiences, and days with times."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

FACT = "TEXT NOT NULL DEFAULT 'not_known' CONSTRAINT ck_venues_{0} CHECK ({0} IN ('yes','no','not_known'))"
#: Written out, so that neither engine has to make a table of many rows anew to get a column with a constraint.
COLUMNS = (
    ("hosts", "contact_name", "TEXT NOT NULL DEFAULT ''"),
    ("hosts", "contact_phone", "TEXT NOT NULL DEFAULT ''"),
    ("hosts", "website", "TEXT NOT NULL DEFAULT ''"),
    ("hosts", "description", "TEXT NOT NULL DEFAULT ''"),
    ("venues", "bsl", FACT.format("bsl")),
    ("venues", "captions", FACT.format("captions")),
    ("programmes", "host_form_is_open", "BOOLEAN NOT NULL DEFAULT {false}"),
    ("programmes", "ask_form_is_open", "BOOLEAN NOT NULL DEFAULT {false}"),
    ("programmes", "host_form_words", "TEXT NOT NULL DEFAULT ''"),
    ("series", "rhythm", "TEXT NOT NULL DEFAULT ''"),
    ("events", "room_id", "INTEGER CONSTRAINT fk_events_room_id REFERENCES rooms (id)"),
    (
        "events",
        "audience",
        "TEXT NOT NULL DEFAULT '' CONSTRAINT ck_events_audience CHECK (audience IN "
        "('','everyone','lived_experience','practitioners','third_sector','policy'))",
    ),
    ("events", "days", "JSON NOT NULL DEFAULT '[]'"),
    (
        "events",
        "admits",
        "TEXT NOT NULL DEFAULT 'anyone' CONSTRAINT ck_events_admits CHECK (admits IN "
        "('anyone','domains','invited'))",
    ),
    ("events", "admitted_domains", "JSON NOT NULL DEFAULT '[]'"),
    ("events", "edition", "INTEGER NOT NULL DEFAULT 1"),
    ("events", "parts_done", "JSON NOT NULL DEFAULT '[]'"),
)
CONSTRAINTS = (("venues", "bsl"), ("venues", "captions"), ("events", "audience"), ("events", "admits"))


def upgrade() -> None:
    op.create_table(
        "rooms",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("venue_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.CheckConstraint("capacity IS NULL OR capacity >= 0", name=op.f("ck_rooms_capacity")),
        sa.ForeignKeyConstraint(["venue_id"], ["venues.id"], name=op.f("fk_rooms_venue_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rooms")),
    )
    op.create_index("uq_rooms_name", "rooms", ["venue_id", "name_key"], unique=True)
    op.create_table(
        "topic_aliases",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("topic_id", sa.Integer(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["topic_id"], ["topics.id"], name=op.f("fk_topic_aliases_topic_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_topic_aliases")),
        sa.UniqueConstraint("name_key", name=op.f("uq_topic_aliases_name_key")),
    )
    op.create_index("ix_topic_aliases_topic_id", "topic_aliases", ["topic_id"])
    for table, column, target in (
        ("programme_organisers", "programme_id", "programmes"),
        ("event_facilitators", "event_id", "events"),
    ):
        op.create_table(
            table,
            sa.Column(column, sa.Integer(), nullable=False),
            sa.Column("account_id", sa.Integer(), nullable=False),
            sa.ForeignKeyConstraint(
                [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE"
            ),
            sa.ForeignKeyConstraint(
                ["account_id"], ["accounts.id"], name=op.f(f"fk_{table}_account_id"), ondelete="CASCADE"
            ),
            sa.PrimaryKeyConstraint(column, "account_id", name=op.f(f"pk_{table}")),
        )
        op.create_index(f"ix_{table}_account_id", table, ["account_id"])
    false = "0" if op.get_bind().dialect.name == "sqlite" else "false"
    for table, column, words in COLUMNS:
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {words.format(false=false)}")
    op.create_index("ix_events_room_id", "events", ["room_id"])


def downgrade() -> None:
    op.drop_index("ix_events_room_id", "events")
    for table in dict.fromkeys(table for table, _, _ in COLUMNS):
        with op.batch_alter_table(table) as batch:
            for owner, name in CONSTRAINTS:
                if owner == table:
                    batch.drop_constraint(f"ck_{table}_{name}", type_="check")
            if table == "events":
                batch.drop_constraint("fk_events_room_id", type_="foreignkey")
            for owner, column, _ in COLUMNS:
                if owner == table:
                    batch.drop_column(column)
    for table in ("event_facilitators", "programme_organisers", "topic_aliases", "rooms"):
        op.drop_table(table)

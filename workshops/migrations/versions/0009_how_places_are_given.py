"""How the places of an event are given, shares of them, and what that asks of a registration."""

from __future__ import annotations

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
    ("events", "shares", "JSON NOT NULL DEFAULT '[]'"),
    ("events", "shares_until", "{instant}"),
    ("events", "held_in_person", "INTEGER NOT NULL DEFAULT 0"),
    ("events", "held_online", "INTEGER NOT NULL DEFAULT 0"),
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


def downgrade() -> None:
    for table in ("registrations", "events"):
        with op.batch_alter_table(table) as batch:
            for owner, column, words in COLUMNS:
                if owner != table:
                    continue
                if "{check}" in words:
                    batch.drop_constraint(f"ck_{table}_{column}", type_="check")
                batch.drop_column(column)

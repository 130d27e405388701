"""What is there from the start: kinds of events, the public version, and an audit table that only grows."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KINDS = (
    ("awareness session", "awareness-session"),
    ("round-table", "round-table"),
    ("workshop", "workshop"),
    ("learning event", "learning-event"),
    ("conference", "conference"),
    ("online chat", "online-chat"),
    ("festival", "festival"),
    ("week", "week"),
)

SQLITE_GUARDS = (
    "CREATE TRIGGER audit_entries_stay BEFORE UPDATE ON audit_entries "
    "BEGIN SELECT RAISE(ABORT, 'audit entries are never changed'); END",
    "CREATE TRIGGER audit_entries_last BEFORE DELETE ON audit_entries "
    "BEGIN SELECT RAISE(ABORT, 'audit entries are never deleted'); END",
)

POSTGRESQL_GUARDS = (
    "CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'audit entries are never changed or deleted'; END $$",
    "CREATE TRIGGER audit_entries_stay BEFORE UPDATE OR DELETE ON audit_entries "
    "FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()",
)


def upgrade() -> None:
    kinds = sa.table("kinds", sa.column("name"), sa.column("slug"))
    op.bulk_insert(kinds, [{"name": name, "slug": slug} for name, slug in KINDS])
    version = sa.table("public_version", sa.column("id"), sa.column("version"), sa.column("epoch"))
    op.bulk_insert(version, [{"id": 1, "version": 1, "epoch": secrets.token_urlsafe(32)}])
    guards = SQLITE_GUARDS if op.get_bind().dialect.name == "sqlite" else POSTGRESQL_GUARDS
    for statement in guards:
        op.execute(statement)


def downgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    op.execute("DROP TRIGGER audit_entries_stay" + ("" if sqlite else " ON audit_entries"))
    op.execute("DROP TRIGGER audit_entries_last" if sqlite else "DROP FUNCTION refuse_audit_change")
    op.execute("DELETE FROM public_version")
    op.execute("DELETE FROM kinds")

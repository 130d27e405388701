"""What people answered in their own calendar."""

from __future__ import annotations

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = "DATETIME" if op.get_bind().dialect.name == "sqlite" else "TIMESTAMP WITH TIME ZONE"
    op.execute("ALTER TABLE registrations ADD COLUMN calendar_answer TEXT NOT NULL DEFAULT ''")
    op.execute(f"ALTER TABLE registrations ADD COLUMN calendar_answered_at {instant}")


def downgrade() -> None:
    op.execute("ALTER TABLE registrations DROP COLUMN calendar_answered_at")
    op.execute("ALTER TABLE registrations DROP COLUMN calendar_answer")

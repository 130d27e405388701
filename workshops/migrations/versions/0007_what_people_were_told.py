"""What each person was last told of an event, so that a change saved without telling is told with the next one."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

COLUMNS = ("told", "told_before")


def upgrade() -> None:
    # Written out, so that SQLite does not make the table anew. Empty means: they know what holds now.
    for column in COLUMNS:
        op.execute(f"ALTER TABLE registrations ADD COLUMN {column} JSON")


def downgrade() -> None:
    for column in COLUMNS:
        op.execute(f"ALTER TABLE registrations DROP COLUMN {column}")

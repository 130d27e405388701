"""A version of all that is planned, drafts included, so that staff pages about many events can be kept."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE public_version ADD COLUMN planning INTEGER NOT NULL DEFAULT 1")


def downgrade() -> None:
    op.execute("ALTER TABLE public_version DROP COLUMN planning")

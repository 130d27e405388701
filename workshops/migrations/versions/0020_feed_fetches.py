"""How often feeds are fetched, and when a personal calendar last was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "feed_fetches",
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("family", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fetches", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("readers", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("feed", "family", "day", name=op.f("pk_feed_fetches")),
    )
    op.create_index("ix_feed_fetches_day", "feed_fetches", ["day"])
    op.execute("ALTER TABLE calendar_tokens ADD COLUMN last_used_on DATE")
    op.execute("ALTER TABLE staff_calendars ADD COLUMN last_used_on DATE")


def downgrade() -> None:
    op.execute("ALTER TABLE staff_calendars DROP COLUMN last_used_on")
    op.execute("ALTER TABLE calendar_tokens DROP COLUMN last_used_on")
    op.drop_table("feed_fetches")

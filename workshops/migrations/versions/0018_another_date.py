"""The waiting list starts the next event: who wants another date, which dates suit, and who is offered it first."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    false = "0" if op.get_bind().dialect.name == "sqlite" else "false"
    op.execute(f"ALTER TABLE registrations ADD COLUMN wants_another_date BOOLEAN NOT NULL DEFAULT {false}")
    op.create_table(
        "date_polls",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("draft_id", sa.Integer(), nullable=False),
        sa.Column("days", sa.JSON(), nullable=False),
        sa.Column("chosen", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_date_polls_event_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["draft_id"], ["events.id"], name=op.f("fk_date_polls_draft_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_date_polls")),
        sa.UniqueConstraint("draft_id", name=op.f("uq_date_polls_draft_id")),
    )
    op.create_index("ix_date_polls_event_id", "date_polls", ["event_id"])
    op.create_table(
        "date_poll_answers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("poll_id", sa.Integer(), nullable=False),
        sa.Column("registration_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("days", sa.JSON(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["poll_id"], ["date_polls.id"], name=op.f("fk_date_poll_answers_poll_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registrations.id"], name=op.f("fk_date_poll_answers_registration_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_date_poll_answers")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_date_poll_answers_token_hash")),
    )
    op.create_index("ix_date_poll_answers_poll_id", "date_poll_answers", ["poll_id"])
    op.create_index("ix_date_poll_answers_registration_id", "date_poll_answers", ["registration_id"])


def downgrade() -> None:
    op.drop_table("date_poll_answers")
    op.drop_table("date_polls")
    op.execute("ALTER TABLE registrations DROP COLUMN wants_another_date")

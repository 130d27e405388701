"""Needs become things to arrange: who sees to them, what was said, and who may read them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    true = "1" if op.get_bind().dialect.name == "sqlite" else "true"
    op.execute(f"ALTER TABLE accounts ADD COLUMN sees_needs BOOLEAN NOT NULL DEFAULT {true}")
    op.create_table(
        "need_tasks",
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("arranged", sa.Integer(), nullable=False),
        sa.Column("not_possible", sa.Integer(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_need_tasks_event_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["accounts.id"], name=op.f("fk_need_tasks_owner_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("event_id", "kind", name=op.f("pk_need_tasks")),
    )
    op.create_table(
        "need_answers",
        sa.Column("registration_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("answers_what", sa.Text(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('arranged','not_possible')", name=op.f("ck_need_answers_state")),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registrations.id"], name=op.f("fk_need_answers_registration_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("registration_id", "kind", name=op.f("pk_need_answers")),
    )


def downgrade() -> None:
    op.drop_table("need_answers")
    op.drop_table("need_tasks")
    op.execute("ALTER TABLE accounts DROP COLUMN sees_needs")

"""What staff say of a need in full: what they told, for which time and place, what they added or left out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
KEPT = ("registration_id", "kind", "state", "answers_what", "answered_at")


def upgrade() -> None:
    op.execute("ALTER TABLE registration_needs ADD COLUMN seen_what TEXT NOT NULL DEFAULT ''")
    _make_anew(
        "'todo','arranged','not_possible','not_needed'",
        sa.Column("is_chosen", sa.Boolean(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("arranged_for", sa.Text(), nullable=False),
        sa.Column("reminded_at", INSTANT, nullable=True),
        more={"is_chosen": False, "message": "", "arranged_for": "", "reminded_at": None},
    )


def downgrade() -> None:
    _make_anew("'arranged','not_possible'", more={})
    op.execute("ALTER TABLE registration_needs DROP COLUMN seen_what")


def _make_anew(states: str, *columns: sa.Column[object], more: dict[str, object]) -> None:
    """Make the table of answers anew with its rows: what a state may be changes, and they are few."""
    bind = op.get_bind()
    before = sa.table("need_answers", *(sa.column(name) for name in KEPT[:4]), sa.column("answered_at", INSTANT))
    rows = [dict(row) for row in bind.execute(sa.select(before)).mappings() if f"'{row['state']}'" in states]
    op.drop_table("need_answers")
    made = op.create_table(
        "need_answers",
        sa.Column("registration_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("answers_what", sa.Text(), nullable=False),
        sa.Column("answered_at", INSTANT, nullable=False),
        *columns,
        sa.CheckConstraint(f"state IN ({states})", name=op.f("ck_need_answers_state")),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registrations.id"], name=op.f("fk_need_answers_registration_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("registration_id", "kind", name=op.f("pk_need_answers")),
    )
    if rows:
        op.bulk_insert(made, [row | more for row in rows])

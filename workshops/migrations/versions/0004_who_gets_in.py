"""Who gets in: people invited by their addresses, answers kept under the words that were asked, and what those who
run an event were sent for their own calendar.

Revision ID: 0004
"""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BATCH = 500
NUMBERS = ("1", "2", "3", "4", "5")


def upgrade() -> None:
    op.create_table(
        "invitees",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("invited_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_invitees_event_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitees")),
    )
    op.create_index("uq_invitees_address", "invitees", ["event_id", "email_key"], unique=True)
    op.create_table(
        "run_invitations",
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("told", sa.JSON(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("method IN ('REQUEST','CANCEL')", name=op.f("ck_run_invitations_method")),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_run_invitations_event_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_run_invitations_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("event_id", "account_id", name=op.f("pk_run_invitations")),
    )
    op.create_index("ix_run_invitations_account_id", "run_invitations", ["account_id"])
    true = "1" if op.get_bind().dialect.name == "sqlite" else "true"
    op.execute(f"ALTER TABLE accounts ADD COLUMN calendar_invitations BOOLEAN NOT NULL DEFAULT {true}")
    _move_answers(_by_words)


def downgrade() -> None:
    _move_answers(_by_number)
    with op.batch_alter_table("accounts") as batch:
        batch.drop_column("calendar_invitations")
    op.drop_table("run_invitations")
    op.drop_table("invitees")


def _move_answers(renamed: Any) -> None:
    """Keep the answers of everybody under other keys, one batch of people at a time."""
    connection = op.get_bind()
    people = sa.table("registrations", sa.column("id", sa.Integer), sa.column("event_id", sa.Integer),
                      sa.column("answers", sa.JSON))  # fmt: skip
    events = sa.table("events", sa.column("id", sa.Integer), sa.column("questions", sa.JSON))
    answered = sa.cast(people.c.answers, sa.Text).not_in(("{}", "null"))
    last = 0
    while True:
        rows = connection.execute(
            sa.select(people.c.id, people.c.answers, events.c.questions)
            .join(events, events.c.id == people.c.event_id)
            .where(people.c.id > last, answered)
            .order_by(people.c.id)
            .limit(BATCH)
        ).all()
        for id, answers, questions in rows:
            texts = [one if isinstance(one, str) else one["text"] for one in questions]
            connection.execute(people.update().where(people.c.id == id).values(answers=renamed(answers, texts)))
        if len(rows) < BATCH:
            return
        last = rows[-1].id


def _by_words(answers: dict[str, Any], texts: list[str]) -> dict[str, Any]:
    """{"1": "..."} as {words of question 1: "..."}; a question that is gone is "Question 3"."""
    found = {}
    for key, answer in answers.items():
        number = int(key) if key in NUMBERS else 0
        words = texts[number - 1] if 0 < number <= len(texts) else f"Question {number}"
        found[words if number else key] = answer
    return found


def _by_number(answers: dict[str, Any], texts: list[str]) -> dict[str, Any]:
    """What is not asked any more has no number and is left out."""
    return {
        str(number): answers[words] if isinstance(answers[words], str) else json.dumps(answers[words])
        for number, words in enumerate(texts, 1)
        if words in answers
    }

"""Messages that staff hold, and what a mailbox said of a message after it was sent."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

#: Written out, so that neither engine has to make a table of many rows anew to get a column with a constraint.
COLUMNS = (
    ("held_at", "{instant}"),
    ("refused_at", "{instant}"),
    (
        "bounced",
        "TEXT NOT NULL DEFAULT '' CONSTRAINT ck_outbox_messages_bounced CHECK (bounced IN ('','delayed','permanent'))",
    ),
    ("dealt_with_at", "{instant}"),
)


def upgrade() -> None:
    instant = "DATETIME" if op.get_bind().dialect.name == "sqlite" else "TIMESTAMP WITH TIME ZONE"
    for column, words in COLUMNS:
        op.execute(f"ALTER TABLE outbox_messages ADD COLUMN {column} {words.format(instant=instant)}")
    op.create_index("ix_outbox_messages_refused_at", "outbox_messages", ["refused_at"])


def downgrade() -> None:
    with op.batch_alter_table("outbox_messages") as batch:
        batch.drop_index("ix_outbox_messages_refused_at")
        batch.drop_constraint("ck_outbox_messages_bounced", type_="check")
        for column, _ in COLUMNS:
            batch.drop_column(column)

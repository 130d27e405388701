"""Whether the people of an event are thanked by mail afterwards."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    yes = "1" if op.get_bind().dialect.name == "sqlite" else "true"
    op.execute(f"ALTER TABLE events ADD COLUMN sends_thanks BOOLEAN NOT NULL DEFAULT {yes}")


def downgrade() -> None:
    with op.batch_alter_table("events") as batch:
        batch.drop_column("sends_thanks")

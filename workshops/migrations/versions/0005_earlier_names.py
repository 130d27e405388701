"""Earlier names of hosts and venues, so that files and addresses that use them still find what they meant."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "host_aliases",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("host_id", sa.Integer(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["host_id"], ["hosts.id"], name=op.f("fk_host_aliases_host_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_host_aliases")),
        sa.UniqueConstraint("name_key", name=op.f("uq_host_aliases_name_key")),
    )
    op.create_index("ix_host_aliases_host_id", "host_aliases", ["host_id"])
    op.create_table(
        "venue_aliases",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("venue_id", sa.Integer(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("address_key", sa.Text(), nullable=False),
        sa.Column("postcode", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["venue_id"], ["venues.id"], name=op.f("fk_venue_aliases_venue_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_venue_aliases")),
    )
    op.create_index(
        "uq_venue_aliases_recognition", "venue_aliases", ["name_key", "address_key", "postcode"], unique=True
    )
    op.create_index("ix_venue_aliases_venue_id", "venue_aliases", ["venue_id"])


def downgrade() -> None:
    op.drop_table("venue_aliases")
    op.drop_table("host_aliases")

"""Proposals of partners and communities, the links into them, what happened to them, and the general ask form."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TEXTS = ("title", "summary", "kind", "start_time", "end_time", "when_words", "mode", "venue_name", "venue_address",
         "postcode", "area", "audience", "topics", "message", "access")


def upgrade() -> None:
    op.create_table(
        "proposals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=True),
        sa.Column("event_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in TEXTS),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("places", sa.Integer(), nullable=True),
        sa.Column("form_key_hash", sa.Text(), nullable=True),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("shows_names", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state_changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("purpose IN ('host','ask')", name=op.f("ck_proposals_purpose")),
        sa.CheckConstraint(
            "state IN ('unconfirmed','waiting','changes','accepted','declined','withdrawn')",
            name=op.f("ck_proposals_state"),
        ),
        sa.CheckConstraint("mode IN ('in_person','online','hybrid')", name=op.f("ck_proposals_mode")),
        sa.CheckConstraint(
            "state <> 'accepted' OR event_id IS NOT NULL", name=op.f("ck_proposals_accepted_has_event")
        ),
        sa.ForeignKeyConstraint(["programme_id"], ["programmes.id"], name=op.f("fk_proposals_programme_id")),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_proposals_event_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposals")),
    )
    op.create_index("uq_proposals_form_key", "proposals", ["form_key_hash"], unique=True)
    op.create_index("uq_proposals_event_id", "proposals", ["event_id"], unique=True)
    op.create_index("ix_proposals_queue", "proposals", ["programme_id", "state", "sent_at", "id"])
    op.create_index("ix_proposals_state", "proposals", ["state", "state_changed_at"])
    op.create_index("ix_proposals_email_key", "proposals", ["email_key", "state"])
    op.create_table(
        "proposal_tokens",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("proposal_id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("purpose IN ('confirm','proposal')", name=op.f("ck_proposal_tokens_purpose")),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["proposals.id"], name=op.f("fk_proposal_tokens_proposal_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_proposal_tokens_token_hash")),
    )
    op.create_index("ix_proposal_tokens_proposal_id", "proposal_tokens", ["proposal_id"])
    op.create_table(
        "proposal_steps",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("proposal_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["proposals.id"], name=op.f("fk_proposal_steps_proposal_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_proposal_steps_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal_steps")),
    )
    op.create_index("ix_proposal_steps_proposal_id", "proposal_steps", ["proposal_id", "at"])
    op.create_table(
        "ask_form",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ask_form")),
    )


def downgrade() -> None:
    for table in ("ask_form", "proposal_steps", "proposal_tokens", "proposals"):
        op.drop_table(table)

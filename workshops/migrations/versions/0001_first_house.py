"""The tables of the first house."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("password_set_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("role IN ('admin','organiser','facilitator','viewer')", name=op.f("ck_accounts_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("email_key", name=op.f("uq_accounts_email_key")),
    )
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=True),
        sa.Column("event_id", sa.Integer(), nullable=True),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
    )
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.create_index("ix_audit_entries_event_id", ["event_id"], unique=False)
        batch_op.create_index("ix_audit_entries_subject", ["subject_kind", "subject_id"], unique=False)

    op.create_table(
        "calendar_tokens",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_calendar_tokens_token_hash")),
    )
    with op.batch_alter_table("calendar_tokens", schema=None) as batch_op:
        batch_op.create_index("ix_calendar_tokens_email_key", ["email_key"], unique=False)

    op.create_table(
        "hosts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("contact_email", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hosts")),
        sa.UniqueConstraint("slug", name=op.f("uq_hosts_slug")),
    )
    op.create_table(
        "kinds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kinds")),
        sa.UniqueConstraint("slug", name=op.f("uq_kinds_slug")),
    )
    op.create_table(
        "outbox_messages",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dedupe_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about_kind", sa.Text(), nullable=False),
        sa.Column("about_id", sa.Integer(), nullable=True),
        sa.Column("event_id", sa.Integer(), nullable=True),
        sa.Column("to_email", sa.Text(), nullable=False),
        sa.Column("to_name", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body_text", sa.Text(), nullable=False),
        sa.Column("body_html", sa.Text(), nullable=False),
        sa.Column("calendar", sa.LargeBinary(), nullable=True),
        sa.Column("calendar_method", sa.Text(), nullable=True),
        sa.Column("sealed_links", sa.Text(), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("drop_after", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('due','sending','retry','sent','failed','cancelled')", name=op.f("ck_outbox_messages_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_messages")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_outbox_messages_dedupe_key")),
        sa.UniqueConstraint("message_id", name=op.f("uq_outbox_messages_message_id")),
    )
    with op.batch_alter_table("outbox_messages", schema=None) as batch_op:
        batch_op.create_index("ix_outbox_messages_about", ["about_kind", "about_id"], unique=False)
        batch_op.create_index("ix_outbox_messages_due", ["state", "due_at", "id"], unique=False)
        batch_op.create_index("ix_outbox_messages_event_id", ["event_id"], unique=False)

    op.create_table(
        "programmes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("title_key", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("is_published", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_programmes")),
        sa.UniqueConstraint("slug", name=op.f("uq_programmes_slug")),
        sa.UniqueConstraint("title_key", name=op.f("uq_programmes_title_key")),
    )
    op.create_table(
        "public_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_public_version")),
    )
    op.create_table(
        "rate_counters",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", "window_start", name=op.f("pk_rate_counters")),
    )
    op.create_table(
        "series",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_series")),
    )
    op.create_table(
        "topics",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_topics")),
        sa.UniqueConstraint("slug", name=op.f("uq_topics_slug")),
    )
    op.create_table(
        "venues",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("address_key", sa.Text(), nullable=False),
        sa.Column("postcode", sa.Text(), nullable=False),
        sa.Column("area", sa.Text(), nullable=False),
        sa.Column("how_to_get_there", sa.Text(), nullable=False),
        sa.Column("step_free", sa.Text(), nullable=False),
        sa.Column("hearing_loop", sa.Text(), nullable=False),
        sa.Column("accessible_toilet", sa.Text(), nullable=False),
        sa.Column("parking", sa.Text(), nullable=False),
        sa.Column("quiet_room", sa.Text(), nullable=False),
        sa.CheckConstraint("accessible_toilet IN ('yes','no','not_known')", name=op.f("ck_venues_accessible_toilet")),
        sa.CheckConstraint("hearing_loop IN ('yes','no','not_known')", name=op.f("ck_venues_hearing_loop")),
        sa.CheckConstraint("parking IN ('yes','no','not_known')", name=op.f("ck_venues_parking")),
        sa.CheckConstraint("quiet_room IN ('yes','no','not_known')", name=op.f("ck_venues_quiet_room")),
        sa.CheckConstraint("step_free IN ('yes','no','not_known')", name=op.f("ck_venues_step_free")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_venues")),
    )
    with op.batch_alter_table("venues", schema=None) as batch_op:
        batch_op.create_index("uq_venues_recognition", ["name_key", "address_key", "postcode"], unique=True)

    op.create_table(
        "account_links",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "purpose IN ('invitation','new_password','demonstration')", name=op.f("ck_account_links_purpose")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_account_links_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_links")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_account_links_token_hash")),
    )
    with op.batch_alter_table("account_links", schema=None) as batch_op:
        batch_op.create_index("ix_account_links_account_id", ["account_id"], unique=False)

    op.create_table(
        "events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("foreign_uid", sa.Text(), nullable=True),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("kind_id", sa.Integer(), nullable=False),
        sa.Column("host_id", sa.Integer(), nullable=True),
        sa.Column("programme_id", sa.Integer(), nullable=True),
        sa.Column("series_id", sa.Integer(), nullable=True),
        sa.Column("venue_id", sa.Integer(), nullable=True),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("area", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("joining_link", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("month", sa.Text(), nullable=True),
        sa.Column("sort_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("over_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("is_listed", sa.Boolean(), nullable=False),
        sa.Column("state_reason", sa.Text(), nullable=False),
        sa.Column("state_changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_from", sa.Text(), nullable=False),
        sa.Column("booking", sa.Text(), nullable=False),
        sa.Column("has_waiting_list", sa.Boolean(), nullable=False),
        sa.Column("booking_url", sa.Text(), nullable=False),
        sa.Column("capacity_in_person", sa.Integer(), nullable=True),
        sa.Column("capacity_online", sa.Integer(), nullable=True),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("questions", sa.JSON(), nullable=False),
        sa.Column("bsl", sa.Text(), nullable=False),
        sa.Column("captions", sa.Text(), nullable=False),
        sa.Column("taken_in_person", sa.Integer(), nullable=False),
        sa.Column("taken_online", sa.Integer(), nullable=False),
        sa.Column("waiting_in_person", sa.Integer(), nullable=False),
        sa.Column("waiting_online", sa.Integer(), nullable=False),
        sa.Column("reported_registered", sa.Integer(), nullable=True),
        sa.Column("reported_attended", sa.Integer(), nullable=True),
        sa.Column("source_url", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("vevent", sa.LargeBinary(), nullable=True),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "booking IN ('first_come','by_approval','by_invitation','elsewhere','none','closed')",
            name=op.f("ck_events_booking"),
        ),
        sa.CheckConstraint("bsl IN ('yes','no','not_known')", name=op.f("ck_events_bsl")),
        sa.CheckConstraint("captions IN ('yes','no','not_known')", name=op.f("ck_events_captions")),
        sa.CheckConstraint("mode IN ('in_person','online','hybrid')", name=op.f("ck_events_mode")),
        sa.CheckConstraint("state IN ('draft','published','postponed','cancelled')", name=op.f("ck_events_state")),
        sa.CheckConstraint(
            "capacity_in_person IS NULL OR capacity_in_person >= 0", name=op.f("ck_events_capacity_in_person")
        ),
        sa.CheckConstraint("capacity_online IS NULL OR capacity_online >= 0", name=op.f("ck_events_capacity_online")),
        sa.CheckConstraint("over_at >= sort_at", name=op.f("ck_events_ends_after_start")),
        sa.ForeignKeyConstraint(["host_id"], ["hosts.id"], name=op.f("fk_events_host_id")),
        sa.ForeignKeyConstraint(["kind_id"], ["kinds.id"], name=op.f("fk_events_kind_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["accounts.id"], name=op.f("fk_events_owner_id")),
        sa.ForeignKeyConstraint(["programme_id"], ["programmes.id"], name=op.f("fk_events_programme_id")),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_events_series_id")),
        sa.ForeignKeyConstraint(["venue_id"], ["venues.id"], name=op.f("fk_events_venue_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("foreign_uid", name=op.f("uq_events_foreign_uid")),
        sa.UniqueConstraint("slug", name=op.f("uq_events_slug")),
        sa.UniqueConstraint("uid", name=op.f("uq_events_uid")),
    )
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.create_index("ix_events_feed_order", ["sort_at", "uid"], unique=False)
        batch_op.create_index("ix_events_host_id", ["host_id"], unique=False)
        batch_op.create_index("ix_events_listed", ["state", "is_listed", "over_at"], unique=False)
        batch_op.create_index("ix_events_owner_id", ["owner_id"], unique=False)
        batch_op.create_index("ix_events_programme_id", ["programme_id"], unique=False)
        batch_op.create_index("ix_events_series_id", ["series_id"], unique=False)
        batch_op.create_index("ix_events_sort_at", ["sort_at", "id"], unique=False)
        batch_op.create_index("ix_events_venue_id", ["venue_id"], unique=False)

    op.create_table(
        "sign_ins",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("browser", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_sign_ins_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ins")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_ins_token_hash")),
    )
    with op.batch_alter_table("sign_ins", schema=None) as batch_op:
        batch_op.create_index("ix_sign_ins_account_id", ["account_id"], unique=False)

    op.create_table(
        "event_topics",
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("topic_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_event_topics_event_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["topic_id"], ["topics.id"], name=op.f("fk_event_topics_topic_id")),
        sa.PrimaryKeyConstraint("event_id", "topic_id", name=op.f("pk_event_topics")),
    )
    with op.batch_alter_table("event_topics", schema=None) as batch_op:
        batch_op.create_index("ix_event_topics_topic_id", ["topic_id"], unique=False)

    op.create_table(
        "notes",
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("published_text", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('draft','published')", name=op.f("ck_notes_state")),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_notes_event_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["updated_by"], ["accounts.id"], name=op.f("fk_notes_updated_by")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_notes")),
    )
    op.create_table(
        "registrations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("job_title", sa.Text(), nullable=False),
        sa.Column("sector", sa.Text(), nullable=False),
        sa.Column("attending", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("waiting_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("offer_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("form_key_hash", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("invite_sequence", sa.Integer(), nullable=True),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state_changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancel_reason", sa.Text(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("attending IN ('in_person','online')", name=op.f("ck_registrations_attending")),
        sa.CheckConstraint(
            "state IN ('requested','confirmed','waiting','offered','cancelled','lapsed','declined')",
            name=op.f("ck_registrations_state"),
        ),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_registrations_event_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registrations")),
        sa.UniqueConstraint("reference", name=op.f("uq_registrations_reference")),
    )
    with op.batch_alter_table("registrations", schema=None) as batch_op:
        batch_op.create_index("ix_registrations_email_key", ["email_key"], unique=False)
        batch_op.create_index(
            "ix_registrations_queue", ["event_id", "state", "attending", "waiting_since", "id"], unique=False
        )
        batch_op.create_index(
            "uq_registrations_active",
            ["event_id", "email_key"],
            unique=True,
            sqlite_where=sa.text("state IN ('requested','confirmed','waiting','offered')"),
            postgresql_where=sa.text("state IN ('requested','confirmed','waiting','offered')"),
        )
        batch_op.create_index("uq_registrations_form_key", ["event_id", "form_key_hash"], unique=True)

    op.create_table(
        "write_ups",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("published_on", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('to be written','drafted','published')", name=op.f("ck_write_ups_state")),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_write_ups_event_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["owner_id"], ["accounts.id"], name=op.f("fk_write_ups_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_write_ups")),
        sa.UniqueConstraint("uid", name=op.f("uq_write_ups_uid")),
    )
    with op.batch_alter_table("write_ups", schema=None) as batch_op:
        batch_op.create_index("ix_write_ups_event_id", ["event_id"], unique=False)
        batch_op.create_index("ix_write_ups_state", ["state", "published_on"], unique=False)

    op.create_table(
        "attendance_marks",
        sa.Column("registration_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("marked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("marked_by", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "status IN ('in_person','online','part','absent','excused')", name=op.f("ck_attendance_marks_status")
        ),
        sa.ForeignKeyConstraint(["marked_by"], ["accounts.id"], name=op.f("fk_attendance_marks_marked_by")),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registrations.id"],
            name=op.f("fk_attendance_marks_registration_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("registration_id", name=op.f("pk_attendance_marks")),
    )
    op.create_table(
        "place_tokens",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("registration_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registrations.id"], name=op.f("fk_place_tokens_registration_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_place_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_place_tokens_token_hash")),
    )
    with op.batch_alter_table("place_tokens", schema=None) as batch_op:
        batch_op.create_index("ix_place_tokens_registration_id", ["registration_id"], unique=False)

    op.create_table(
        "registration_needs",
        sa.Column("registration_id", sa.Integer(), nullable=False),
        sa.Column("access_needs", sa.Text(), nullable=False),
        sa.Column("dietary_needs", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registrations.id"],
            name=op.f("fk_registration_needs_registration_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("registration_id", name=op.f("pk_registration_needs")),
    )


def downgrade() -> None:
    op.drop_table("registration_needs")
    with op.batch_alter_table("place_tokens", schema=None) as batch_op:
        batch_op.drop_index("ix_place_tokens_registration_id")

    op.drop_table("place_tokens")
    op.drop_table("attendance_marks")
    with op.batch_alter_table("write_ups", schema=None) as batch_op:
        batch_op.drop_index("ix_write_ups_state")
        batch_op.drop_index("ix_write_ups_event_id")

    op.drop_table("write_ups")
    with op.batch_alter_table("registrations", schema=None) as batch_op:
        batch_op.drop_index("uq_registrations_form_key")
        batch_op.drop_index(
            "uq_registrations_active",
            sqlite_where=sa.text("state IN ('requested','confirmed','waiting','offered')"),
            postgresql_where=sa.text("state IN ('requested','confirmed','waiting','offered')"),
        )
        batch_op.drop_index("ix_registrations_queue")
        batch_op.drop_index("ix_registrations_email_key")

    op.drop_table("registrations")
    op.drop_table("notes")
    with op.batch_alter_table("event_topics", schema=None) as batch_op:
        batch_op.drop_index("ix_event_topics_topic_id")

    op.drop_table("event_topics")
    with op.batch_alter_table("sign_ins", schema=None) as batch_op:
        batch_op.drop_index("ix_sign_ins_account_id")

    op.drop_table("sign_ins")
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.drop_index("ix_events_venue_id")
        batch_op.drop_index("ix_events_sort_at")
        batch_op.drop_index("ix_events_series_id")
        batch_op.drop_index("ix_events_programme_id")
        batch_op.drop_index("ix_events_owner_id")
        batch_op.drop_index("ix_events_listed")
        batch_op.drop_index("ix_events_host_id")
        batch_op.drop_index("ix_events_feed_order")

    op.drop_table("events")
    with op.batch_alter_table("account_links", schema=None) as batch_op:
        batch_op.drop_index("ix_account_links_account_id")

    op.drop_table("account_links")
    with op.batch_alter_table("venues", schema=None) as batch_op:
        batch_op.drop_index("uq_venues_recognition")

    op.drop_table("venues")
    op.drop_table("topics")
    op.drop_table("series")
    op.drop_table("rate_counters")
    op.drop_table("public_version")
    op.drop_table("programmes")
    with op.batch_alter_table("outbox_messages", schema=None) as batch_op:
        batch_op.drop_index("ix_outbox_messages_event_id")
        batch_op.drop_index("ix_outbox_messages_due")
        batch_op.drop_index("ix_outbox_messages_about")

    op.drop_table("outbox_messages")
    op.drop_table("kinds")
    op.drop_table("hosts")
    with op.batch_alter_table("calendar_tokens", schema=None) as batch_op:
        batch_op.drop_index("ix_calendar_tokens_email_key")

    op.drop_table("calendar_tokens")
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_entries_subject")
        batch_op.drop_index("ix_audit_entries_event_id")

    op.drop_table("audit_entries")
    op.drop_table("accounts")

"""Lists of many events: an index that holds what filters count, and search text that knows hyphens and apostrophes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

#: What facets count and what they count by, so that the wide rows of events are not read for it.
COUNTED = (
    "over_at", "is_listed", "state", "sort_at", "kind_id", "host_id", "programme_id", "area", "audience", "mode"
)  # fmt: skip
#: As rules.folding.search_text has them, written out: a migration does not change with the code.
APOSTROPHES = dict.fromkeys(map(ord, "'’‘‛ʼʻʹ′`´"))
HYPHENS = dict.fromkeys(map(ord, "‐‑‒–—―−﹘﹣－"), "-")
ROWS = 1_000


def upgrade() -> None:
    op.create_index("ix_events_counted", "events", list(COUNTED))
    for column in ("opens_at", "closes_at"):
        op.create_index(f"ix_events_{column}", "events", [column])
    _renew_search_text()


def _renew_search_text() -> None:
    """The text was folded already; what is new are the words without hyphens and apostrophes."""
    bind = op.get_bind()
    events = sa.table("events", sa.column("id", sa.Integer), sa.column("folded", sa.Text))
    last = 0
    while rows := bind.execute(
        sa.select(events.c.id, events.c.folded).where(events.c.id > last).order_by(events.c.id).limit(ROWS)
    ).all():
        last = rows[-1].id
        changed = [{"key": row.id, "text": _searched(row.folded)} for row in rows]
        bind.execute(
            sa.update(events).where(events.c.id == sa.bindparam("key")).values(folded=sa.bindparam("text")), changed
        )


def _searched(folded: str) -> str:
    words: list[str] = []
    for token in folded.translate(APOSTROPHES).translate(HYPHENS).split():
        parts = [part for part in token.split("-") if part]
        words += parts
        if len(parts) > 1:
            words.append("".join(parts))
    return " ".join(words)


def downgrade() -> None:
    for name in ("counted", "opens_at", "closes_at"):
        op.drop_index(f"ix_events_{name}", "events")

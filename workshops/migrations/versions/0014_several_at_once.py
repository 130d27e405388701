"""One send for several events: which registrations one mail tells of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

FEW = sa.text("together IS NOT NULL")


def upgrade() -> None:
    op.execute("ALTER TABLE registrations ADD COLUMN together TEXT")
    op.create_index("ix_registrations_together", "registrations", ["together"], sqlite_where=FEW, postgresql_where=FEW)


def downgrade() -> None:
    op.drop_index("ix_registrations_together", "registrations")
    op.execute("ALTER TABLE registrations DROP COLUMN together")

"""${message[:1].upper()}${message[1:]}."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:  # long: written by Alembic, a line for each column
    """Go there."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:  # long: written by Alembic, a line for each table
    """Go back."""
    ${downgrades if downgrades else "pass"}

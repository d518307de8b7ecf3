"""Alembic's steps from one release's tables to the next; run by `dolen db upgrade`."""

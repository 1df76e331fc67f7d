"""Alembic's entry: the connection is always the application's own (blogapp/core/migrate.py)."""

from alembic import context

from blogapp.core.db import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
    transaction_per_migration=False,
)
context.run_migrations()

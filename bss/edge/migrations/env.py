"""What Alembic runs: revisions on the connection that bss/edge/migrate.py gives it."""

from alembic import context

from bss.all_tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()

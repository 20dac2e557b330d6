"""Where things are kept: one writer, immediate transactions, migrations, the events outbox."""

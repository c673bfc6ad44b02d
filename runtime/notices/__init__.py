"""Messages that we begin: which session's client is owed one, and how it gets it (docs/decisions/0018)."""

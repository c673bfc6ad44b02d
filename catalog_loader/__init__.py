"""A catalogue release: read, check, compile to tariff tables, publish."""

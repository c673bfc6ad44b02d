"""Product orders: items, steps, states, fallout."""

"""The business around the engine: customers, catalogue, orders, inventory, APIs, console. The engine runs without it."""

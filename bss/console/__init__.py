"""Pages of the console, one module a page, drawn by NiceGUI; operations and queries that they ask check the caller."""

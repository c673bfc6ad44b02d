"""The size and the end of grants."""

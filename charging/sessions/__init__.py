"""Sessions of an account: open, repeat, expire, end."""

"""Who may work with Farebox: tenants, users of the console, their sessions. Programs are in bss/api_clients.py."""

"""The farebox command, a module a command group."""

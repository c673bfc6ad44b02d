"""Automation that operators write: one event, a condition, an action."""

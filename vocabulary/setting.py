"""A setting: a dataclass field with its default and a line of prose, which `farebox config show` and docs read."""

from dataclasses import field
from typing import Any


def setting(default: Any, meaning: str) -> Any:
    """A field with a default; a dict or list is copied for each instance."""
    if isinstance(default, list | dict):
        return field(default_factory=lambda: type(default)(default), metadata={"meaning": meaning})
    return field(default=default, metadata={"meaning": meaning})

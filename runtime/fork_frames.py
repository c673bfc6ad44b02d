"""What `farebox up` and its fork server say to each other: lines of JSON."""

import msgspec


class Start(msgspec.Struct, frozen=True):
    """Asked for: `farebox <arguments>` with this environment and no other; its standard error is appended to `log`."""

    arguments: tuple[str, ...]
    environment: dict[str, str]
    log: str


class Started(msgspec.Struct, frozen=True, tag=True):
    """The answer to the oldest Start that has none."""

    pid: int


class Ended(msgspec.Struct, frozen=True, tag=True):
    """A child is gone: its exit code, or the signal's number, negative."""

    pid: int
    status: int


def to_line(said: msgspec.Struct) -> bytes:
    """As it is sent."""
    return msgspec.json.encode(said) + b"\n"

"""The store's protocol in plain Python: requests and replies as lists, written apart from the kernels."""

from typing import Final

LINE_OCTETS_MAX: Final = 8192
REPLY_OCTETS_MAX: Final = 128 * 1024 * 1024

Leaf = tuple[str, bytes]
"""(`$`, `+`, `-`, `:` or `_` for nil, octets)"""


class BrokenReplyError(Exception):
    """The octets are not the replies that were asked for."""


class _MoreNeededError(Exception):
    pass


def request(*words: bytes | str | int) -> bytes:
    """A request of these words."""
    octets = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(octets) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in octets)


def read_requests(octets: bytes) -> list[list[bytes]]:
    """The requests in these octets, each a list of words; AssertionError where they are none."""
    found, at = [], 0
    while at < len(octets):
        assert octets[at : at + 1] == b"*"
        end = octets.index(b"\r\n", at)
        count, at = int(octets[at + 1 : end]), end + 2
        words = []
        for _ in range(count):
            assert octets[at : at + 1] == b"$"
            end = octets.index(b"\r\n", at)
            length, at = int(octets[at + 1 : end]), end + 2
            words.append(octets[at : at + length])
            assert octets[at + length : at + length + 2] == b"\r\n"
            at += length + 2
        found.append(words)
    return found


def read_replies(octets: bytes, replies: int, elements: int, transaction: int = 0) -> list[Leaf] | None:
    """Leaves of so many replies; None where octets are missing yet.

    The last may be an array of `elements`, those before it arrays of `transaction` or nil.
    """
    leaves: list[Leaf] = []
    at = 0
    try:
        for reply in range(replies):
            is_last = reply == replies - 1
            at = _read_reply(octets, at, leaves, elements if is_last else transaction, is_last)
    except _MoreNeededError:
        return None
    if at != len(octets):
        raise BrokenReplyError("more than was asked for")
    return leaves


def _line(octets: bytes, at: int) -> tuple[bytes, bytes, int]:
    # A line has at least its kind, so its end is looked for behind that.
    end = octets.find(b"\r\n", at + 1)
    if end < 0:
        if len(octets) - at > LINE_OCTETS_MAX:
            raise BrokenReplyError("a line without an end")
        raise _MoreNeededError
    return octets[at : at + 1], octets[at + 1 : end], end + 2


def _count(text: bytes) -> int:
    if text == b"-1":
        return -1
    if not 0 < len(text) <= 10 or not all(48 <= digit <= 57 for digit in text) or int(text) > REPLY_OCTETS_MAX:
        return -2
    return int(text)


def _read_reply(octets: bytes, at: int, leaves: list[Leaf], elements: int, is_last: bool) -> int:
    kind, text, after = _line(octets, at)
    if kind in (b"+", b"-", b":"):
        leaves.append((kind.decode(), text))
        return after
    if kind == b"*" and _count(text) == -1 and elements and not is_last:
        leaves.append(("_", b""))
        return after
    if kind == b"*":
        if not elements or _count(text) != elements:
            raise BrokenReplyError("not the array that was asked for")
        for _ in range(elements):
            after = _read_element(octets, after, leaves)
        return after
    return _read_bulk(octets, at, leaves)


def _read_element(octets: bytes, at: int, leaves: list[Leaf]) -> int:
    kind, text, after = _line(octets, at)
    if kind in (b"+", b"-", b":"):
        leaves.append((kind.decode(), text))
        return after
    return _read_bulk(octets, at, leaves)


def _read_bulk(octets: bytes, at: int, leaves: list[Leaf]) -> int:
    kind, text, after = _line(octets, at)
    count = _count(text)
    if kind != b"$" or count < -1:
        raise BrokenReplyError("no bulk string")
    if count == -1:
        leaves.append(("_", b""))
        return after
    if len(octets) < after + count + 2:
        raise _MoreNeededError
    if octets[after + count : after + count + 2] != b"\r\n":
        raise BrokenReplyError("a bulk string that is longer than it says")
    leaves.append(("$", octets[after : after + count]))
    return after + count + 2

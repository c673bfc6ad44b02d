"""Which notifier tells clients: what it says of itself in the store, and when another may take its place.

There is one claim a store. Its holder writes it again and again with a beat that goes up; the others judge by that, on their
own clocks, whether it lives. Who takes it raises the epoch, and what the one before writes later is refused by each
partition (balances/edge/redis_notices.py): a wrong judgement costs a message at most that was on its way.
"""

from typing import Final, NamedTuple

from vocabulary.instants import NS_PER_S

SILENT_NS: Final = 3 * NS_PER_S
"""A notifier whose beat stood still for so long is taken for dead."""
OWN_GAP_NS: Final = NS_PER_S
"""Who didn't look for so long doesn't know how long the other was silent, and begins to count anew."""


class NotifierLostError(Exception):
    """Another notifier tells clients now; nothing was written."""


class NotifierClaim(NamedTuple):
    """Who tells clients."""

    epoch: int
    node: str
    """machine and data directory; '' where nobody does"""
    beat: int


NO_CLAIM: Final = NotifierClaim(0, "", 0)


def encode_claim(claim: NotifierClaim) -> str:
    """A claim as it stands in the store; nothing where nobody ever had it."""
    return "" if claim == NO_CLAIM else f"{claim.epoch} {claim.node} {claim.beat}"


def decode_claim(text: str) -> NotifierClaim:
    """ValueError where it is none."""
    if not text:
        return NO_CLAIM
    epoch, node, beat = text.split(" ")  # a node of '' leaves two spaces behind one another
    return NotifierClaim(int(epoch), node, int(beat))


class ClaimWatch:
    """Judges whether the claim is free for `node`."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._seen: NotifierClaim | None = None
        self._since_ns = 0
        self._looked_ns = 0

    def is_free(self, claim: NotifierClaim, now_ns: int) -> bool:
        """Has nobody it, or one of our own directory, which is dead since we have its lock, or one that is silent?"""
        has_slept = now_ns - self._looked_ns > OWN_GAP_NS
        self._looked_ns = now_ns
        if claim.node in ("", self._node):
            return True
        if claim != self._seen or has_slept:
            self._seen, self._since_ns = claim, now_ns
        return now_ns - self._since_ns >= SILENT_NS

    def forget(self) -> None:
        """The store wasn't there: the other couldn't beat either."""
        self._seen = None

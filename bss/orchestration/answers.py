"""What asking others came to, as a workflow keeps it: ids and words, no more."""

import msgspec

from bss.converting import meet


class Made(msgspec.Struct, frozen=True, tag=True):
    """It is done, now or when it was asked before; `ids` are what it made."""

    ids: dict[str, str] = {}


class Failed(msgspec.Struct, frozen=True, tag=True):
    """It was refused, or whether it is done couldn't be found out in time."""

    code: str
    reason: str
    is_transient: bool = False
    """it is worth asking again, later and under the same key"""


Answer = Made | Failed
meet(Answer)

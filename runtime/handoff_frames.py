"""Frames between a front-end process and the engine: a header of words, then the used rows of columns as they are in memory.

Both ends are processes of one machine and one release: what they say first is a fingerprint of the rows' layouts and of
the release, so that two releases never misread each other's octets. Every frame is a multiple of 8 octets long.

    HELLO    number: the store that the sender works on    body: fingerprint, then the sender's name
    WELCOME  number: of the link                           body: fingerprint
    REFUSAL                                                body: why, in words; the link is closed behind it
    ROWS     number: of the tick       counts: requests, MSCCs, identities, octets
    ANSWERS                            counts: rows, MSCCs
"""

from collections.abc import Sequence
from enum import IntEnum
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from charging.batch import (
    ANSWER_DTYPE,
    ANSWER_MSCC_DTYPE,
    COUNT_CREDITS,
    COUNT_IDENTITIES,
    COUNT_MSCCS,
    COUNT_OCTETS,
    COUNT_REQUESTS,
    IDENTITY_DTYPE,
    MSCC_DTYPE,
    REQUEST_DTYPE,
    UsageBatch,
)
from charging.handed_rows import HEAD_DTYPE, HandedAnswers
from vocabulary.limits import HANDOFF_FRAME_OCTETS_MAX
from vocabulary.outcomes import Outcome


class Frame(IntEnum):
    """What a frame is."""

    HELLO = 1
    WELCOME = 2
    REFUSAL = 3
    ROWS = 4
    ANSWERS = 5


MAGIC: Final = int.from_bytes(b"FAREBOX1", "little")
"""First word of every frame: whoever says something else is no process of ours."""
COUNTS: Final = 4
HEADER_WORDS: Final = 4 + COUNTS
HEADER_OCTETS: Final = 8 * HEADER_WORDS
FINGERPRINT_OCTETS: Final = 32
HELLO_OCTETS_MAX: Final = 4096
_ROW_DTYPES: Final = (REQUEST_DTYPE, MSCC_DTYPE, IDENTITY_DTYPE, np.dtype(np.uint8))
_ANSWER_DTYPES: Final = (HEAD_DTYPE, ANSWER_DTYPE, ANSWER_MSCC_DTYPE)
_MAX: Final = HANDOFF_FRAME_OCTETS_MAX


class FrameError(ValueError):
    """The octets are no frame that may stand here; the message says what is wrong with them."""


class Header(NamedTuple):
    """A frame's header; `total` octets include it."""

    kind: Frame
    total: int
    number: int
    counts: tuple[int, ...]

    @property
    def body(self) -> int:
        """Octets behind the header, padding included."""
        return self.total - HEADER_OCTETS


def release() -> str:
    """The release that this process is of."""
    try:
        return version("farebox")
    except PackageNotFoundError:
        return "unreleased"


def fingerprint() -> bytes:
    """What two processes must have in common to read each other's rows."""
    layouts = [repr((dtype.descr, dtype.itemsize)) for dtype in (*_ROW_DTYPES, *_ANSWER_DTYPES)]
    words = [release(), str(HEADER_WORDS), *(f"{outcome.name}={int(outcome)}" for outcome in Outcome), *layouts]
    return sha256("\n".join(words).encode()).digest()


def _padded(octets: int) -> int:
    return (octets + 7) & ~7


def _frame(kind: Frame, number: int, counts: Sequence[int], parts: Sequence[bytes | memoryview]) -> bytes:
    """Header, parts one behind the other, padding."""
    octets = sum(len(part) for part in parts)
    total = HEADER_OCTETS + _padded(octets)
    head = np.array([MAGIC, total, kind, number, *counts, *([0] * (COUNTS - len(counts)))], np.int64)
    return b"".join((head.data.cast("B"), *parts, bytes(total - HEADER_OCTETS - octets)))


def text_frame(kind: Frame, number: int, fingerprint_octets: bytes, text: str) -> bytes:
    """HELLO, WELCOME or REFUSAL."""
    body = fingerprint_octets + text.encode()[: HELLO_OCTETS_MAX - HEADER_OCTETS - FINGERPRINT_OCTETS - 8]
    return _frame(kind, number, (len(body),), (body,))


def _octets_of(rows: NDArray[np.void] | NDArray[np.uint8], count: int) -> memoryview:
    """The first `count` rows as octets; not copied."""
    return rows[:count].view(np.uint8).data


def rows_frame(number: int, batch: UsageBatch) -> bytes:
    """A tick's rows, all of the batch."""
    requests, msccs, identities, _, octets = batch.counts.tolist()
    parts = (
        _octets_of(batch.requests, requests),
        _octets_of(batch.msccs, msccs),
        _octets_of(batch.identities, identities),
        _octets_of(batch.octets, octets),
    )
    return _frame(Frame.ROWS, number, (requests, msccs, identities, octets), parts)


def answers_frame(handed: HandedAnswers) -> bytes:
    """Answers of a link's rows."""
    rows, msccs = handed.counts.tolist()
    parts = (_octets_of(handed.heads, rows), _octets_of(handed.answers, rows), _octets_of(handed.msccs, msccs))
    return _frame(Frame.ANSWERS, 0, (rows, msccs), parts)


def read_header(octets: NDArray[np.uint8]) -> Header:
    """The header that begins a frame. FrameError where no frame begins so, or one that is longer than any may be."""
    magic, total, kind, number, *counts = octets[:HEADER_OCTETS].view(np.int64).tolist()
    if magic != MAGIC:
        raise FrameError("it doesn't begin as a frame does: no front end or engine of Farebox speaks there")
    if kind not in Frame.__members__.values():
        raise FrameError(f"a frame of kind {kind}: there is none")
    if not HEADER_OCTETS <= total <= _MAX or total % 8:
        raise FrameError(f"a frame of {total} octets: at most {_MAX} may come, a multiple of 8")
    if min(counts) < 0:
        raise FrameError("a frame with fewer rows than none")
    found = Header(Frame(kind), total, number, tuple(counts))
    if found.body != _padded(_body_octets(found)):
        raise FrameError(f"a frame of {total} octets with rows of {_body_octets(found)}")
    return found


def _body_octets(header: Header) -> int:
    """Octets of the rows that a header counts."""
    if header.kind is Frame.ROWS:
        return sum(dtype.itemsize * count for dtype, count in zip(_ROW_DTYPES, header.counts, strict=True))
    if header.kind is Frame.ANSWERS:
        rows, msccs, *_ = header.counts
        return (HEAD_DTYPE.itemsize + ANSWER_DTYPE.itemsize) * rows + ANSWER_MSCC_DTYPE.itemsize * msccs
    return header.counts[0]


def read_text(header: Header, body: NDArray[np.uint8]) -> tuple[bytes, str]:
    """Fingerprint and words of a HELLO, WELCOME or REFUSAL. FrameError where it is too short for them."""
    length = header.counts[0]
    if length < FINGERPRINT_OCTETS or header.total > HELLO_OCTETS_MAX:
        raise FrameError(f"a greeting of {length} octets")
    octets = body[:length].tobytes()
    return octets[:FINGERPRINT_OCTETS], octets[FINGERPRINT_OCTETS:].decode(errors="replace")


def _lay(target: NDArray[np.void] | NDArray[np.uint8], count: int, body: NDArray[np.uint8], at: int, what: str) -> int:
    """Copy `count` rows out of the body; the place behind them. FrameError where there is no room."""
    if count > target.shape[0]:
        raise FrameError(f"a frame with {count} {what}: at most {target.shape[0]} may come")
    end = at + count * target.itemsize
    target[:count].view(np.uint8)[:] = body[at:end]
    return end


def read_rows(header: Header, body: NDArray[np.uint8], batch: UsageBatch) -> None:
    """Lay a ROWS frame into a batch, in place of what it held; its rows are not checked. FrameError: it is empty then."""
    batch.counts[:] = 0
    requests, msccs, identities, octets = header.counts
    at = _lay(batch.requests, requests, body, 0, "requests")
    at = _lay(batch.msccs, msccs, body, at, "MSCCs")
    at = _lay(batch.identities, identities, body, at, "identities")
    _lay(batch.octets, octets, body, at, "octets")
    counts = batch.counts
    counts[COUNT_REQUESTS], counts[COUNT_MSCCS], counts[COUNT_IDENTITIES] = requests, msccs, identities
    counts[COUNT_CREDITS], counts[COUNT_OCTETS] = 0, octets


def read_answers(header: Header, body: NDArray[np.uint8], handed: HandedAnswers) -> None:
    """Lay an ANSWERS frame into `handed`; its rows are not checked. FrameError: it is empty then."""
    handed.counts[:] = 0
    rows, msccs, *_ = header.counts
    at = _lay(handed.heads, rows, body, 0, "answers")
    at = _lay(handed.answers, rows, body, at, "answers")
    _lay(handed.msccs, msccs, body, at, "MSCCs")
    handed.counts[0], handed.counts[1] = rows, msccs

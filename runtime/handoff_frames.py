"""Frames between a front-end process and the engine: a header of words, then the used rows of columns as they are in memory.

Both ends are processes of one machine and one release: what they say first is a fingerprint of the rows' layouts and of
the release, so that two releases never misread each other's octets. Every frame is a multiple of 8 octets long.

    HELLO    number: the store that the sender works on    body: fingerprint, then the sender's name
    WELCOME  number: of the link                           body: fingerprint
    REFUSAL                                                body: why, in words; the link is closed behind it
    ROWS     number: of the tick       counts: requests, MSCCs, identities, octets
    ANSWERS                            counts: rows, MSCCs
    FINAL_UNITS                        counts: octets                        body: texts that answers name from now on
    OWNED                              counts: partitions          body: (partition, epoch) of each that the engine owns now
"""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from struct import Struct
from typing import Any, Final, NamedTuple

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
from charging.final_units import FinalUnit, FinalUnitsDamaged, pack_final_units, read_final_units
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
    FINAL_UNITS = 6
    OWNED = 7


MAGIC: Final = int.from_bytes(b"FAREBOX1", "little")
"""First word of every frame: whoever says something else is no process of ours."""
COUNTS: Final = 4
HEADER_WORDS: Final = 4 + COUNTS
HEADER_OCTETS: Final = 8 * HEADER_WORDS
FINGERPRINT_OCTETS: Final = 32
HELLO_OCTETS_MAX: Final = 4096
FINAL_UNITS_A_FRAME: Final = 256
_ROW_DTYPES: Final = (REQUEST_DTYPE, MSCC_DTYPE, IDENTITY_DTYPE, np.dtype(np.uint8))
_ANSWER_DTYPES: Final = (HEAD_DTYPE, ANSWER_DTYPE, ANSWER_MSCC_DTYPE)
_REQUEST_OCTETS, _MSCC_OCTETS, _IDENTITY_OCTETS, _ = (dtype.itemsize for dtype in _ROW_DTYPES)
_ANSWER_OCTETS: Final = HEAD_DTYPE.itemsize + ANSWER_DTYPE.itemsize
_ANSWER_MSCC_OCTETS: Final = ANSWER_MSCC_DTYPE.itemsize
_OWNED: Final = Struct("=2q")
_MAX: Final = HANDOFF_FRAME_OCTETS_MAX
_HEADER: Final = Struct(f"={HEADER_WORDS}q")
_KINDS: Final = {int(kind): kind for kind in Frame}
_NO_COUNTS: Final = (0,) * COUNTS
_PADDING: Final = bytes(8)

assert tuple(range(5)) == (COUNT_REQUESTS, COUNT_MSCCS, COUNT_IDENTITIES, COUNT_CREDITS, COUNT_OCTETS)


class FrameError(ValueError):
    """The octets are no frame that may stand here; the message says what is wrong with them."""


class Header(NamedTuple):
    """A frame's header; `total` octets include it."""

    kind: Frame
    total: int
    number: int
    counts: tuple[int, ...]


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


def _frame(kind: Frame, number: int, counts: tuple[int, ...], parts: Sequence[bytes | memoryview]) -> bytes:
    """Header, parts one behind the other, padding."""
    octets = sum(map(len, parts))
    total = HEADER_OCTETS + _padded(octets)
    counts += _NO_COUNTS[len(counts) :]
    return b"".join((_HEADER.pack(MAGIC, total, kind, number, *counts), *parts, _PADDING[: total - octets & 7]))


def text_frame(kind: Frame, number: int, fingerprint_octets: bytes, text: str) -> bytes:
    """HELLO, WELCOME or REFUSAL."""
    body = fingerprint_octets + text.encode()[: HELLO_OCTETS_MAX - HEADER_OCTETS - FINGERPRINT_OCTETS - 8]
    return _frame(kind, number, (len(body),), (body,))


class Columns:
    """Arrays whose first rows frames carry, seen as octets once: a slice of these costs a fifth of one of the arrays."""

    __slots__ = ("_columns", "counts")

    def __init__(self, counts: NDArray[np.int64], arrays: Sequence[NDArray[Any]]) -> None:
        self.counts = counts
        self._columns = [(array.view(np.uint8).data, array.itemsize, array.shape[0]) for array in arrays]

    def first(self, counts: tuple[int, ...]) -> list[memoryview]:
        """So many rows of each array, as octets; not copied."""
        return [view[: count * size] for (view, size, _), count in zip(self._columns, counts, strict=True)]

    def lay(self, counts: tuple[int, ...], body: memoryview) -> None:
        """Copy so many rows of each array out of a frame's body. FrameError where there is no room; nothing is copied."""
        for (_, _, room), count in zip(self._columns, counts, strict=True):
            if count > room:
                raise FrameError(f"a frame with {count} rows of a kind: at most {room} may come")
        at = 0
        for (view, size, _), count in zip(self._columns, counts, strict=True):
            octets = count * size
            view[:octets] = body[at : at + octets]
            at += octets


def row_columns(batch: UsageBatch) -> Columns:
    """The arrays of a batch that ROWS frames carry."""
    return Columns(batch.counts, (batch.requests, batch.msccs, batch.identities, batch.octets))


def answer_columns(handed: HandedAnswers) -> Columns:
    """The arrays of answers that ANSWERS frames carry."""
    return Columns(handed.counts, (handed.heads, handed.answers, handed.msccs))


def rows_frame(number: int, columns: Columns) -> bytes:
    """A tick's rows, all of the batch."""
    requests, msccs, identities, _, octets = columns.counts.tolist()
    counts = (requests, msccs, identities, octets)
    return _frame(Frame.ROWS, number, counts, columns.first(counts))


def answers_frame(columns: Columns) -> bytes:
    """Answers of a link's rows."""
    rows, msccs = columns.counts.tolist()
    return _frame(Frame.ANSWERS, 0, (rows, msccs), columns.first((rows, rows, msccs)))


def final_units_frames(units: Mapping[int, FinalUnit]) -> list[bytes]:
    """Texts of final units, as many frames as they need; what was told before stays."""
    texts = list(units.values())
    parts = (texts[at : at + FINAL_UNITS_A_FRAME] for at in range(0, len(texts), FINAL_UNITS_A_FRAME))
    packed = [pack_final_units(part).tobytes() for part in parts]
    return [_frame(Frame.FINAL_UNITS, 0, (len(octets),), (octets,)) for octets in packed]


def read_texts(header: Header, body: memoryview) -> dict[int, FinalUnit]:
    """The texts of a FINAL_UNITS frame by their numbers. FrameError where they are none."""
    try:
        return read_final_units(body[: header.counts[0]])
    except FinalUnitsDamaged as error:
        raise FrameError(f"texts of final units that can't be read: {error}") from None


def owned_frame(epochs: NDArray[np.int64]) -> bytes:
    """Which partitions an engine owns, by its epoch in each; 0: it doesn't."""
    pairs = [(partition, epoch) for partition, epoch in enumerate(epochs.tolist()) if epoch]
    return _frame(Frame.OWNED, 0, (len(pairs),), [_OWNED.pack(*pair) for pair in pairs])


def read_owned(header: Header, body: memoryview, partition_count: int) -> dict[int, int]:
    """Epochs by partition of an OWNED frame. FrameError where it names partitions that there aren't."""
    epochs = dict(_OWNED.iter_unpack(body[: _OWNED.size * header.counts[0]]))
    if any(not 0 <= partition < partition_count or epoch < 1 for partition, epoch in epochs.items()):
        raise FrameError(f"partitions of an engine beyond {partition_count}, or of no epoch")
    return epochs


def read_header(octets: memoryview, at: int = 0) -> Header:
    """The header that begins a frame. FrameError where no frame begins so, or one that is longer than any may be."""
    magic, total, number_of_kind, number, *counts = _HEADER.unpack_from(octets, at)
    if magic != MAGIC:
        raise FrameError("what doesn't begin as a frame does: no front end or engine of Farebox speaks there")
    kind = _KINDS.get(number_of_kind)
    if kind is None:
        raise FrameError(f"a frame of kind {number_of_kind}: there is none")
    if not HEADER_OCTETS <= total <= _MAX or total % 8:
        raise FrameError(f"a frame of {total} octets: at most {_MAX} may come, a multiple of 8")
    if min(counts) < 0:
        raise FrameError("a frame with fewer rows than none")
    found = Header(kind, total, number, tuple(counts))
    if total - HEADER_OCTETS != _padded(_body_octets(found)):
        raise FrameError(f"a frame of {total} octets with rows of {_body_octets(found)}")
    return found


def _body_octets(header: Header) -> int:
    """Octets of the rows that a header counts."""
    first, second, third, fourth = header.counts
    if header.kind is Frame.ROWS:
        return _REQUEST_OCTETS * first + _MSCC_OCTETS * second + _IDENTITY_OCTETS * third + fourth
    if header.kind is Frame.ANSWERS:
        return _ANSWER_OCTETS * first + _ANSWER_MSCC_OCTETS * second
    return _OWNED.size * first if header.kind is Frame.OWNED else first


def read_text(header: Header, body: memoryview) -> tuple[bytes, str]:
    """Fingerprint and words of a HELLO, WELCOME or REFUSAL. FrameError where it is too short for them."""
    length = header.counts[0]
    if length < FINGERPRINT_OCTETS or header.total > HELLO_OCTETS_MAX:
        raise FrameError(f"a greeting of {length} octets")
    octets = bytes(body[:length])
    return octets[:FINGERPRINT_OCTETS], octets[FINGERPRINT_OCTETS:].decode(errors="replace")


def read_rows(header: Header, body: memoryview, columns: Columns) -> None:
    """Lay a ROWS frame into a batch, in place of what it held; its rows are not checked. FrameError: it is empty then."""
    counts = columns.counts
    counts[:] = 0
    columns.lay(header.counts, body)
    requests, msccs, identities, octets = header.counts
    counts[:] = requests, msccs, identities, 0, octets


def read_answers(header: Header, body: memoryview, columns: Columns) -> None:
    """Lay an ANSWERS frame into answers; its rows are not checked. FrameError: they are none then."""
    columns.counts[:] = 0
    rows, msccs, *_ = header.counts
    columns.lay((rows, rows, msccs), body)
    columns.counts[:] = rows, msccs

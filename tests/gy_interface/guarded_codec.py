"""Decode and encode messages that end where memory may not be touched: `python -m ... COUNT SEED`.

Run by test_codec_hostile in a process of its own, since one octet too far ends it with a signal.
"""

import ctypes
import mmap
import random
import sys

import numpy as np
from numpy.typing import NDArray

from charging.batch import new_answer_batch, new_usage_batch
from gy_interface.cca import ANSWER_SPAN_DTYPE, MSCC_OCTETS_MAX, encode_answers, order_answers
from gy_interface.ccr import decode_requests
from gy_interface.codec_rules import new_answer_order, new_answer_rules, new_decode_rules, new_sender
from gy_interface.dictionary import failed_avp_examples
from gy_interface.octets import load32
from tests.gy_interface.client_messages import INITIAL, TERMINATION, UPDATE, Magma, Open5gs, ergw, kamailio
from tests.gy_interface.codec import HOST, KEYS, REALM, SECRET
from tests.gy_interface.diameter_octets import ccr, essentials, group, message, text, u32, update_of_700_octets
from vocabulary.outcomes import Outcome

PAGE = mmap.PAGESIZE
CORPUS = [
    update_of_700_octets(3),
    Open5gs().send(INITIAL),
    Open5gs().send(UPDATE, seconds=1, up=2, down=3, reason=3),
    Magma().send(UPDATE, {1: (5, 6), 2: (7, 8)}, reason=1),
    ergw(TERMINATION, 4),
    kamailio(UPDATE, 1),
    ccr(u32(436, 0), u32(439, 7), request_type=4),
    message(*essentials(), group(284, text(280, "dra"), text(33, "x")), text(282, "dra")),
]


class GuardedPages:
    """Memory whose last page may not be touched."""

    def __init__(self, pages: int) -> None:
        self._memory = mmap.mmap(-1, (pages + 1) * PAGE)
        self._octets = np.frombuffer(self._memory, np.uint8)
        self._end = pages * PAGE
        libc = ctypes.CDLL(None, use_errno=True)
        address = self._octets.ctypes.data + self._end
        if libc.mprotect(ctypes.c_void_p(address), ctypes.c_size_t(PAGE), 0) != 0:
            raise OSError(ctypes.get_errno(), "mprotect")

    def last(self, octets: int) -> NDArray[np.uint8]:
        """The last `octets` that may be touched."""
        return self._octets[self._end - octets : self._end]


def mutate(octets: bytes, draw: random.Random) -> bytes:
    """The message with a few octets changed, mostly in AVP headers, or its end cut; its length is true."""
    changed = bytearray(octets)
    if draw.random() < 0.5:
        changed = changed[: draw.randrange(20, len(changed) + 1) & ~3]
    for _ in range(draw.randrange(5)):
        place = draw.randrange(20, len(changed)) if len(changed) > 20 else 12
        changed[place] = draw.choice((0, 1, 4, 7, 8, 9, 12, 0x40, 0x80, 0xC0, 0xFF, draw.randrange(256)))
    changed[1:4] = len(changed).to_bytes(3, "big")
    return bytes(changed)


def run(count: int, seed: int) -> None:
    """Decode and encode `count` mutated messages, each alone in buffers of exactly its size."""
    draw = random.Random(seed)
    received_pages, octets_pages, out_pages = GuardedPages(4), GuardedPages(4), GuardedPages(8)
    batch, answers = new_usage_batch(1, 32, 16), new_answer_batch(1, 32)
    rules, sender = new_decode_rules(SECRET, KEYS, KEYS, HOST, REALM), new_sender(0, 1, 0, 0)
    answer_rules, order = new_answer_rules(HOST, REALM, failed_avp_examples()), new_answer_order(1, 1)
    others, spans = np.zeros((1, 2), np.int64), np.zeros(1, ANSWER_SPAN_DTYPE)
    answers.msccs["outcome"], answers.msccs["has_grant"] = Outcome.RATING_FAILED, 1
    answers.msccs["unit"], answers.msccs["validity_s"], answers.msccs["final_action"] = 1, 60, 1
    answers.msccs["threshold_units"], answers.msccs["holding_s"] = 1, 1
    answers.msccs["tariff_change_s"] = 1  # more than any answer has at once
    outcomes: dict[int, int] = {}
    for _ in range(count):
        octets = mutate(draw.choice(CORPUS), draw)
        received = received_pages.last(len(octets))
        received[:] = np.frombuffer(octets, np.uint8)
        exact = batch._replace(octets=octets_pages.last(len(octets)))
        exact.counts[:] = 0
        consumed, _, _ = decode_requests(received, len(octets), exact, sender, rules, 1, others)
        assert consumed == len(octets)
        if not exact.counts[0]:
            continue
        request = exact.requests[0]
        outcomes[int(request["outcome"])] = outcomes.get(int(request["outcome"]), 0) + 1
        answers.answers[0]["outcome"] = request["outcome"] or Outcome.GRANTED
        answers.answers[0]["failed_code"] = draw.choice((0, 415, 436))
        room = 256 + len(answer_rules.identity) + 3 * len(octets) + MSCC_OCTETS_MAX * int(request["mscc_count"])
        written = order_answers(exact, answers, order)
        place, _, _ = encode_answers(exact, answers, order, 0, written, answer_rules, out_pages.last(room), spans)
        assert place == 1
    print(count, "messages decoded and answered, by outcome:", dict(sorted(outcomes.items())))  # noqa: T201


if __name__ == "__main__":
    if "--read-too-far" in sys.argv:
        load32(GuardedPages(1).last(4), 1)
    run(int(sys.argv[1]), int(sys.argv[2]))

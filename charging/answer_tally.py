"""What a decided batch comes to, in one pass each: counts for telemetry, and which accounts have something due when."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from charging.batch import COUNT_REQUESTS
from charging.batch_rows import HELD_ANSWERED
from vocabulary.held import held
from vocabulary.kernel import kernel
from vocabulary.outcomes import Outcome

TALLY_OPENED: Final = len(Outcome)
TALLY_ENDED: Final = len(Outcome) + 1
_TENANT_SHIFT: Final = 48


def new_tally() -> NDArray[np.int64]:
    """int64: answers that leave by Outcome, then sessions opened and sessions ended by their request."""
    return np.zeros(len(Outcome) + 2, np.int64)


@kernel
def tally_answers(answered_octets, tally):
    """Add the answers of a batch (charging.batch_rows.hold_answered) to `tally` (`new_tally`)."""
    answered = held(answered_octets, HELD_ANSWERED)
    answers = answered.answers.answers
    for row in range(answered.usage.counts[COUNT_REQUESTS]):
        answer = answers[row]
        if answer.is_silent == 0:
            tally[answer.outcome] += 1
        if answer.opened_session == 1:
            tally[TALLY_OPENED] += 1
        if answer.ended_session != 0:
            tally[TALLY_ENDED] += 1


@kernel
def collect_due(batch, answers, bucket_ns, buckets, members):
    """Requests after which something of their account is due: its bucket of time and the account; how many.

    bucket_ns   int64: length of a bucket; the one in which something is due is over when it is looked at
    buckets     int64[requests], written
    members     int64[requests], written: `tenant << 48 | account id`
    """
    count = 0
    for row in range(batch.counts[COUNT_REQUESTS]):
        due_ns = answers.answers[row].due_ns
        if due_ns != 0:
            request = batch.requests[row]
            buckets[count] = due_ns // bucket_ns + 1
            members[count] = np.int64(request.tenant) << _TENANT_SHIFT | request.account_id
            count += 1
    return count

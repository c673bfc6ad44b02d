"""What is said beside the size of a grant: how long it is valid, when to ask again, what follows the last one.

All of it is the price's as it is now, so that the record keeps none of it and a repeat has it again (docs/charging.md §6, §8).
"""

import numpy as np

from vocabulary.kernel import kernel
from vocabulary.limits import THRESHOLD_UNITS_MAX


@kernel
def threshold_of(price, granted):
    """Units left of a grant when more is to be asked, always below it; 0 where the price says none or the grant is too small.

    granted   int64, 0..UNITS_MAX
    The AVPs have 32 bits (TS 32.299 §7.2): a share of a larger grant is cut to these.
    """
    units = np.int64(price.threshold_units)
    percent = np.int64(price.threshold_percent)
    if percent > 0:
        units = min(granted // 100 * percent + granted % 100 * percent // 100, THRESHOLD_UNITS_MAX)
    return units if units < granted else np.int64(0)


@kernel
def set_terms(price, is_final, answer):
    """Fill what a price says of the grant in `answer` (ANSWER_MSCC_DTYPE row).

    is_final   bool: nothing is left to grant after it; where the price has an action for that, the client is not to ask
               before the end, so that such a grant has no threshold
    """
    answer.validity_s = price.validity_s
    answer.holding_s = price.holding_s
    if is_final and price.final_action != 0:
        answer.final_action = price.final_action
    else:
        answer.threshold_units = threshold_of(price, answer.granted)

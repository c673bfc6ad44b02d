"""What is said beside the size of a grant: how long it is valid, when to ask again, what follows the last one.

All of it is the price's as it is now, so that the record keeps none of it and a repeat has it again (docs/charging.md §6, §8).
"""

import numpy as np

from charging.tariff_tables import FinalAction
from vocabulary.kernel import inlined_kernel, kernel
from vocabulary.limits import THRESHOLD_UNITS_MAX
from vocabulary.outcomes import Outcome

_TERMINATE = int(FinalAction.TERMINATE)
_GRANTED = int(Outcome.GRANTED)


@inlined_kernel
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


@inlined_kernel
def set_terms(price, window, is_final, answer):
    """Fill what a price says of the grant in `answer` (ANSWER_MSCC_DTYPE row).

    window     charging.rating.time_bands.GrantWindow: how long it may be used, and the tariff change meanwhile
    is_final   bool: nothing is left to grant after it; where the price has an action for that, the client is not to ask
               before the end, so that such a grant has no threshold
    """
    answer.validity_s = window.validity_s
    answer.holding_s = min(price.holding_s, window.validity_s)
    answer.tariff_change_s = window.tariff_change_s
    if is_final and price.final_action != 0:
        answer.final_action = price.final_action
        answer.final_unit = price.final_unit
    else:
        answer.threshold_units = threshold_of(price, answer.granted)


@inlined_kernel
def goes_on_without_quota(price):
    """Is a user whose credit is used up redirected or restricted, instead of being refused?"""
    return price.final_action > _TERMINATE


@kernel
def set_action_at_once(price, answer):
    """No quota, and what follows the last grant at once; the client asks again when the validity is over (RFC 8506 §5.6.2)."""
    answer.outcome = _GRANTED
    answer.validity_s = price.validity_s
    answer.final_action = price.final_action
    answer.final_unit = price.final_unit

"""When a consumer reports (TS 32.255 §5.2.1): what settings have answers say of it, and which reports concern records.

A trigger of a setting is `TYPE [immediate|deferred] [limit]`, such as `VOLUME_LIMIT deferred 1073741824`. Those of quota
follow from what is granted and are said by responses.py alone.
"""

from typing import Any, Final, NamedTuple

from chf_http2.schema import Trigger, UsedUnitContainer

TARIFF_TIME_CHANGE: Final = "TARIFF_TIME_CHANGE"
"""triggerType of a used unit container that was closed because the price changed: its usage was before that."""
OF_QUOTA: Final = (
    "QUOTA_EXHAUSTED",
    "QUOTA_THRESHOLD",
    "VALIDITY_TIME",
    "QHT",
    "FINAL",
    "FORCED_REAUTHORISATION",
    "OTHER_QUOTA_TYPE",
    "UNUSED_QUOTA_TIMER",
    "UNIT_COUNT_INACTIVITY_TIMER",
    "ABNORMAL_RELEASE",
    TARIFF_TIME_CHANGE,
)
"""Types that quota management, or the end of a service, reports by: a record says nothing of them."""
CATEGORIES: Final = {"immediate": "IMMEDIATE_REPORT", "deferred": "DEFERRED_REPORT"}
DEFERRED: Final = frozenset({"USER_LOCATION_CHANGE", "SERVING_NODE_CHANGE"})
"""Types whose default category (TS 32.255 §5.2.1) is deferred; that of others is immediate."""


class Limit(NamedTuple):
    """The member of a trigger that says its limit, and the largest that it can say."""

    member: str
    most: int


LIMITS: Final = {
    "VOLUME_LIMIT": Limit("volume_limit64", 2**63 - 1),
    "TIME_LIMIT": Limit("time_limit", 2**32 - 1),
    "EVENT_LIMIT": Limit("event_limit", 2**32 - 1),
    "MAX_NUMBER_OF_CHANGES_IN_CHARGING_CONDITIONS": Limit("max_number_of_ccc", 2**32 - 1),
}
"""Types that have a limit, in octets, seconds, events and changes."""
TRIGGERS_MAX: Final = 32
"""Of one level."""


class TriggerFault(ValueError):
    """Words that are no trigger; the message says what is."""


class Triggers(NamedTuple):
    """What answers say of when to report, beside quota.

    session        of a session, as it opens
    rating_group   of a rating group and UPF, with its quota
    offline        of one without quota
    """

    session: tuple[Trigger, ...] = ()
    rating_group: tuple[Trigger, ...] = ()
    offline: tuple[Trigger, ...] = ()


NO_TRIGGERS: Final = Triggers()


def trigger_of(words: str) -> Trigger:
    """The trigger that a setting says. TriggerFault."""
    kind, *more = words.split() or [""]
    if not kind.replace("_", "").replace("-", "").isalnum() or kind != kind.upper():
        raise TriggerFault("which begins with no trigger type, such as RAT_CHANGE")
    if kind in OF_QUOTA:
        raise TriggerFault("which follows from quota: leave it out")
    default = "deferred" if kind in DEFERRED else "immediate"
    category = CATEGORIES[more.pop(0) if more and more[0] in CATEGORIES else default]
    limit = LIMITS.get(kind)
    if limit is None:
        if more:
            raise TriggerFault(f"which has {more[0]!r}, neither immediate nor deferred")
        return Trigger(trigger_type=kind, trigger_category=category)
    if len(more) != 1 or not more[0].isascii() or not more[0].isdigit() or not 1 <= int(more[0]) <= limit.most:
        raise TriggerFault(f"which needs a limit at its end, 1..{limit.most}")
    said: dict[str, Any] = {limit.member: int(more[0])}
    return Trigger(trigger_type=kind, trigger_category=category, **said)


def triggers_of(settings: tuple[str, ...]) -> tuple[Trigger, ...]:
    """The triggers of one level. TriggerFault names the words."""
    if len(settings) > TRIGGERS_MAX:
        raise TriggerFault(f"has {len(settings)} triggers: at most {TRIGGERS_MAX}")
    found = []
    for words in settings:
        try:
            found.append(trigger_of(words))
        except TriggerFault as fault:
            raise TriggerFault(f"has {words!r}, {fault}") from None
    return tuple(found)


def is_before_change(container: UsedUnitContainer) -> bool:
    """Did a tariff change close the container?"""
    return any(trigger.trigger_type == TARIFF_TIME_CHANGE for trigger in container.triggers or ())


def concerns_record(container: UsedUnitContainer) -> bool:
    """Did something close it that records are to say, such as a volume limit or another radio access?"""
    return any(trigger.trigger_type not in (None, *OF_QUOTA) for trigger in container.triggers or ())

"""Holds events against the rules in force: what the relay calls with each event, before it counts as told. A rule that fires
is a run (bss/automation), written with the event that starts its workflow. An event may come again, here or at another
worker: its runs are known by event and rule, so there is one of each.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from bss.access import ROLES, Caller
from bss.automation.evaluate import Firing, Look, look_at_rules
from bss.automation.events import Event
from bss.automation.operations import begin_runs
from bss.automation.queries import rules_in_force
from bss.automation.rules_file import Rule, read_rules
from bss.deliveries import Event as OutboxEvent
from bss.views.event_resources import resource_fields
from bss.work import Transactions, Work

KNOWN_FOR_NS: Final = 1_000_000_000
"""How long a worker goes by the rules that it read; then it looks whether there are others."""
SUBJECT: Final = "workflow:automation"


class _Known(NamedTuple):
    read_ns: int
    number: int
    rules: tuple[Rule, ...]


class EventRules:
    """See the module.

    wall_ns   the machine's clock, which nobody moves
    reached   kill points (runtime/kill_points.py)
    noticed   is told of a condition that has no answer for an event, and of rules that can't be read any more, for a log
    """

    def __init__(
        self,
        database: Transactions,
        *,
        wall_ns: Callable[[], int],
        reached: Callable[[str], None] = lambda name: None,
        noticed: Callable[[OutboxEvent, Look], None] = lambda event, look: None,
    ) -> None:
        self._database = database
        self._wall_ns = wall_ns
        self._reached = reached
        self._noticed = noticed
        self._known: dict[str, _Known] = {}

    def __call__(self, event: OutboxEvent) -> None:
        """Begin what the event's rules ask for."""
        caller = Caller(event.tenant, SUBJECT, ROLES["workflow"])
        known = self._rules_of(caller, event)
        rules = [rule for rule in known.rules if rule.enabled and rule.event == event.kind]
        if not rules:
            return
        seen = self._database.read(caller, lambda work: _seen(work, event))
        looks = look_at_rules(rules, seen)
        for look in looks:
            if look.is_undecided:
                self._noticed(event, look)
        fired = [(rule, look.firing) for rule, look in zip(rules, looks, strict=True) if look.firing is not None]
        if fired:
            self._reached("automation.heard")
            self._database.write(caller, lambda work: _begin(work, event, known.number, fired, seen))
            self._reached("automation.begun")

    def _rules_of(self, caller: Caller, event: OutboxEvent) -> _Known:
        known, now_ns = self._known.get(caller.tenant), self._wall_ns()
        if known is not None and now_ns - known.read_ns < KNOWN_FOR_NS:
            return known
        found = self._database.read(caller, rules_in_force)
        if found is None:
            known = _Known(now_ns, 0, ())
        elif known is not None and known.number == found.number:
            known = known._replace(read_ns=now_ns)
        else:
            read = read_rules("rules.yaml", found.text.encode())
            for fault in read.faults:  # rules that an earlier release took, and this one doesn't
                self._noticed(event, Look(f"rules {found.number}", None, str(fault)))
            known = _Known(now_ns, found.number, read.rules)
        self._known[caller.tenant] = known
        return known


def _seen(work: Work, event: OutboxEvent) -> Event:
    """The event with its resource as it is now."""
    return Event(
        kind=event.kind,
        resource=event.resource,
        resource_id=event.resource_id,
        ids=event.ids,
        occurred_ns=event.occurred_ns,
        resource_fields=resource_fields(work, resource=event.resource, resource_id=event.resource_id),
    )


def _begin(work: Work, event: OutboxEvent, rule_set: int, fired: Sequence[tuple[Rule, Firing]], seen: Event) -> Any:
    referred = [str(value) for name, value in seen.resource_fields.items() if name.endswith("_id")]
    return begin_runs(
        work,
        event_id=event.id,
        event_kind=event.kind,
        resource=event.resource,
        resource_id=event.resource_id,
        rule_set=rule_set,
        firings=fired,
        related_ids=[event.resource_id, *event.ids.values(), *referred],
    )

"""Steps of rules' actions (bss/automation/actions.py): each calls an operation that people and APIs call, too, as the caller
that the rule is. Texts are the rule's, filled in from the event; one that came to nothing is as if it weren't there.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Final, NamedTuple

from bss.automation import actions, execution
from bss.automation.execution import MADE_ID
from bss.automation.operations import RUN_RESOURCE
from bss.automation.records import RunTask
from bss.automation.rules_file import amount_of
from bss.catalog.queries import release_in_force
from bss.crm.care_operations import open_ticket, record_interaction
from bss.crm.states import TICKET_DUE_NS
from bss.errors import Conflict, Invalid
from bss.inventory.queries import product
from bss.orchestration.balance_flow import Decision, decide
from bss.orchestration.order_placing import AskedItem, place_order
from bss.orchestration.ports import Ports
from bss.orchestration.step_flow import Inside, Outside, StepFlow
from bss.orders.records import Action
from bss.prepay.operations import request_action, settle_action
from bss.prepay.queries import action as read_action
from bss.prepay.records import ActionKind, ActionState, BalanceAction
from bss.steps import NO_ENGINE, Answer, Failed, Made
from bss.work import Work

AUTOMATION: Final = "automation"
"""The workflow's name."""
CHANNEL: Final = "automation"
"""Where tickets, interactions, orders and money say that they come from."""
TOLD: Final = "AutomationNoticeEvent"
"""Kind of the event that hubs are told of."""
TICKET_TYPE: Final = "automation"
_SEVERITY: Final = "minor"
_ORDERED: Final = {"suspend_product": Action.SUSPEND, "resume_product": Action.RESUME}
_STATE: Final = "state"
_OUTCOME: Final = "outcome"
_REMAINING: Final = "remaining_micros"


Do = Callable[[Work, RunTask], Mapping[str, str]]
Steps = Mapping[str, Inside[RunTask] | Outside[RunTask]]
"""What does each kind of step."""


class _Asked(NamedTuple):
    tenant: str
    action: BalanceAction


def automation_steps(ports: Ports) -> Steps:
    """The table, for these ports."""
    money = _Money(ports)
    return {
        actions.OPEN_TICKET: Inside(_with_texts(_open_ticket)),
        actions.RECORD_INTERACTION: Inside(_with_texts(_record_interaction)),
        actions.PLACE_ORDER: Inside(_with_texts(_place_order)),
        actions.REQUEST_BALANCE_CHANGE: Inside(_with_texts(_request_balance_change)),
        actions.SEND_BALANCE_CHANGE: Outside(money.read, money.send, money.note),
        actions.TELL_HUBS: Inside(_with_texts(_tell_hubs)),
    }


def automation_flow(steps: Steps, reached: Callable[[str], None] = lambda name: None) -> StepFlow[RunTask]:
    """The workflow of a rule's run: its action, step after step, as the rule's own caller."""
    return StepFlow(execution, steps, point=lambda task: "automation.step", reached=reached, acting=_as_rule)


def _as_rule(work: Work, task: RunTask) -> AbstractContextManager[None]:
    return work.acting_as(actions.rule_caller(work.caller.tenant, task.run.rule, task.run.action))


def _with_texts(do: Do) -> Do:
    """What `do` does, once each text that the action needs came to something."""

    def checked(work: Work, task: RunTask) -> Mapping[str, str]:
        for name in actions.ACTION_OF[task.run.action].required:
            if not task.run.texts[name].strip():
                remedy = "Name what the event or its resource has: farebox rules test shows it"
                raise Invalid(f"with.{name}", "it came to nothing for this event", remedy)
        return do(work, task)

    return checked


def _open_ticket(work: Work, task: RunTask) -> Mapping[str, str]:
    texts = task.run.texts
    severity = texts.get("severity") or _SEVERITY
    if severity not in TICKET_DUE_NS:
        raise Invalid("with.severity", f"{severity[:40]!r} is none", f"Write {', '.join(TICKET_DUE_NS)}")
    ticket = open_ticket(
        work,
        name=texts["subject"],
        description=texts.get("description") or texts["subject"],
        severity=severity,
        ticket_type=TICKET_TYPE,
        channel=CHANNEL,
        customer_id=texts.get("customer") or None,
        related_kind=task.run.resource,
        related_id=task.run.resource_id,
    )
    return {MADE_ID: ticket.id}


def _record_interaction(work: Work, task: RunTask) -> Mapping[str, str]:
    texts = task.run.texts
    met = record_interaction(
        work,
        direction="outbound",
        channel=CHANNEL,
        reason=texts["subject"],
        description=texts.get("description") or None,
        customer_id=texts["customer"],
    )
    return {MADE_ID: met.id}


def _place_order(work: Work, task: RunTask) -> Mapping[str, str]:
    texts = task.run.texts
    if task.run.action in _ORDERED:
        customer_id = product(work, texts["product"]).customer_id
        item = AskedItem(action=_ORDERED[task.run.action], product_id=texts["product"])
    else:
        customer_id, item = texts["customer"], AskedItem(action=Action.ADD, offering_id=texts["offering"])
    description = texts.get("reason") or f"rule {task.run.rule}"
    order = place_order(work, customer_id=customer_id, items=[item], description=description, channel=CHANNEL)
    return {MADE_ID: order.id}


def _request_balance_change(work: Work, task: RunTask) -> Mapping[str, str]:
    """The engine is asked next; should that be lost, the action's own due row asks, under the same id."""
    texts = task.run.texts
    has = product(work, texts["product"])
    if has.engine_account_id is None:
        raise Conflict("with.product", f"product {has.id} has no account", "Name one that has")
    micros, currency = amount_of(texts["amount"])
    of_catalogue = release_in_force(work).engine.currency
    if currency != of_catalogue:
        raise Invalid("with.amount", f"{currency} isn't the catalogue's currency", f"Write {of_catalogue}")
    made = request_action(
        work,
        kind=ActionKind(task.run.action),
        engine_account_id=has.engine_account_id,
        amount_micros=micros,
        currency=currency,
        reason=texts.get("reason") or "",
        channel=CHANNEL,
        customer_id=has.customer_id,
    )
    return {MADE_ID: made.id}


def _tell_hubs(work: Work, task: RunTask) -> Mapping[str, str]:
    event_id = work.event(
        TOLD,
        resource=RUN_RESOURCE,
        resource_id=task.run.id,
        rule=task.run.rule,
        topic=task.run.texts["topic"],
        event_kind=task.run.event_kind,
        about=task.run.resource_id,
    )
    return {"event_id": event_id}


class _Money:
    """The step that has the engine decide a top-up or an adjustment."""

    def __init__(self, ports: Ports) -> None:
        self._engine = ports.engine

    def read(self, work: Work, task: RunTask) -> _Asked:
        """The action that the step before wrote."""
        return _Asked(work.caller.tenant, read_action(work, task.outcomes[MADE_ID]))

    def send(self, asked: _Asked) -> Answer:
        """What the engine says, or has said already to who sent it again."""
        known = asked.action
        if known.state != ActionState.PENDING:
            said = Decision(known.state, known.outcome or "", known.remaining_micros)
        else:
            decided = decide(self._engine, asked.tenant, known)
            if decided is None:
                return Failed(NO_ENGINE, "the engine doesn't answer; the money is asked for again", is_transient=True)
            said = decided
        remaining = {} if said.remaining_micros is None else {_REMAINING: str(said.remaining_micros)}
        return Made({_STATE: said.state, _OUTCOME: said.outcome, **remaining})

    def note(self, work: Work, task: RunTask, made: Made) -> Failed | None:
        """Write it down; where the engine refused the run has failed, and says why. A replay asks for money anew."""
        state = ActionState(made.ids[_STATE])
        remaining = made.ids.get(_REMAINING)
        settle_action(
            work,
            task.outcomes[MADE_ID],
            state=state,
            outcome=made.ids[_OUTCOME],
            remaining_micros=None if remaining is None else int(remaining),
        )
        if state != ActionState.REFUSED:
            return None
        return Failed("refused", made.ids[_OUTCOME], redoes=(actions.REQUEST_BALANCE_CHANGE,))

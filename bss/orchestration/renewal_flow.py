"""The next period of a product: its fee is taken and what it gives is given, once a period. A due row starts it; what becomes
of it schedules the next. Where money lacks, the product waits without a period until money comes, or a day, and the next one
begins when it is paid.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from bss.converting import convert
from bss.due import Due, due_of, finish, schedule
from bss.engine_port import NoEngine
from bss.errors import BusinessError
from bss.inventory.queries import product, products_of_accounts
from bss.inventory.renewals import REFUSED, RENEWAL_DUE
from bss.inventory.states import ProductStatus
from bss.orchestration.plans import sold
from bss.orchestration.ports import Ports, engine_answer
from bss.orchestration.product_terms import PeriodTerms, period_terms, whole_second
from bss.orchestration.run import RESOURCE_ID, Ids, Json, Run
from bss.orders.operations import WORKFLOW
from bss.steps import Answer, Failed, Made
from bss.work import Work
from vocabulary.instants import FOREVER_NS, NS_PER_S

RENEWAL: Final = "renewal"
"""The workflow's name."""
RENEWAL_READY: Final = "product.renewal_ready"
"""Kind of the event that starts it."""
PAID_DUE: Final = "product.renewal_paid"
"""Due rows whose resource is the number of an engine account that was given money."""
TRANSIENT_PAUSE_S: Final = 60
REFUSED_PAUSE_S: Final = 86_400


class _Renewal(msgspec.Struct, frozen=True):
    account_id: int
    tenant: str
    terms: PeriodTerms


def start_renewal(work: Work, due: Due) -> None:
    """What the due row asks for: a renewal of an active product. One that is suspended is looked at again a day later."""
    finish(work, due)
    status = product(work, due.resource_id).status
    if status == ProductStatus.ACTIVE:
        from_ns = due.ids.get("from_ns") or str(whole_second(due.at_ns))
        work.event(RENEWAL_READY, resource=WORKFLOW, resource_id=due.resource_id, from_ns=from_ns)
    elif status == ProductStatus.SUSPENDED:
        schedule(work, RENEWAL_DUE, resource_id=due.resource_id, at_ns=work.now_ns + REFUSED_PAUSE_S * NS_PER_S)


def renew_what_waits(work: Work, due: Due) -> None:
    """An engine account was given money: renewals that it didn't pay for are asked for again."""
    finish(work, due)
    for has in products_of_accounts(work, [int(due.resource_id)]):
        if any(waits.kind == RENEWAL_DUE and REFUSED in waits.ids for waits in due_of(work, has.id)):
            schedule(work, RENEWAL_DUE, resource_id=has.id, at_ns=work.now_ns)


class RenewalFlow:
    """The workflow. `reached` is told before and after what it asks (runtime/kill_points.py)."""

    def __init__(self, ports: Ports, reached: Callable[[str], None] = lambda name: None) -> None:
        self._ports = ports
        self._reached = reached

    def __call__(self, run: Run, ids: Ids) -> None:
        """Renew `ids[RESOURCE_ID]` for the period that begins at `ids["from_ns"]`."""
        product_id, from_ns = ids[RESOURCE_ID], int(ids["from_ns"])
        self._reached("renewal.before")
        answer = run.ask("apply", lambda: msgspec.to_builtins(self._apply(run, product_id, from_ns)))
        self._reached("renewal.asked")
        run.write("note", lambda work: self._note(work, product_id, from_ns, convert(answer, Answer)))
        self._reached("renewal.after")

    def _apply(self, run: Run, product_id: str, from_ns: int) -> Answer:
        try:
            asked = run.read(lambda work: self._read(work, product_id, from_ns))
        except BusinessError as error:
            return Failed.by(error)
        if asked is None:
            return Made()
        tenant = self._ports.engine.tenant_number(asked.tenant)
        if isinstance(tenant, NoEngine):
            return engine_answer(tenant)
        # the period is in the id: a renewal that is asked for twice is one command
        command = asked.terms.change(f"renewal:{product_id}:{from_ns // NS_PER_S}", tenant, asked.account_id)
        return engine_answer(self._ports.engine.send(command))

    def _read(self, work: Work, product_id: str, from_ns: int) -> _Renewal | None:
        """None where nothing is to renew: the product ended meanwhile, or has no account."""
        has = product(work, product_id)
        if has.status != ProductStatus.ACTIVE or has.engine_account_id is None:
            return None
        terms = period_terms(sold(self._ports.release(work, 0), has.offering_id), from_ns, is_first=False)
        return _Renewal(has.engine_account_id, work.caller.tenant, terms)

    def _note(self, work: Work, product_id: str, from_ns: int, answer: Answer) -> Json:
        has = product(work, product_id)
        if isinstance(answer, Failed):
            # who is told of it may top up or call; a passing reason keeps the period, so that it can't be paid twice
            pause_s = TRANSIENT_PAUSE_S if answer.is_transient else REFUSED_PAUSE_S
            kept = {"from_ns": str(from_ns)} if answer.is_transient else {REFUSED: answer.reason}
            schedule(work, RENEWAL_DUE, resource_id=product_id, at_ns=work.now_ns + pause_s * NS_PER_S, **kept)
            work.event("ProductRenewalFailedEvent", resource="product", resource_id=product_id, code=answer.code)
        elif has.status == ProductStatus.ACTIVE and has.engine_account_id is not None:
            what = sold(self._ports.release(work, 0), has.offering_id)
            ends_ns = period_terms(what, from_ns, is_first=False).to_ns
            if _is_scheduled(work, product_id, ends_ns):
                return None  # noted by a run whose place this one takes
            if ends_ns < FOREVER_NS:
                schedule(work, RENEWAL_DUE, resource_id=product_id, at_ns=ends_ns)
            work.event("ProductRenewedEvent", resource="product", resource_id=product_id, from_ns=str(from_ns))
        return None


def _is_scheduled(work: Work, product_id: str, at_ns: int) -> bool:
    return any(due.kind == RENEWAL_DUE and due.at_ns == at_ns for due in due_of(work, product_id))

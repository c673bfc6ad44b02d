"""Scenarios on the engine alone: kernels and records in this process, no store, no socket."""

from collections.abc import Mapping
from zlib import crc32

from balances.journal import MovementKind
from balances.record import AccountStatus
from catalog_loader.compile import compile_release, stack
from catalog_loader.edge.read_files import check
from charging.final_units import FinalUnit, read_final_units
from charging.tariff_tables import FinalAction, TariffTables
from tests.reference.engine_alone import EngineAlone
from tests.reference.record_octets import canonical_record
from tests.reference.requests import Answer, Applies, Change, Credit, CreditControl, Debit, Ends, MsccAnswer, Open
from tests.scenarios.catalogues import CATALOGUES, TENANTS
from tests.scenarios.language import (
    PEERS,
    Asked,
    ChangeStep,
    CreditStep,
    Holdings,
    MsccSaid,
    OpenStep,
    Said,
    change_said,
)
from vocabulary.ids import number_of_name
from vocabulary.instants import FOREVER_NS, NS_PER_S
from vocabulary.outcomes import RESULT_CODES, Outcome
from vocabulary.units import Unit

START_NS = 1_790_000_000 * NS_PER_S


def tables() -> TariffTables:
    """The scenarios' releases, compiled."""
    compiled = []
    for path, tenant in CATALOGUES:
        report = check([path])
        assert report.checked is not None, report.lines()
        compiled.append(compile_release(report.checked.release, TENANTS[tenant]))
    return stack(compiled)


def final_said(mscc: MsccAnswer, units: Mapping[int, FinalUnit]) -> str:
    """What follows a last grant, in words; an action without a grant has a validity."""
    action = FinalAction(mscc.final_action)
    if action == FinalAction.NONE:
        return ""
    assert mscc.granted is not None or mscc.validity_s > 0
    unit = units[mscc.final_unit] if mscc.final_unit else FinalUnit()
    return f"{action.name.lower()} {unit.redirect_to or unit.filter_id}".strip()


def said(answer: Answer, units: Mapping[int, FinalUnit]) -> Said:
    """An answer in result codes."""
    result = RESULT_CODES[answer.outcome]
    if answer.outcome != Outcome.GRANTED:
        return Said(result)
    return Said(
        result,
        tuple(
            MsccSaid(
                RESULT_CODES[m.outcome],
                m.granted,
                final_said(m, units),
                m.threshold_units or None,
                m.holding_s or None,
                change_said(m.tariff_change_s),
            )
            for m in answer.msccs
        ),
    )


def holdings_of(record: bytes) -> Holdings:
    """(free, reserved) of a record by unit."""
    sums: Holdings = {}
    for bucket in canonical_record(record)["buckets"]:
        unit = Unit(bucket["unit"])
        free, reserved = sums.get(unit, (0, 0))
        sums[unit] = free + bucket["remaining"], reserved + bucket["reserved"]
    return sums


def instant(now_ns: int, seconds: int | None) -> int:
    """Seconds from now, or never."""
    return FOREVER_NS if seconds is None else now_ns + seconds * NS_PER_S


class AloneMachine:
    """Machine on EngineAlone."""

    def __init__(self, tariffs: TariffTables) -> None:
        self.engine = EngineAlone(tariffs)
        self.final_units = read_final_units(tariffs.final_units)
        self._now_ns = START_NS
        self.accounts: dict[tuple[str, str], int] = {}
        self.tenant_of: dict[str, str] = {}

    def open(self, step: OpenStep) -> None:
        """See Machine."""
        account_id = len(self.accounts) + 1
        self.accounts[(step.tenant, step.name)] = account_id
        self.tenant_of[step.name] = step.tenant
        command = Open(
            account_id,
            self._now_ns,
            TENANTS[step.tenant],
            number_of_name(step.offer),
            status=AccountStatus.BARRED if step.is_barred else AccountStatus.ACTIVE,
            credit_limit_micros=step.limit_micros,
            expires_ns=instant(self._now_ns, step.until_s),
            credits=self._credits(step.credits),
        )
        answers, _ = self.engine.decide([command], self._now_ns)
        assert answers[0].outcome == Outcome.GRANTED, answers[0]

    def _credits(self, credits: tuple[CreditStep, ...]) -> tuple[Credit, ...]:
        return tuple(
            Credit(
                credit.amount,
                credit.unit,
                number_of_name(credit.allowance) if credit.allowance else 0,
                self._now_ns + credit.from_s * NS_PER_S if credit.from_s else 0,
                instant(self._now_ns, credit.until_s),
                credit.priority,
                credit.kind,
            )
            for credit in credits
        )

    def top_up(self, name: str, credits: tuple[CreditStep, ...]) -> None:
        """See Machine."""
        tenant = self.tenant_of[name]
        command = Change(self.accounts[(tenant, name)], self._now_ns, TENANTS[tenant], self._credits(credits))
        answers, _ = self.engine.decide([command], self._now_ns)
        assert answers[0].outcome == Outcome.GRANTED, answers[0]

    def change(self, name: str, step: ChangeStep) -> str:
        """See Machine."""
        tenant = self.tenant_of[name]
        applies = ends = None
        amounts: list[Credit | Debit] = [
            Debit(taken.amount, taken.unit, number_of_name(taken.allowance) if taken.allowance else 0)
            for taken in step.takes
        ]
        if step.applies:
            from_ns = START_NS + step.period * step.period_s * NS_PER_S
            applies = Applies(number_of_name(step.applies), from_ns, from_ns + step.period_s * NS_PER_S)
        if step.fee_micros:
            amounts.append(Debit(step.fee_micros, movement=MovementKind.FEE))
        if step.ends:
            ends = Ends(number_of_name(step.ends), self._now_ns)
        command = Change(
            self.accounts[(tenant, name)],
            self._now_ns,
            TENANTS[tenant],
            (*amounts, *self._credits(step.credits)),
            step.status,
            applies,
            ends,
        )
        (answer,), _ = self.engine.decide([command], self._now_ns)
        if answer.outcome != Outcome.GRANTED:
            return f"!{RESULT_CODES[answer.outcome]}"
        return "was so" if answer.is_duplicate else "done"

    def ask(self, asked: Asked) -> Said:
        """See Machine."""
        peer = PEERS[asked.peer]
        request = CreditControl(
            self.accounts.get((peer.tenant, asked.name)),
            (crc32(asked.session.encode()) << 32 | crc32(peer.tenant.encode()), crc32(asked.session.encode())),
            asked.type,
            asked.number,
            crc32(repr(asked).encode()),
            self._now_ns,
            TENANTS[peer.tenant],
            asked.msccs,
            service_context=asked.context,
            requested_action=asked.action,
            never_counts=peer.never_counts,
            command_level_limit=peer.command_level_limit,
            ends_at_tariff_change=peer.ends_at_tariff_change,
        )
        answers, _ = self.engine.decide([request], self._now_ns)
        return said(answers[0], self.final_units)

    def holdings(self, name: str) -> Holdings:
        """See Machine."""
        tenant = self.tenant_of[name]
        return holdings_of(self.engine.records[(TENANTS[tenant], self.accounts[(tenant, name)])])

    def advance(self, seconds: int) -> None:
        """See Machine."""
        self._now_ns += seconds * NS_PER_S

    def now_ns(self) -> int:
        """See Machine."""
        return self._now_ns

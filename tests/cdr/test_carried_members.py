"""What a session's requests carry over Nchf, from bodies to records: each report in one, each state until it is said anew."""

import json
from typing import Any, NamedTuple

from hypothesis import example, given
from hypothesis import strategies as st

from cdr.assembly import Assembly, FinishedRecords
from cdr.record_table import tables_by_day
from chf_http2.carried import DETAILED, carried_information
from tests.chf_http2.charging_bodies import octets, usage
from tests.reference.journal_entries import Asked, entry_of, read_rows

SESSION = "pDUSessionChargingInformation"
REPORT = "rANSecondaryRATUsageReport"
DETAILS = [usage(10, used=({"totalVolume": 5, "serviceId": 8},))]


class Said(NamedTuple):
    """What a request says of the session; nothing of what is None or False."""

    state: int | None = None
    has_report: bool = False
    easid: str | None = None
    has_details: bool = False

    def body(self, number: int) -> dict[str, Any]:
        """The members of request `number`, which its report has."""
        session = {} if self.state is None else {"chargingId": self.state}
        session |= {REPORT: {"rANSecondaryRATType": f"report {number}"}} if self.has_report else {}
        said: dict[str, Any] = {SESSION: session} if session else {}
        said |= {} if self.easid is None else {"easid": self.easid}
        return said | ({DETAILED: DETAILS} if self.has_details else {})


def records_of(requests: list[Said]) -> list[dict[str, Any]]:
    """What the records of a session have, of which these are the create and updates; a release that says nothing ends it."""
    rows = []
    for number, said in enumerate([*requests, Said()]):
        found = carried_information(octets(said.body(number)), opens=number == 0, has_conditions=False)
        is_last = number == len(requests)
        kind = 1 if number == 0 else 3 if is_last else 2
        rows.append(
            Asked((0, 8), type=kind, number=number, ended_session=int(is_last), service_information=found.octets)
        )
    finished = FinishedRecords()
    Assembly(0).apply(read_rows(entry_of(rows)), finished)
    (day,) = tables_by_day(finished.rows, {1: "acme"})
    found = sorted(day.table.to_pylist(), key=lambda row: int(row["sequence"]))
    return [json.loads(bytes.fromhex(row["service_information"]) or b"{}") for row in found]


def wanted_of(requests: list[Said]) -> list[dict[str, Any]]:
    """The same by the words of docs/records.md."""
    records, states = [], dict[str, Any]()
    for number, said in enumerate(requests):
        states |= {} if said.state is None else {SESSION: {"chargingId": said.state}}
        states |= {} if said.easid is None else {"easid": said.easid}
        body = said.body(number)
        reports = {f"{SESSION}.{REPORT}": body[SESSION][REPORT]} if said.has_report else {}
        if reports or said.has_details:
            records.append(reports | {DETAILED: body.get(DETAILED, [])} | states)
    return [*records, states]


says = st.builds(
    Said,
    state=st.sampled_from((None, None, 1, 2)),
    has_report=st.booleans(),
    easid=st.sampled_from((None, None, "a", "b")),
    has_details=st.booleans(),
)


@given(st.lists(says, min_size=1, max_size=6))
@example([Said(1), Said(2, has_report=True), Said(has_details=True)])
@example([Said(1), Said(has_report=True), Said(easid="a", has_details=True)])
def test_reports_are_in_one_record_and_states_in_all_that_follow(requests: list[Said]) -> None:
    assert records_of(requests) == wanted_of(requests)

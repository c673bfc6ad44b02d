"""The assembly in plain Python: an object a session, a dict a line; written from docs/records.md, not from the kernels."""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from balances.journal import JournalEntry
from vocabulary.outcomes import RESULT_CODES, Outcome

USAGE, EXPIRE = 0, 2
INITIAL, UPDATE, TERMINATION, EVENT = 1, 2, 3, 4
KINDS = ("e164", "imsi", "sip", "nai", "private")
CAUSES = {
    "termination": 0,
    "supervision": 4,
    "new_session": 4,
    "event": 0,
    "refusal": 4,
    "time_limit": 17,
    "line_limit": 19,
    "usage_details": 19,
    "amount_limit": 16,
    "table_limit": 1,
    "abort": 4,
}
CURRENCIES = {0: None, 8: "ALL", 840: "USD", 978: "EUR"}
SETTLED_BY = {0: "balance", 4: "bill"}
SUM_MAX = 2**62
LAST_REPORT = "multipleUnitUsage"
CARRIED_OCTETS_MAX = 65532


@dataclass
class Session:
    """What is known of an open session."""

    row: dict[str, Any]
    texts: tuple[bytes, ...]
    information: bytes
    opened_ns: int
    is_event: bool
    record_opened_ns: int = 0
    partials: int = 0
    requests: int = 0
    outcome: int = 0
    termination_cause: int = 0
    lines: dict[tuple[int, ...], dict[str, int]] = field(default_factory=dict)


def members_of(information: bytes) -> dict[str, bytes]:
    """Of an object that Nchf carried; none of what Gy carries."""
    if not information.startswith(b"{") or len(information) > CARRIED_OCTETS_MAX:
        return {}
    return {name: bytes(value) for name, value in msgspec.json.decode(information, type=dict[str, msgspec.Raw]).items()}


def object_of(members: dict[str, bytes]) -> bytes:
    """Written as they are carried; nothing where there is none."""
    return (
        b"{%s}" % b",".join(b'"%s":%s' % (name.encode(), value) for name, value in members.items()) if members else b""
    )


def states_of(information: bytes) -> dict[str, bytes]:
    """Of its members those that hold on: behind the last report."""
    members = members_of(information)
    names = list(members)
    first = names.index(LAST_REPORT) + 1 if LAST_REPORT in members else 0
    return {name: members[name] for name in names[first:]}


def merged(information: bytes, before: bytes) -> bytes:
    """What was carried, and of what was before the states that it doesn't say, as far as there is room."""
    said = members_of(information)
    if not said or not members_of(before):
        return information
    for name, value in states_of(before).items():
        longer = object_of(said | {name: value})
        if name not in said and len(longer) <= CARRIED_OCTETS_MAX:
            said[name] = value
    return object_of(said)


@dataclass
class Twin:
    """Open sessions of a partition, and the finished rows."""

    partition: int = 0
    sessions_max: int = 2**24
    lines_max: int = 256
    sessions: dict[tuple[int, int, int], Session] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    sequence: int = 1

    def apply(self, entry: JournalEntry) -> None:
        """One journal entry."""
        texts = entry.octets.tobytes()
        at = 0
        for index in range(len(entry.requests["kind"])):
            row = {name: column[index].item() for name, column in entry.requests.items()}
            parts = []
            for name in ("session_id", "origin_host", "origin_realm", "identity", "service_information"):
                parts.append(texts[at : at + row[f"{name}_length"]])
                at += row[f"{name}_length"]
            usages = [
                {name: column[place].item() for name, column in entry.usages.items()}
                for place in range(len(entry.usages["request"]))
                if entry.usages["request"][place] == index
            ]
            if row["kind"] == USAGE:
                self._request(row, tuple(parts[:4]), parts[4], usages)
            elif row["kind"] == EXPIRE and row["ended_session"]:
                session = self.sessions.pop(_key_of(row), None)
                if session is not None:
                    closed_by = {2: "supervision", 4: "abort"}.get(row["ended_session"], "new_session")
                    self._finish(session, closed_by, row["event_ns"])

    def _request(
        self, row: dict[str, Any], texts: tuple[bytes, ...], information: bytes, usages: list[dict[str, Any]]
    ) -> None:
        key = _key_of(row)
        session = None if row["request_type"] == EVENT else self.sessions.get(key)
        is_known = session is not None
        is_full = len(self.sessions) >= self.sessions_max
        if session is None:
            received_ns = row["received_ns"]
            session = Session(row, texts, information, received_ns, row["request_type"] == EVENT, received_ns)
        session.requests += 1
        session.outcome, session.termination_cause = row["outcome"], row["termination_cause"]
        for usage in usages:
            self._use(session, usage, row["received_ns"])
        if is_known and information:
            session.information = merged(information, session.information)
        closed_by = self._closing(row, is_known, is_full)
        if not closed_by and LAST_REPORT in members_of(information):
            self._finish(session, "usage_details", row["received_ns"])
            session.information = object_of(states_of(session.information))
        if closed_by:
            self.sessions.pop(key, None) if is_known else None
            self._finish(session, closed_by, row["received_ns"])
        else:
            self.sessions[key] = session

    @staticmethod
    def _closing(row: dict[str, Any], is_known: bool, is_full: bool) -> str:
        granted = row["outcome"] == Outcome.GRANTED
        if row["request_type"] == EVENT:
            return "event" if granted else "refusal"
        if row["ended_session"]:
            return "termination" if granted or row["request_type"] == TERMINATION else "refusal"
        if is_known:
            return ""
        if not granted:
            return "refusal"
        return "table_limit" if is_full else ""

    def _use(self, session: Session, usage: dict[str, Any], received_ns: int) -> None:
        key = tuple(usage[name] for name in KEY)
        line = session.lines.get(key)
        if line and any(line[name] + usage[name] > SUM_MAX for name in ("charged_micros", "used_units")):
            self._finish(session, "amount_limit", received_ns)
            line = None
        if line is None:
            if len(session.lines) == self.lines_max:
                self._finish(session, "line_limit", received_ns)
            line = session.lines[key] = dict.fromkeys((*SUMS, "reports", "refused", "outcome"), 0)
        for name in SUMS:
            line[name] += usage[name]
        line["reports"] += 1
        line["refused"] += usage["outcome"] != Outcome.GRANTED
        line["outcome"] = usage["outcome"]
        if usage["used_units"] > 0:
            line["first"] = min(line.get("first", usage["from_ns"]), usage["from_ns"])
            line["last"] = max(line.get("last", 0), usage["to_ns"])

    def close_due(self, now_ns: int, partial_after_ns: int) -> None:
        """Partial records of what is open for so long."""
        for session in list(self.sessions.values()):
            if session.record_opened_ns <= now_ns - partial_after_ns:
                self._finish(session, "time_limit", now_ns)

    def _finish(self, session: Session, closed_by: str, closed_ns: int) -> None:
        closed_ns = max(closed_ns, session.record_opened_ns)
        if session.partials or closed_by in ("time_limit", "line_limit", "amount_limit", "usage_details"):
            session.partials += 1
        row = session.row
        identity = session.texts[3]
        record = {
            "partition": self.partition,
            "sequence": self.sequence,
            "lines": len(session.lines),
            "record_kind": "event" if session.is_event else "session",
            "session_id": session.texts[0].decode(),
            "origin_host": session.texts[1].decode(),
            "origin_realm": session.texts[2].decode(),
            "identity_kind": KINDS[identity[0]] if identity else None,
            "identity": identity[1:].decode() if identity else None,
            "account_id": row["account_id"] if row["account_id"] >= 0 else None,
            "service_context": row["service_context"] if row["service_context"] >= 0 else None,
            "session_opened_ns": session.opened_ns,
            "opened_ns": session.record_opened_ns,
            "closed_ns": closed_ns,
            "cause_for_closing": CAUSES[closed_by],
            "closed_by": closed_by,
            "partial_sequence": session.partials or None,
            "request_count": session.requests,
            "result_code": RESULT_CODES[session.outcome],
            "termination_cause": session.termination_cause or None,
            "currency": CURRENCIES.get(row["currency"], f"{row['currency']:03d}"),
            "service_information": session.information.hex(),
        }
        self.sequence += 1
        lines = list(session.lines.items()) or [(None, {})]
        for number, (key, line) in enumerate(lines, 1):
            self.rows.append(record | self._line(number, key, line))
        session.lines = {}
        session.requests = 0
        session.record_opened_ns = closed_ns

    @staticmethod
    def _line(number: int, key: tuple[int, ...] | None, line: dict[str, int]) -> dict[str, Any]:
        if key is None:
            empty = dict.fromkeys((*KEY, "line_result_code", "first_used_ns", "last_used_ns"))
            return empty | dict.fromkeys((*SUMS, "report_count", "refused_count", "line"), 0)
        named = dict(zip(KEY, key, strict=True))
        has_price = named["price"] > 0
        units = ("micros", "octets", "seconds", "events")
        return {
            "line": number,
            "rating_group": named["rating_group"] if named["rating_group"] >= 0 else None,
            "service_identifier": named["service_identifier"] if named["service_identifier"] >= 0 else None,
            "release": named["release"] if named["release"] > 0 else None,
            "offer": named["offer"] if has_price else None,
            "price": named["price"] if has_price else None,
            "unit": units[named["unit"]] if named["unit"] > 0 else None,
            "settled_by": SETTLED_BY[named["settled_by"]] if has_price else None,
            "report_count": line["reports"],
            "refused_count": line["refused"],
            "line_result_code": RESULT_CODES[line["outcome"]],
            "first_used_ns": line.get("first") or None,
            "last_used_ns": line.get("last") if line.get("first") else None,
        } | {name: line[name] for name in SUMS}


def _key_of(row: dict[str, Any]) -> tuple[int, int, int]:
    """A session is one of its account."""
    return row["session_high"], row["session_low"], row["account_id"]


KEY = ("rating_group", "service_identifier", "release", "offer", "price", "unit", "settled_by")
SUMS = ("used_units", "allowance_units", "uncharged_units", "charged_micros")

ROW_NAMES = (
    *("partition", "sequence", "line", "lines", "record_kind", "session_id", "origin_host", "origin_realm"),
    *("identity_kind", "identity", "account_id", "service_context", "session_opened_ns", "opened_ns", "closed_ns"),
    *("cause_for_closing", "closed_by", "partial_sequence", "request_count", "result_code", "termination_cause"),
    "currency",
    *("service_information", "report_count", "refused_count", "line_result_code", "first_used_ns", "last_used_ns"),
    *KEY,
    *SUMS,
)
"""What the twin says of a row; the files have the tenant's name and the instants as text besides."""

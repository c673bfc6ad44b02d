"""What a session's client is owed: one row a session, merged, and what each try makes of it. Pure; time is passed in.

A row lives from the event that owes it until the client has reported or the session has ended. What is given up stays so
long, too, so that somebody can see it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum, IntEnum
from typing import Final, NamedTuple

import msgpack

from vocabulary.instants import NS_PER_S, to_rfc3339
from vocabulary.limits import NOTICE_SERVICES_MAX

ROW_VERSION: Final = 1
ABSENT: Final = -1


class NoticeKind(IntEnum):
    """What is owed; the greater takes the place of the less."""

    REAUTHORIZE = 1
    """RAR, REAUTHORIZATION: ask again"""
    ABORT = 2
    """ASR, ABORT_CHARGING: end the session"""


class Stage(IntEnum):
    """How far it is."""

    OWED = 1
    """nobody has taken it yet"""
    TOLD = 2
    """the client took it and is to report"""
    CLOSING = 3
    """the session is being ended here"""
    GIVEN_UP = 4
    """nothing can be told: it isn't tried again until it is owed anew"""


class Told(Enum):
    """What one try came to."""

    TAKEN = "taken"
    """2002, ASA 2001, 200, 204: it is to report, or to end the session"""
    DONE = "done"
    """RAA 2001: nothing more is to come of it (RFC 8506 §5.5)"""
    GONE = "gone"
    """5002, 404: the client has no such session"""
    FAILED = "failed"
    """nobody reached, no answer in time, or one that says: later"""
    REFUSED = "refused"
    """trying again can't help: the client doesn't know the message, or its address may not be used"""


class ServiceName(NamedTuple):
    """A rating group and service identifier; ABSENT where it has none."""

    rating_group: int
    service_identifier: int


class SessionName(NamedTuple):
    """Both halves of the digest of the session's id."""

    high: int
    low: int

    def __str__(self) -> str:
        return f"{self.high:016x}{self.low:016x}"


@dataclass(frozen=True, slots=True)
class NoticeRules:
    """How often and how long is tried ([notify] of the settings)."""

    retry_s: float
    """before the second try; each further one waits twice as long"""
    retry_max_s: float
    report_s: float
    """how long a client that took a message may take to do as it says"""
    attempts_max: int
    """after so many an ABORT that nobody takes ends the session here"""
    told_max: int
    """after so many that were taken and not heeded the session is ended here"""


@dataclass(frozen=True, slots=True)
class Notice:
    """The row of a session.

    services      which of its services; none: all of them
    owed_ns       when it was owed last: names what is being told
    next_try_ns   of one that is given up: when that was
    told          how often the client took it
    last          what the last try came to, for people
    """

    session: SessionName
    tenant: int
    account_id: int
    kind: NoticeKind
    services: tuple[ServiceName, ...]
    owed_ns: int
    next_try_ns: int
    stage: Stage = Stage.OWED
    attempts: int = 0
    told: int = 0
    last: str = ""

    def encode(self) -> bytes:
        """Octets for the store."""
        services = [list(service) for service in self.services]
        packed: bytes = msgpack.packb(
            [
                ROW_VERSION,
                *self.session,
                self.tenant,
                self.account_id,
                int(self.kind),
                services,
                self.owed_ns,
                self.next_try_ns,
                int(self.stage),
                self.attempts,
                self.told,
                self.last,
            ]
        )
        return packed


def decode_notice(octets: bytes) -> Notice:
    """The row of these octets. ValueError where they are none."""
    try:
        version, high, low, tenant, account_id, kind, services, *rest = msgpack.unpackb(octets)
        if version != ROW_VERSION:
            raise ValueError(f"a notice of version {version}: this release knows {ROW_VERSION}")
        owed_ns, next_try_ns, stage, attempts, told, last = rest
        return Notice(
            SessionName(high, low),
            tenant,
            account_id,
            NoticeKind(kind),
            tuple(ServiceName(*service) for service in services),
            owed_ns,
            next_try_ns,
            Stage(stage),
            attempts,
            told,
            last,
        )
    except Exception as error:  # msgpack raises a dozen kinds, and wrong shapes fail in unpacking
        raise ValueError(f"these {len(octets)} octets are no notice: {error}") from error


# --- what happens to a row ------------------------------------------------------------------------------------------------


def merged(known: Notice | None, owed: Notice) -> Notice:
    """One row of what was owed and what is owed now. It is told anew, unless what is known covers it or ends the session."""
    if known is None:
        return owed
    if known.stage is Stage.CLOSING or known.kind > owed.kind:
        return known
    if known.kind < owed.kind:
        return owed
    services: tuple[ServiceName, ...] = ()
    if known.services and owed.services:
        services = tuple(sorted({*known.services, *owed.services}))
        if len(services) > NOTICE_SERVICES_MAX:
            services = ()
    if known.stage is Stage.GIVEN_UP:  # what couldn't be told is told with it, in its time
        return replace(owed, services=services)
    return replace(owed, services=services, next_try_ns=min(known.next_try_ns, owed.next_try_ns))


def after_report(notice: Notice, reported: Iterable[ServiceName]) -> Notice | None:
    """The row once the client has reported on these services and asked again; None where nothing is left.

    An ABORT is done with when the session ends, and not before.
    """
    if notice.kind is not NoticeKind.REAUTHORIZE or notice.stage is Stage.CLOSING:
        return notice
    left = tuple(service for service in notice.services if service not in set(reported))
    return replace(notice, services=left) if left else None


def backoff_ns(attempts: int, rules: NoticeRules) -> int:
    """How long to wait after so many tries."""
    wait_s = min(rules.retry_s * 2 ** min(attempts - 1, 32), rules.retry_max_s)
    return int(wait_s * NS_PER_S)


def before_try(notice: Notice, now_ns: int, wait_ns: int, rules: NoticeRules) -> Notice:
    """The row as it is noted before a message leaves: who is killed now comes back to it after the back-off.

    wait_ns   how long the try itself may take
    """
    attempts = notice.attempts + 1
    return replace(notice, attempts=attempts, next_try_ns=now_ns + wait_ns + backoff_ns(attempts, rules))


def after_try(notice: Notice, told: Told, words: str, now_ns: int, rules: NoticeRules) -> Notice | None:
    """The row after a try; None where it is done with.

    Its stage is CLOSING where the session is to be ended here, GIVEN_UP where trying again can't help.
    """
    notice = replace(notice, last=words)
    closing = replace(notice, stage=Stage.CLOSING, next_try_ns=now_ns)
    if told is Told.GONE:
        return closing
    if told is Told.DONE:
        return None
    if told is Told.TAKEN:
        count = notice.told + 1
        taken = replace(notice, stage=Stage.TOLD, told=count, attempts=0)
        return replace(taken, next_try_ns=now_ns + int(rules.report_s * NS_PER_S))
    if notice.kind is NoticeKind.ABORT and (told is Told.REFUSED or notice.attempts >= rules.attempts_max):
        return closing
    if told is Told.REFUSED:
        return replace(notice, stage=Stage.GIVEN_UP, next_try_ns=now_ns)
    return replace(notice, stage=Stage.OWED, next_try_ns=now_ns + backoff_ns(notice.attempts, rules))


def when_due(notice: Notice, now_ns: int, rules: NoticeRules) -> Notice:
    """The row whose time has come: one that was taken often enough without effect ends the session here."""
    if notice.stage is Stage.TOLD and notice.told >= rules.told_max:
        return replace(notice, stage=Stage.CLOSING, next_try_ns=now_ns, last=f"{notice.last}, not heeded")
    return notice


def after_end_sent(notice: Notice, now_ns: int, rules: NoticeRules) -> Notice:
    """The command that ends the session was appended: looked for again, and sent again with the same id, after a while."""
    return replace(notice, next_try_ns=now_ns + int(rules.report_s * NS_PER_S))


def end_command_id(notice: Notice) -> str:
    """The id of the account command that ends the session: the same for the same notice, whoever sends it."""
    return f"notice:{notice.session}.{notice.owed_ns:x}"


def in_words(notice: Notice) -> str:
    """What is owed, or was given up, for people: what, how far, and what the last try came to."""
    what = {NoticeKind.REAUTHORIZE: "re-authorisation", NoticeKind.ABORT: "abort"}[notice.kind]
    if notice.services:
        groups = ", ".join(
            "absent" if service.rating_group == ABSENT else str(service.rating_group) for service in notice.services
        )
        what += f" of rating group {groups}"
    tries = f"{notice.attempts} {'try' if notice.attempts == 1 else 'tries'}"
    taken = f"taken {notice.told} {'time' if notice.told == 1 else 'times'}"
    next_try = to_rfc3339(notice.next_try_ns)
    how = {
        Stage.OWED: f"{tries}, next at {next_try}",
        Stage.TOLD: f"{taken}, a report is waited for until {next_try}",
        Stage.CLOSING: "the session is being ended here",
        Stage.GIVEN_UP: f"given up at {next_try} after {tries}",
    }[notice.stage]
    return "; ".join(text for text in (what, how, notice.last) if text)

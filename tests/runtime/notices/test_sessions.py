"""Which services are to ask again when their account changed."""

from balances.queries import decode_record
from runtime.notices.journal import Effect
from runtime.notices.notice import ABSENT, NoticeKind, ServiceName, SessionName
from runtime.notices.sessions import all_services, holds_quota, name_of, owed_by_change, session_in
from tests.reference.account import Account, Given, Service, Session
from tests.reference.record_octets import encode_account
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit


def test_those_that_would_be_answered_otherwise_now() -> None:
    services = [
        Service(10, None, Unit.OCTETS, 5, last=Given(Outcome.CREDIT_LIMIT_REACHED)),
        Service(20, 7, Unit.OCTETS, 5, last=Given(Outcome.GRANTED, 100, has_grant=True, is_final=True)),
        Service(30, None, Unit.OCTETS, 5, last=Given(Outcome.GRANTED, 100, has_grant=True)),
        Service(None, None, Unit.OCTETS, 5, last=Given(Outcome.RATING_FAILED)),
    ]
    account = Account(1, sessions=[Session((2**64 - 1, 3), 1, 32251, services=services)])
    view = decode_record(encode_account(account))
    (session,) = view.sessions
    reauthorize = NoticeKind.REAUTHORIZE
    refused, final, given = ServiceName(10, ABSENT), ServiceName(20, 7), ServiceName(30, ABSENT)
    unpriced = ServiceName(ABSENT, ABSENT)
    assert owed_by_change(Effect.CREDIT, session) == (reauthorize, (refused, final))
    assert owed_by_change(Effect.RIGHTS, session) == (reauthorize, (refused, final, unpriced))
    assert owed_by_change(Effect.LOSS, session) == (reauthorize, (final, given))
    assert owed_by_change(Effect.LOSS | Effect.RIGHTS, session) == (reauthorize, (refused, final, given, unpriced))
    assert owed_by_change(Effect.CLOSED | Effect.CREDIT, session) == (NoticeKind.ABORT, ())
    assert [holds_quota(session, (one,)) for one in (refused, final, given, unpriced)] == [False, True, True, False]
    assert holds_quota(session, (refused, given))
    assert holds_quota(session, ())
    assert len(all_services(session)) == 4
    assert ServiceName(ABSENT, ABSENT) in all_services(session)
    assert name_of(session) == SessionName(2**64 - 1, 3)
    assert session_in(view, SessionName(2**64 - 1, 3)) is session
    assert session_in(view, SessionName(1, 3)) is None
    assert session_in(None, SessionName(1, 3)) is None


def test_a_session_without_services_is_owed_its_end_alone() -> None:
    account = Account(1, sessions=[Session((1, 3), 1, 32251)])
    (session,) = decode_record(encode_account(account)).sessions
    assert owed_by_change(Effect.CREDIT | Effect.RIGHTS | Effect.LOSS, session) is None
    assert owed_by_change(Effect.CLOSED, session) == (NoticeKind.ABORT, ())

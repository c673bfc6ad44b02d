"""Which services new money changes anything for."""

from balances.queries import decode_record
from runtime.notices.notice import ABSENT, ServiceName, SessionName
from runtime.notices.sessions import all_services, name_of, services_out_of_money, session_in
from tests.reference.account import Account, Given, Service, Session
from tests.reference.record_octets import encode_account
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit


def test_refused_for_want_of_money_or_granted_for_the_last_time() -> None:
    services = [
        Service(10, None, Unit.OCTETS, 5, last=Given(Outcome.CREDIT_LIMIT_REACHED)),
        Service(20, 7, Unit.OCTETS, 5, last=Given(Outcome.GRANTED, 100, has_grant=True, is_final=True)),
        Service(30, None, Unit.OCTETS, 5, last=Given(Outcome.GRANTED, 100, has_grant=True)),
        Service(None, None, Unit.OCTETS, 5, last=Given(Outcome.RATING_FAILED)),
    ]
    account = Account(1, sessions=[Session((2**64 - 1, 3), 1, 32251, services=services)])
    view = decode_record(encode_account(account))
    (session,) = view.sessions
    assert services_out_of_money(session) == (ServiceName(10, ABSENT), ServiceName(20, 7))
    assert len(all_services(session)) == 4
    assert ServiceName(ABSENT, ABSENT) in all_services(session)
    assert name_of(session) == SessionName(2**64 - 1, 3)
    assert session_in(view, SessionName(2**64 - 1, 3)) is session
    assert session_in(view, SessionName(1, 3)) is None
    assert session_in(None, SessionName(1, 3)) is None

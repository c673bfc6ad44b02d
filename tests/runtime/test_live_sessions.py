"""Rows of open sessions for people."""

import pytest

from balances.queries import AccountView, AskedView, GivenView, ServiceView, SessionView
from balances.record import AccountStatus
from runtime.live_sessions import SERVICE_COLUMNS, LiveSession, service_row
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

REFUSED = GivenView(Outcome.CREDIT_LIMIT_REACHED, None, is_final=False)
GRANTED = GivenView(Outcome.GRANTED, 1 << 20, is_final=False)


def live(service: ServiceView) -> LiveSession:
    """The only session of an account, with one service."""
    asked = AskedView(1, 0, 0, Outcome.GRANTED)
    session = SessionView(1, 2, 1, 0, 0, 32251, 0, 1, 0, asked, asked, 0, (), (service,))
    account = AccountView(1, 0, AccountStatus.ACTIVE, 978, 0, 1, 0, 0, 0, 0, 0, (), (), (session,), (), 0)
    return LiveSession("0" * 32, "default", account, session, None)


@pytest.mark.parametrize(
    ("unit", "last", "previous", "says"),
    [
        (Unit.MONEY, REFUSED, REFUSED, "-"),
        (Unit.OCTETS, GRANTED, REFUSED, "octets"),
        (Unit.OCTETS, REFUSED, REFUSED, "octets"),
        (Unit.MONEY, REFUSED, GRANTED, "micros"),
    ],
    ids=["never granted", "granted", "granted long ago", "money was granted"],
)
def test_a_service_that_never_had_a_grant_has_no_unit(
    unit: Unit, last: GivenView, previous: GivenView, says: str
) -> None:
    service = ServiceView(1, 10, None, None, unit, 0, 0, last, previous, 1, ())
    assert dict(zip(SERVICE_COLUMNS, service_row(live(service), service), strict=True))["unit"] == says

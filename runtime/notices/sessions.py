"""What the notifier asks of an account's open sessions, as the record has them."""

from balances.queries import AccountView, SessionView
from runtime.notices.notice import ABSENT, ServiceName, SessionName
from vocabulary.outcomes import Outcome


def services_out_of_money(session: SessionView) -> tuple[ServiceName, ...]:
    """Services whose last answer was a refusal for want of money, or a last grant: what new money changes."""
    return tuple(
        _name_of(service.rating_group, service.service_identifier)
        for service in session.services
        if service.last.outcome == Outcome.CREDIT_LIMIT_REACHED or service.last.is_final
    )


def all_services(session: SessionView) -> tuple[ServiceName, ...]:
    """All that the session has."""
    return tuple(_name_of(service.rating_group, service.service_identifier) for service in session.services)


def _name_of(rating_group: int | None, service_identifier: int | None) -> ServiceName:
    return ServiceName(
        ABSENT if rating_group is None else rating_group, ABSENT if service_identifier is None else service_identifier
    )


def name_of(session: SessionView) -> SessionName:
    """The session's name."""
    return SessionName(session.key_high, session.key_low)


def session_in(account: AccountView | None, name: SessionName) -> SessionView | None:
    """The account's open session of that name."""
    if account is None:
        return None
    return next((session for session in account.sessions if name_of(session) == name), None)

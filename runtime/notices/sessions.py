"""What the notifier asks of an account's open sessions, as the record has them."""

from balances.queries import AccountView, GivenView, ServiceView, SessionView
from runtime.notices.journal import Effect
from runtime.notices.notice import ABSENT, NoticeKind, ServiceName, SessionName
from vocabulary.outcomes import WANT_OF_RIGHTS, Outcome


def owed_by_change(effect: Effect, session: SessionView) -> tuple[NoticeKind, tuple[ServiceName, ...]] | None:
    """What the client of an open session is owed when its account changed, and for which services (none: all).

    Of a closed account the session is to end. Else those services are to ask again that would be answered otherwise now.
    """
    if effect & Effect.CLOSED:
        return NoticeKind.ABORT, ()
    services = tuple(_name_of(service) for service in session.services if _is_changed(effect, service.last))
    return (NoticeKind.REAUTHORIZE, services) if services else None


def _is_changed(effect: Effect, last: GivenView) -> bool:
    """Would a service that was answered so be answered otherwise? A last grant and a refusal can become more."""
    if effect & Effect.LOSS and last.granted is not None:
        return True
    if effect & (Effect.CREDIT | Effect.RIGHTS) and (last.outcome == Outcome.CREDIT_LIMIT_REACHED or last.is_final):
        return True
    return bool(effect & Effect.RIGHTS) and last.outcome in WANT_OF_RIGHTS


def all_services(session: SessionView) -> tuple[ServiceName, ...]:
    """All that the session has."""
    return tuple(_name_of(service) for service in session.services)


def holds_quota(session: SessionView, services: tuple[ServiceName, ...]) -> bool:
    """Does one of these services (none: of all) have a grant? Only then is there something that an unheeded message is for."""
    return any(
        service.last.granted is not None and (not services or _name_of(service) in services)
        for service in session.services
    )


def _name_of(service: ServiceView) -> ServiceName:
    return ServiceName(
        ABSENT if service.rating_group is None else service.rating_group,
        ABSENT if service.service_identifier is None else service.service_identifier,
    )


def name_of(session: SessionView) -> SessionName:
    """The session's name."""
    return SessionName(session.key_high, session.key_low)


def session_in(account: AccountView | None, name: SessionName) -> SessionView | None:
    """The account's open session of that name."""
    if account is None:
        return None
    return next((session for session in account.sessions if name_of(session) == name), None)

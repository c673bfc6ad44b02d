"""What every account command is checked for where it is built, and the errors that say what does not fit."""

from typing import Final

from vocabulary.limits import COMMAND_ID_OCTETS_MAX, TENANTS_MAX

INT64_MAX: Final = 2**63 - 1


class CommandError(ValueError):
    """A command that no engine would take; the message names the field and what fits."""


def check_range(name: str, value: object, low: int, high: int) -> None:
    """CommandError where the value is no integer from `low` to `high`."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise CommandError(f"{name} is {value!r}: an integer from {low} to {high} fits")


def check_address(command_id: str, tenant: int, account_id: int) -> None:
    """CommandError where a command's id, tenant or account number does not fit."""
    if not 0 < len(command_id.encode()) <= COMMAND_ID_OCTETS_MAX or not command_id.isprintable():
        raise CommandError(f"command id {command_id!r} has not 1..{COMMAND_ID_OCTETS_MAX} printable octets")
    check_range("tenant", tenant, 1, TENANTS_MAX)
    check_range("account_id", account_id, 1, INT64_MAX)

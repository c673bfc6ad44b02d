"""What the demo shows: tables of requests and answers, balances and records."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table

from balances.queries import AccountView
from runtime.demo.client import Answered, Exchange
from runtime.demo.script import LETTERS, SUCCESS, DemoAccount, DemoSession, Step
from vocabulary.instants import NS_PER_S, to_rfc3339
from vocabulary.units import OCTETS_PER_MIB, Unit

MICROS_DIGITS: Final = 6
_MADE: Final = ("product_id", "account_id")
"""Of what steps of an order make."""
WIDTH_PIPED: Final = 140


def console() -> Console:
    """As wide as the terminal; of a fixed width where the output is a pipe."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=WIDTH_PIPED)


def euros(micros: int) -> str:
    """An amount of money with the digits that it has, at least two."""
    sign, amount = ("-", -micros) if micros < 0 else ("", micros)
    whole, fraction = divmod(amount, 10**MICROS_DIGITS)
    digits = f"{fraction:0{MICROS_DIGITS}d}".rstrip("0")
    return f"{sign}{whole}.{digits:0<2} EUR"


def units(amount: int | None, unit: Unit) -> str:
    """An amount of a unit for people; '-' for none."""
    if amount is None:
        return "-"
    if unit == Unit.MONEY:
        return euros(amount)
    if unit == Unit.OCTETS:
        whole, rest = divmod(amount * 100, OCTETS_PER_MIB)
        text = f"{whole // 100}.{whole % 100:02d}".rstrip("0").rstrip(".")
        return f"{text} MiB" if rest == 0 else f"{amount} octets"
    return f"{amount} s" if unit == Unit.SECONDS else f"{amount} event{'s' if amount != 1 else ''}"


class SessionTable:
    """Requests and answers of one session, a row each."""

    def __init__(self, session: DemoSession) -> None:
        self._session = session
        self._table = Table(
            title=f"{session.account.name}. {session.title}", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False
        )
        for name in ("request", "rating group", "used", "asked"):
            self._table.add_column(name, justify="right" if name != "request" else "left")
        self._table.add_column("answer", style="bold")
        for name in ("granted", "valid", "final"):
            self._table.add_column(name, justify="right")
        self._table.add_column("money left", justify="right", style="bold")
        self._table.add_column("took", justify="right", style="dim")
        self._table.add_column("")

    def add(self, number: int, step: Step, exchange: Exchange, said: Answered, money_left: int) -> None:
        """One exchange."""
        unit = self._session.unit
        result = str(said.result) if said.mscc_result in (0, said.result) else f"{said.result}, MSCC {said.mscc_result}"
        style = "green" if said.mscc_result in (0, SUCCESS) and said.result == SUCCESS else "yellow"
        self._table.add_row(
            f"CCR-{LETTERS[step.type]} {number}",
            str(self._session.rating_group),
            units(step.used, unit),
            units(step.asked, unit),
            f"[{style}]{result}[/]",
            units(said.granted, unit),
            f"{said.validity_s} s" if said.validity_s else "-",
            "yes" if said.is_final else "-",
            euros(money_left),
            f"{exchange.elapsed_s * 1000:.1f} ms",
            step.note,
        )

    def show(self, screen: Console) -> None:
        """Print the table."""
        screen.print(self._table)


def show_balances(screen: Console, title: str, accounts: Sequence[tuple[DemoAccount, AccountView]]) -> None:
    """Buckets of the accounts."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("subscriber", "number", "bucket"):
        table.add_column(name)
    for name in ("free", "held", "open sessions"):
        table.add_column(name, justify="right")
    for account, view in accounts:
        for place, bucket in enumerate(view.buckets):
            first = place == 0
            table.add_row(
                account.name if first else "",
                account.msisdn if first else "",
                bucket.name or f"#{bucket.allowance}",
                units(bucket.remaining, bucket.unit),
                units(bucket.reserved, bucket.unit),
                str(len(view.sessions)) if first else "",
            )
    screen.print(table)


def show_order_steps(screen: Console, view: Mapping[str, Any]) -> None:
    """Steps of an order as `farebox order show --json` has them, when each was done counted from the order's placing."""
    table = Table(title="what was done for it", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("", "step", "state", "after"):
        table.add_column(name)
    for name in ("began", "done"):
        table.add_column(name, justify="right")
    table.add_column("made")
    placed_ns = view["order"]["created_ns"]
    for step in view["steps"]:
        began, ended = (
            "-" if step[name] is None else f"{(step[name] - placed_ns) / NS_PER_S:.2f} s"
            for name in ("started_ns", "ended_ns")
        )
        table.add_row(
            str(step["place"]),
            step["kind"].replace("_", " "),
            f"[green]{step['state']}[/]" if step["state"] == "done" else f"[yellow]{step['state']}[/]",
            ", ".join(map(str, step["after"])) or "-",
            began,
            ended,
            ", ".join(f"{name} {value}" for name, value in step["outcome"].items() if name in _MADE),
        )
    screen.print(table)


def show_periods(screen: Console, views: Mapping[str, AccountView]) -> None:
    """An account as it was before and after something: buckets with their ends, and until when its products are paid."""
    table = Table(title="the account", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("", "bucket", "until"):
        table.add_column(name)
    table.add_column("free", justify="right", style="bold")
    table.add_column("plan paid until")
    for title, view in views.items():
        paid = ", ".join(f"{product.name or product.offer}: {_day(product.to_ns)}" for product in view.products)
        for place, bucket in enumerate(view.buckets):
            table.add_row(
                title if place == 0 else "",
                bucket.name or f"#{bucket.allowance}",
                _day(bucket.to_ns),
                units(bucket.remaining, bucket.unit),
                paid if place == 0 else "",
            )
    screen.print(table)


def _day(instant_ns: int) -> str:
    """The day of an instant, UTC; '-' for one that never comes."""
    return to_rfc3339(instant_ns)[:16].replace("T", " ")

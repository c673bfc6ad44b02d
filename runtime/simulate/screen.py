"""A play on the screen: each request with its rating groups, and notifications where they came."""

import json
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.json import JSON
from rich.markup import escape
from rich.table import Table

from runtime.simulate.amounts import amounts_text
from runtime.simulate.notifications import Notification
from runtime.simulate.player import Exchange, Happening
from runtime.simulate.scenario import Body, Kind, Scenario
from runtime.simulate.session import share_of

WIDTH_PIPED: Final = 140
_LEFT: Final = ("rating group", "UPF", "used", "asked", "result")
_RIGHT: Final = ("granted", "valid")
_THRESHOLDS: Final = ("volumeQuotaThreshold", "timeQuotaThreshold", "unitQuotaThreshold")


def console() -> Console:
    """As wide as the terminal; of a fixed width where the output is a pipe."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=WIDTH_PIPED)


class PlayScreen:
    """Prints a play.

    has_bodies   requests and answers are printed whole, as JSON
    """

    def __init__(self, screen: Console, *, has_bodies: bool) -> None:
        self._screen = screen
        self._has_bodies = has_bodies

    def begin(self, scenario: Scenario, notify_uri: str) -> None:
        """What is played, against whom."""
        self._screen.rule(f"[bold]{escape(scenario.name)}", align="left")
        self._line(f"CHF {scenario.chf.url}{scenario.chf.resource}, notifications at {notify_uri}", "dim")

    def show(self, happening: Happening) -> None:
        """One exchange or notification."""
        if isinstance(happening, Notification):
            self._notification(happening)
        else:
            self._exchange(happening)

    def end(self, faults: list[str]) -> None:
        """How it went."""
        for fault in faults:
            self._screen.print(f"[red]not as expected:[/] {escape(fault)}", soft_wrap=True)
        if not faults:
            self._screen.print("[bold green]Everything was answered as expected.[/]")

    def _line(self, text: str, style: str) -> None:
        self._screen.print(f"[{style}]{escape(text)}[/]", soft_wrap=True)

    def _notification(self, notification: Notification) -> None:
        groups = ", ".join(map(str, notification.rating_groups))
        about = f" rating group {groups}" if groups else ""
        why = f" ({notification.why})" if notification.why else ""
        self._line(f"\n<- {notification.type or 'a request'}{about}, answered {notification.status}{why}", "magenta")

    def _exchange(self, exchange: Exchange) -> None:
        style = "red" if exchange.faults else "green"
        number = "" if exchange.kind is Kind.EVENT else f" {exchange.request.get('invocationSequenceNumber', '-')}"
        note = f"  [dim]{escape(exchange.note)}[/]" if exchange.note else ""
        self._screen.print(
            f"\n-> [bold]{exchange.kind}{number}[/]  [bold {style}]{exchange.status}[/]"
            f" in {exchange.elapsed_s * 1000:.1f} ms{note}",
            soft_wrap=True,
        )
        if exchange.location:
            self._line(f"   session {exchange.location.rpartition('/')[2]}", "dim")
        for name in ("cause", "detail"):
            if name in exchange.answer:
                self._line(f"   {name}: {exchange.answer[name]}", "yellow")
        if exchange.request.get("multipleUnitUsage") or exchange.answer.get("multipleUnitInformation"):
            self._screen.print(groups_table(exchange))
        if self._has_bodies:
            self._body(f"POST {exchange.url}", exchange.request)
            self._body(f"answer {exchange.status}", exchange.answer)
        for fault in exchange.faults:
            self._line(f"   not as expected: {fault}", "red")

    def _body(self, title: str, body: Body) -> None:
        self._line(f"   {title}", "dim")
        if body:
            self._screen.print(JSON(json.dumps(body)), soft_wrap=True)


def groups_table(exchange: Exchange) -> Table:
    """A row a MultipleUnitUsage, with what its rating group and UPF were answered."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in _LEFT:
        table.add_column(name, justify="left" if name in ("UPF", "result") else "right")
    for name in _RIGHT:
        table.add_column(name, justify="right")
    table.add_column("triggers, thresholds, final unit")
    answers = {share_of(one): one for one in exchange.answer.get("multipleUnitInformation") or ()}
    for usage in exchange.request.get("multipleUnitUsage", ()):
        table.add_row(*_row(usage, answers.pop(share_of(usage), {})))
    for (group, upf), information in answers.items():
        table.add_row(*_row({"ratingGroup": group, "uPFID": upf or "-"}, information))
    return table


def _row(usage: Body, information: Body) -> list[str]:
    used = [amounts_text(container) for container in usage.get("usedUnitContainer", ())]
    thresholds = [f"{name} {information[name]}" for name in _THRESHOLDS if name in information]
    triggers = [trigger.get("triggerType", "?") for trigger in information.get("triggers") or ()]
    final = _final_text(information.get("finalUnitIndication"))
    return [
        str(usage["ratingGroup"]),
        str(usage.get("uPFID", "-")),
        " + ".join(used) or "-",
        amounts_text(usage.get("requestedUnit")),
        str(information.get("resultCode", "-")),
        amounts_text(information.get("grantedUnit")),
        f"{information['validityTime']} s" if information.get("validityTime") else "-",
        ", ".join([*triggers, *thresholds, *final]) or "-",
    ]


def _final_text(indication: Any) -> list[str]:
    if not isinstance(indication, dict):
        return []
    server = (indication.get("redirectServer") or {}).get("redirectServerAddress", "")
    return [f"final: {indication.get('finalUnitAction', '?')}{f' to {server}' if server else ''}"]

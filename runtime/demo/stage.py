"""What every part of the demo has: a screen, and a list of what was not as expected."""

from typing import Any

from rich.console import Console
from rich.markup import escape


class Stage:
    """Where a demo is shown; `faults` is what was not as expected.

    shows_avps   print every AVP of requests and answers, too
    """

    def __init__(self, screen: Console, *, shows_avps: bool = False) -> None:
        self.screen = screen
        self.shows_avps = shows_avps
        self.faults: list[str] = []
        self.charged_micros: dict[str, int] = {}
        """expected in the charging record, by session id"""

    def head(self, title: str) -> None:
        """Begin a chapter."""
        self.screen.print()
        self.screen.rule(f"[bold]{escape(title)}", align="left")

    def say(self, line: str) -> None:
        """A line as it is."""
        self.screen.print(escape(line), soft_wrap=True)

    def murmur(self, line: str) -> None:
        """A line that needn't be read: what a command or a process prints."""
        self.screen.print(f"  [dim]{escape(line)}[/]", soft_wrap=True)

    def expect(self, what: str, found: Any, expected: Any) -> None:
        """Note a fault where it isn't so."""
        if found != expected:
            self.faults.append(f"{what} is {found}, expected {expected}")

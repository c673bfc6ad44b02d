"""The demo's 5G parts: PDU sessions over Nchf, played by the simulated SMF, with what they must be answered and cost.

The scenario is written as those of `farebox simulate smf` are, in Python because what is left of the money stands beside it.
"""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, Final, NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table

from chf_http2.charging_data_ref import NAME_DIGITS, SESSION_PREFIX
from runtime.demo.screen import euros, units
from runtime.demo.script import ANNA, EUR, MIB, DemoAccount
from runtime.demo.traveller import CLARA
from runtime.simulate.player import Exchange, PlayStopped, player_of
from runtime.simulate.scenario import Chf, Kind, Notify, Scenario, Step
from runtime.simulate.session import share_of
from vocabulary.units import Unit

_DATA, _ZERO_RATED = 10, 20
_UPF_1, _UPF_2 = "46326bf4-0000-4000-8000-00000000000a", "46326bf4-0000-4000-8000-00000000000b"


class PduSession(NamedTuple):
    """One PDU session.

    charged_micros   expected in its charging record
    steps            what is asked, and the expected remaining + reserved money afterwards
    """

    title: str
    account: DemoAccount
    charged_micros: int
    steps: tuple[tuple[Step, int], ...]


def _usage(rating_group: int, used: int | None, asked: int | None, upf: str | None) -> dict[str, Any]:
    """A MultipleUnitUsage, in octets."""
    said: dict[str, Any] = {"ratingGroup": rating_group}
    if upf is not None:
        said["uPFID"] = upf
    if used is not None:
        said["usedUnitContainer"] = [{"totalVolume": used}]
    if asked is not None:
        said["requestedUnit"] = {"totalVolume": asked}
    return said


def _granted(*shares: tuple[int, str | None, int]) -> dict[str, Any]:
    """What an answer must have: of rating groups and UPFs so many octets."""
    return {
        "multipleUnitInformation": [
            {"ratingGroup": group, "resultCode": "SUCCESS", "grantedUnit": {"totalVolume": octets}}
            | ({} if upf is None else {"uPFID": upf})
            for group, upf, octets in shares
        ]
    }


OVER_5G: Final = PduSession(
    "PDU session over 5G: the same account and the same price, here used through two UPFs, each with quota of its own",
    ANNA,
    240_000,
    (
        (
            Step(
                Kind.CREATE,
                "create",
                {
                    "multipleUnitUsage": [
                        _usage(_DATA, None, 10 * MIB, _UPF_1),
                        _usage(_ZERO_RATED, None, 20 * MIB, None),
                    ]
                },
                status=201,
                answer=_granted((_DATA, _UPF_1, 10 * MIB), (_ZERO_RATED, None, 20 * MIB)),
                note="0.20 EUR are held",
            ),
            9_565_000,
        ),
        (
            Step(
                Kind.UPDATE,
                "update",
                {
                    "multipleUnitUsage": [
                        _usage(_DATA, 6 * MIB, 10 * MIB, _UPF_1),
                        _usage(_DATA, 4 * MIB, 5 * MIB, _UPF_2),
                    ]
                },
                status=200,
                answer=_granted((_DATA, _UPF_1, 10 * MIB), (_DATA, _UPF_2, 5 * MIB)),
                note="10 MiB in all: 0.20 EUR",
            ),
            9_365_000,
        ),
        (Step(Kind.REPEAT, "repeat", note="sent again: charged once"), 9_365_000),
        (
            Step(
                Kind.RELEASE,
                "release",
                {
                    "multipleUnitUsage": [
                        _usage(_DATA, 3 * MIB // 2, None, _UPF_2),
                        _usage(_ZERO_RATED, 15 * MIB, None, None),
                    ]
                },
                status=204,
                note="2 blocks: 0.04 EUR",
            ),
            9_325_000,
        ),
    ),
)
FIRST_GRANT: Final = PduSession(
    "PDU session over 5G: the same allowance",
    CLARA,
    0,
    (
        (
            Step(
                Kind.CREATE,
                "create",
                {"multipleUnitUsage": [_usage(_DATA, None, 10 * MIB, None)]},
                status=201,
                answer=_granted((_DATA, None, 10 * MIB)),
                note="the first grant: of the 50 MiB",
            ),
            EUR,
        ),
        (
            Step(
                Kind.RELEASE,
                "release",
                {"multipleUnitUsage": [_usage(_DATA, 10 * MIB, None, None)]},
                status=204,
                note="10 MiB of the allowance",
            ),
            EUR,
        ),
    ),
)


def _scenario(host: str, port: int, session: PduSession) -> Scenario:
    """The session, against a 5G front end of ours."""
    return Scenario(
        name=session.title,
        chf=Chf(url=f"http://{host}:{port}"),
        notify=Notify(),
        common={
            "subscriberIdentifier": f"imsi-{session.account.imsi}",
            "chargingId": 5,
            "serviceSpecificationInfo": "32255@3gpp.org",
            "nfConsumerIdentification": {"nodeFunctionality": "SMF", "nFName": "7d1f2c3a-0000-4000-8000-5f0e00000001"},
            "pDUSessionChargingInformation": {
                "userInformation": {"servedGPSI": f"msisdn-{session.account.msisdn}"},
                "pduSessionInformation": {"pduSessionID": 5, "pduType": "IPV4", "dnnId": "internet"},
            },
        },
        steps=tuple(step for step, _ in session.steps),
    )


def session_id_of(exchange: Exchange) -> str:
    """What the session that a create opened is called in charging records."""
    return SESSION_PREFIX + exchange.location.rpartition("/")[2][:NAME_DIGITS]


async def exchanges(host: str, port: int, session: PduSession) -> AsyncIterator[tuple[Exchange, int]]:
    """Play it: each exchange, and the money that must be left behind it. PlayStopped."""
    async with player_of(_scenario(host, port, session)) as (player, _), aclosing(player.play()) as happenings:
        number = 0
        async for happening in happenings:
            if not isinstance(happening, Exchange):
                continue
            if number == len(session.steps):
                raise PlayStopped("more was asked than the demo asks for: somebody notified its SMF")
            yield happening, session.steps[number][1]
            number += 1


def _octets(amounts: dict[str, Any] | None = None) -> str:
    return units(None if amounts is None else amounts["totalVolume"], Unit.OCTETS)


class PduSessionTable:
    """Requests and answers, a row a rating group and UPF."""

    def __init__(self, session: PduSession) -> None:
        title = f"{session.account.name}. {session.title}"
        self._table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, expand=False)
        for name in ("request", "rating group", "UPF", "used", "asked"):
            self._table.add_column(name, justify="right" if name in ("rating group", "used", "asked") else "left")
        self._table.add_column("answer", style="bold")
        for name in ("granted", "valid"):
            self._table.add_column(name, justify="right")
        self._table.add_column("money left", justify="right", style="bold")
        self._table.add_column("took", justify="right", style="dim")
        self._table.add_column("")

    def add(self, exchange: Exchange, money_left_micros: int) -> None:
        """One exchange; its first row says what is of the whole request."""
        answers = {share_of(one): one for one in exchange.answer.get("multipleUnitInformation", ())}
        style = "yellow" if exchange.faults else "green"
        head = (f"{exchange.kind} {exchange.request['invocationSequenceNumber']}", f"[{style}]{exchange.status}[/]")
        tail = (euros(money_left_micros), f"{exchange.elapsed_s * 1000:.1f} ms", exchange.note)
        for usage in exchange.request["multipleUnitUsage"]:
            said = answers.pop(share_of(usage), {})
            request, answer = head
            self._table.add_row(
                request,
                str(usage["ratingGroup"]),
                str(usage.get("uPFID", "-"))[-1],
                _octets(*usage.get("usedUnitContainer", ())),
                _octets(usage.get("requestedUnit")),
                answer,
                _octets(said.get("grantedUnit")),
                f"{said['validityTime']} s" if said.get("validityTime") else "-",
                *tail,
            )
            head, tail = ("", ""), ("", "", "")

    def show(self, screen: Console) -> None:
        """Print the table."""
        screen.print(self._table)

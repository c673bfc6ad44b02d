"""The demo's business side: a plan is published, a customer orders it, uses it up, tops up, and a month later it is renewed.

Everything goes over what operators and programs have: commands, the TM Forum APIs, Gy, Nchf. Balances are read in the store.
"""

import asyncio
import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import httpx

from balances.edge.redis_store import RedisStore
from balances.queries import AccountView
from runtime.data_folder import UpState
from runtime.demo.accounts import DemoAccounts
from runtime.demo.client import DemoClient, connected
from runtime.demo.operator import Operator, Program
from runtime.demo.pdu_session import FIRST_GRANT
from runtime.demo.process import DemoFailed
from runtime.demo.screen import euros, show_order_steps, show_periods
from runtime.demo.script import EUR, MIB
from runtime.demo.sessions import expect_closed, play_pdu_session, run_steps
from runtime.demo.stage import Stage
from runtime.demo.traveller import (
    AFTER_TOP_UP,
    AHEAD,
    ALLOWANCE,
    CLARA,
    DATA,
    FEE_MICROS,
    ICCID,
    OFFERING,
    PLAN,
    TOP_UP_EUR,
    UNTIL_EMPTY,
    catalogue,
)
from runtime.settings import Settings
from vocabulary.instants import to_rfc3339
from vocabulary.units import Unit

ORDERED_S: Final = 60.0
RENEWED_S: Final = 30.0
TENANT: Final = "default"
SESSION_ID: Final = "pgw.visited.example;2;1"
PERMISSIONS: Final = (
    *("customer:read", "customer:write", "catalog:read", "inventory:read"),
    *("order:read", "order:write", "balance:read", "balance:write"),
)
_ORDERS: Final = "productOrderingManagement/v4/productOrder"
_LOOK_S: Final = 0.03
_OPEN_ENDS: Final = frozenset({"held", "cancelled"})


class BusinessSide:
    """The second half of the demo, on a Farebox that runs in `folder`."""

    def __init__(self, stage: Stage, folder: Path, state: UpState) -> None:
        self._stage = stage
        self._folder = folder
        self._state = state
        self._operator = Operator(stage, folder)
        self._url = f"http://{Settings().bss.web_host}:{state.ports['bss_web']}"

    async def run(self) -> None:
        """From the plan to its renewal. DemoFailed where it can't go on."""
        store, shop = RedisStore(self._state.store_url), Program(self._stage, self._url)
        try:
            await store.open()
            accounts = DemoAccounts(store, (OFFERING, ALLOWANCE))
            await accounts.use_tenant(TENANT)
            await self._sell()
            product = await self._order(shop)
            await self._use(shop, accounts, product)
            await self._renew(accounts)
        finally:
            await shop.close()
            await store.close()

    async def _sell(self) -> None:
        self._stage.head(
            f"A plan is published that renews itself every 30 days ({PLAN.name}), and a SIM is on the shelf"
        )
        files = {
            "traveller.yaml": catalogue(to_rfc3339(time.time_ns())),
            "numbers.csv": f"number\n{CLARA.msisdn}\n",
            "sims.csv": f"iccid,imsi\n{ICCID},{CLARA.imsi}\n",
        }
        for name, text in files.items():
            (self._folder / name).write_text(text)
        await self._operator.farebox("catalog", "import", "traveller.yaml", "--yes")
        await self._operator.farebox("catalog", "release", "--yes", lines_shown=2)
        await self._operator.farebox("inventory", "import", "msisdn", "numbers.csv")
        await self._operator.farebox("inventory", "import", "sim", "sims.csv")

    async def _order(self, shop: Program) -> dict[str, Any]:
        """A customer orders the plan; the product that comes of it."""
        self._stage.head("A shop orders it for a new customer, over TM Forum APIs (TMF632, 629, 666, 622)")
        words = [word for permission in PERMISSIONS for word in ("--permission", permission)]
        said = await self._operator.farebox("user", "client", "shop", *words, is_shown=False)
        await shop.log_in(f"shop@{TENANT}", _value(said, "client secret"))
        person = await shop.post(
            "party/v4/individual", {"givenName": CLARA.name, "familyName": "Lind"}, f"a person: {CLARA.name} Lind"
        )
        engaged = {"id": person["id"], "@referredType": "Individual"}
        customer = await shop.post(
            "customerManagement/v4/customer", {"name": f"{CLARA.name} Lind", "engagedParty": engaged}, "who buys"
        )
        buyer = {"id": customer["id"], "role": "customer", "@referredType": "Customer"}
        account = await shop.post(
            "accountManagement/v4/billingAccount",
            {"name": "Clara's", "creditLimit": {"unit": "EUR", "value": 0}, "relatedParty": [buyer]},
            "and pays",
        )
        began_s = time.monotonic()
        order = await shop.post(
            _ORDERS,
            {
                "relatedParty": [buyer],
                "billingAccount": {"id": account["id"]},
                "productOrderItem": [{"id": "1", "action": "add", "productOffering": {"id": OFFERING}}],
            },
            f"the order: add {OFFERING}",
        )
        await self._follow(shop, order, began_s)
        (product,) = await shop.get("productInventory/v4/product", **{"relatedParty.id": customer["id"]})
        self._stage.expect("number of the new product", product["productSerialNumber"], CLARA.msisdn)
        self._stage.expect("status of the new product", product["status"], "active")
        return {"id": product["id"], "payer": account["id"]}

    async def _follow(self, shop: Program, order: dict[str, Any], began_s: float) -> None:
        """Say each state of an order as it comes, then its steps. DemoFailed where it isn't completed."""
        told, state = [], ""
        while state != "completed":
            found = await shop.get(f"{_ORDERS}/{order['id']}")
            if found["state"] != state:
                state = found["state"]
                told.append(f"{state} after {time.monotonic() - began_s:.2f} s")
                self._stage.say(f"     order {order['id']}: {told[-1]}")
            if state in _OPEN_ENDS or time.monotonic() - began_s > ORDERED_S:
                said = await self._operator.farebox("order", "show", order["id"], is_shown=False)
                raise DemoFailed(f"the order is {state}:\n{said}")
            await asyncio.sleep(_LOOK_S)
        shown = await self._operator.farebox("order", "show", order["id"], "--json", is_shown=False)
        show_order_steps(self._stage.screen, json.loads(shown))

    async def _use(self, shop: Program, accounts: DemoAccounts, product: dict[str, Any]) -> None:
        stage, gy = self._stage, Settings().gy
        with connected(
            gy.host, self._state.ports["gy"], server_host=gy.origin_host, server_realm=gy.origin_realm
        ) as client:
            stage.head("The new number asks for credit, over Gy and over 5G")
            await run_steps(stage, client, accounts, DATA, SESSION_ID, steps=UNTIL_EMPTY[:1])
            await play_pdu_session(stage, accounts, self._state.ports["chf"], FIRST_GRANT)
            stage.head("The money runs out; a top-up over TMF654 has the network ask again")
            await run_steps(stage, client, accounts, DATA, SESSION_ID, steps=UNTIL_EMPTY[1:], first=1)
            await self._top_up(shop, client, product)
            await run_steps(stage, client, accounts, DATA, SESSION_ID, steps=AFTER_TOP_UP, first=len(UNTIL_EMPTY))
        expect_closed(stage, DATA.title, await accounts.balance(CLARA))

    async def _top_up(self, shop: Program, client: DemoClient, product: dict[str, Any]) -> None:
        """Money comes in by the API; the packet core is told over Gy, since it ran out."""
        began_s = time.monotonic()
        done = await shop.post(
            "prepayBalanceManagement/v4/topupBalance",
            {
                "amount": {"units": "EUR", "amount": TOP_UP_EUR},
                "usageType": "monetary",
                "bucket": {"id": "money"},
                "product": [{"id": product["id"]}],
                "partyAccount": {"id": product["payer"]},
            },
            f"{euros(TOP_UP_EUR * EUR)} more",
        )
        self._stage.expect("status of the top-up", done["status"], "completed")
        told = await asyncio.to_thread(client.next_told)
        if told is None:
            self._stage.faults.append("the packet core got no Re-Auth-Request after the top-up")
            return
        self._stage.expect("Re-Auth-Request", (told.session_id, told.rating_groups), (SESSION_ID, (DATA.rating_group,)))
        groups = ", ".join(map(str, told.rating_groups))
        self._stage.say(
            f"RAR  Farebox to the packet core: session {told.session_id}, rating group {groups},"
            f" {(told.at_s - began_s) * 1000:.0f} ms after the top-up was sent; answered 2001"
        )

    async def _renew(self, accounts: DemoAccounts) -> None:
        """A month passes in a moment: the plan's next period is paid and given."""
        stage = self._stage
        stage.head("A month passes: the plan renews itself (farebox up --test-clock has a clock that can be moved)")
        before = await accounts.balance(CLARA)
        money_micros = before.total(Unit.MONEY)[0]
        await self._operator.farebox("clock", "advance", AHEAD)
        after, began_s = before, time.monotonic()
        while not _is_renewed(after, before) and time.monotonic() - began_s < RENEWED_S:
            await asyncio.sleep(_LOOK_S)
            after = await accounts.balance(CLARA)
        show_periods(stage.screen, {"before": before, "after": after})
        stage.say(f"renewed {time.monotonic() - began_s:.1f} s after the clock was moved")
        stage.expect("money after the renewal", after.total(Unit.MONEY)[0], money_micros - FEE_MICROS)
        stage.expect("data after the renewal", after.total(Unit.OCTETS)[0], 50 * MIB)

    async def show_console(self, *, stays: bool) -> None:
        """Say where the console is and who may log in; see that it serves."""
        stage = self._stage
        stage.head("The console: live figures, customers, orders, catalogue, inventory")
        said = await self._operator.farebox("user", "add", "demo", "--role", "administrator")
        async with httpx.AsyncClient(base_url=self._url, timeout=30, trust_env=False) as browser:
            form = {
                "tenant": TENANT,
                "login": "demo",
                "password": _value(said, "one-time password"),
                "to": "/console",
            }
            answer = await browser.post("/console/login", data=form)
        stage.expect("where the console leads after the login", answer.headers.get("location"), "/console/password")
        stage.screen.print(
            f"[bold]{self._url}/console[/]  log in as demo with that password; {self._url}/docs has the APIs"
        )
        if not stays:
            stage.say("farebox demo --stay leaves all of it running until ^C, to look around")
            return
        stage.say("All of it stays until ^C")
        with suppress(asyncio.CancelledError):  # ^C
            await asyncio.Event().wait()


def _is_renewed(after: AccountView, before: AccountView) -> bool:
    return [product.period_from_ns for product in after.products] != [
        product.period_from_ns for product in before.products
    ]


def _value(said: str, name: str) -> str:
    """What a command printed behind a name."""
    for line in said.splitlines():
        if line.strip().startswith(name):
            return line.strip().removeprefix(name).strip()
    raise DemoFailed(f"no {name} in: {said}")

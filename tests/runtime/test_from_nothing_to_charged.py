"""From nothing to charged, over what operators have: the command line, the APIs, Gy and Nchf. A catalogue, numbers and SIMs, a
customer, an order; then the new number is granted units, and is topped up.
"""

import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
import sqlalchemy as sa

from tests.bss.conftest import bare_database_at as bare_database_at
from tests.bss.conftest import postgresql as postgresql
from tests.bss.orchestration.world import with_check_digit
from tests.bss.simulated_hss import simulated_hss
from tests.chf_http2.charging_bodies import request, usage
from tests.runtime.gy_client import gy_client
from tests.runtime.running_up import MIB, RunningUp, invoke, running_up, wait_until
from tests.tidy.sources import ROOT

pytestmark = pytest.mark.timeout(300)

CATALOGUE = ROOT / "bss" / "catalog" / "samples" / "mobile.yaml"
NUMBER, IMSI = "491700000001", "262010000000001"
ICCID = with_check_digit("894902000000000001")
PERMISSIONS = (
    *("customer:read", "customer:write", "catalog:read", "inventory:read"),
    *("order:read", "order:write", "balance:read", "balance:write"),
)
ORDERED_S = 60.0
"""The machine may be busy; on a quiet one it is a second or two, which the test prints."""


class Operator(NamedTuple):
    """A running Farebox and how it is reached."""

    up: RunningUp
    settings: dict[str, str]
    api: httpx.Client

    def farebox(self, *words: str) -> str:
        """What a command of the business side says; it has to be done."""
        return farebox(self.settings, *words, "--data-dir", str(self.up.folder.path))

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.api.post(f"/tmf-api/{path}", json=body)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def get(self, path: str, **filters: str) -> Any:
        answer = self.api.get(f"/tmf-api/{path}", params=filters)
        assert answer.status_code == 200, answer.text
        return answer.json()


def as_a_setting(url: sa.URL) -> str:
    """bss.url of a database."""
    driver = url.drivername.replace("+pysqlite", "")
    return url.set(drivername=driver).render_as_string(hide_password=False)


def farebox(settings: dict[str, str], *words: str) -> str:
    ended = invoke(*words, **settings)
    assert ended.returncode == 0, f"{words}: {ended.stdout}{ended.stderr}"
    return ended.stdout


@pytest.fixture
def operator(tmp_path: Path, bare_database_at: sa.URL) -> Iterator[Operator]:
    """`farebox up` with web, worker, 5G front end and a subscriber store; a program that may call the APIs."""
    with simulated_hss(tmp_path) as hss:
        settings = {
            "FAREBOX_BSS_URL": as_a_setting(bare_database_at),
            "FAREBOX_BSS_WEB": "1",
            "FAREBOX_BSS_WEB_PORT": "0",
            "FAREBOX_BSS_WORKERS": "1",
            "FAREBOX_BSS_HSS_URL": hss.url,
            "FAREBOX_CHF_PORT": "0",
        }
        with running_up(tmp_path / "data", "--chf", "1", **settings) as up:
            data = ("--data-dir", str(up.folder.path))
            said = farebox(settings, "user", "client", "shop", *_each("--permission", PERMISSIONS), *data)
            secret = dict(line.split(maxsplit=2)[1:] for line in said.splitlines() if line.startswith("client "))[
                "secret"
            ]
            with httpx.Client(base_url=f"http://127.0.0.1:{up.state.ports['bss_web']}", timeout=30) as api:
                form = {"grant_type": "client_credentials"}
                answer = api.post("/oauth2/token", data=form, auth=("shop@default", secret))
                assert answer.status_code == 200, answer.text
                api.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
                yield Operator(up, settings, api)


def _each(option: str, values: tuple[str, ...]) -> list[str]:
    return [word for value in values for word in (option, value)]


def sell_something(operator: Operator, folder: Path) -> None:
    """A catalogue in force, a number and a SIM in the pools."""
    store = operator.up.state.store_url
    operator.farebox("catalog", "import", str(CATALOGUE), "--yes")
    assert "is published" in operator.farebox("catalog", "release", "--yes", "--store", store)
    for kind, text in (("msisdn", f"number\n{NUMBER}\n"), ("sim", f"iccid,imsi\n{ICCID},{IMSI}\n")):
        file = folder / f"{kind}.csv"
        file.write_text(text)
        assert "1 added" in operator.farebox("inventory", "import", kind, str(file))


def join(operator: Operator) -> tuple[str, str]:
    """A person becomes a customer; (customer, billing account)."""
    person = operator.post("party/v4/individual", {"givenName": "Ann", "familyName": "Lee"})
    engaged = {"id": person["id"], "@referredType": "Individual"}
    customer = operator.post("customerManagement/v4/customer", {"name": "Ann Lee", "engagedParty": engaged})
    account = {
        "name": "Ann's bills",
        "creditLimit": {"unit": "EUR", "value": 0},
        "relatedParty": [{"id": customer["id"], "role": "customer", "@referredType": "Customer"}],
    }
    return customer["id"], operator.post("accountManagement/v4/billingAccount", account)["id"]


def order_line(operator: Operator, customer_id: str, account_id: str) -> dict[str, Any]:
    """An order for a prepaid line; it as it is once it is completed."""
    orders = "productOrderingManagement/v4/productOrder"
    placed = operator.post(
        orders,
        {
            "relatedParty": [{"id": customer_id, "role": "customer", "@referredType": "Customer"}],
            "billingAccount": {"id": account_id},
            "channel": [{"id": "shop"}],
            "productOrderItem": [{"id": "1", "action": "add", "productOffering": {"id": "prepaid-start"}}],
        },
    )

    def ended() -> dict[str, Any] | None:
        found: dict[str, Any] = operator.get(f"{orders}/{placed['id']}")
        assert found["state"] != "held", operator.farebox("order", "list", "--fallout")
        return found if found["state"] == "completed" else None

    completed: dict[str, Any] = wait_until(f"order {placed['id']} is completed", ended, ORDERED_S)
    return completed


def granted_over_gy(operator: Operator) -> int | None:
    with gy_client(operator.up.state.ports["gy"]) as client:
        answer = client.ask(1, 0, f"pgw1.example.net;{IMSI}", IMSI, asked=MIB)
        assert answer.result == 2001, answer
        return answer.granted_octets


def granted_over_nchf(operator: Operator) -> dict[str, int] | None:
    said = request(0, (usage(10, asks={"totalVolume": MIB}),), chargingId=7, subscriberIdentifier=f"msisdn-{NUMBER}")
    at = f"http://127.0.0.1:{operator.up.state.ports['chf']}/nchf-convergedcharging/v3/chargingdata"
    with httpx.Client(http1=False, http2=True, timeout=30, trust_env=False) as client:
        answer = client.post(at, json=said)
    assert answer.status_code == 201, answer.text
    (unit,) = answer.json()["multipleUnitInformation"]
    found: dict[str, int] | None = unit.get("grantedUnit")
    return found


def top_up(operator: Operator, product_id: str, account_id: str) -> None:
    """5 EUR: the engine's answer is the API's, and the account has them."""

    def money() -> Decimal:
        asked = {"product.id": product_id, "usageType": "monetary"}
        buckets = operator.get("prepayBalanceManagement/v4/bucket", **asked)
        assert buckets
        amounts = [bucket[of]["amount"] for bucket in buckets for of in ("remainingValue", "reservedValue")]
        return sum((Decimal(str(amount)) for amount in amounts), Decimal(0))

    before = money()
    found = operator.post(
        "prepayBalanceManagement/v4/topupBalance",
        {
            "amount": {"units": "EUR", "amount": 5},
            "usageType": "monetary",
            "bucket": {"id": "money"},
            "product": [{"id": product_id}],
            "partyAccount": {"id": account_id},
        },
    )
    assert found["status"] == "completed", found
    assert money() == before + 5


def test_from_nothing_to_charged(operator: Operator, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sell_something(operator, tmp_path)
    customer_id, account_id = join(operator)
    began = time.monotonic()
    order = order_line(operator, customer_id, account_id)
    granted = granted_over_gy(operator)
    took_s = time.monotonic() - began
    assert granted == MIB
    assert granted_over_nchf(operator) == {"totalVolume": MIB}
    (item,) = order["productOrderItem"]
    (product,) = operator.get("productInventory/v4/product", **{"relatedParty.id": customer_id})
    assert (product["id"], product["status"]) == (item["product"]["id"], "active")
    assert product["productSerialNumber"] == NUMBER
    top_up(operator, product["id"], account_id)
    assert "agree" in operator.farebox("assure", "inventory", "--store", operator.up.state.store_url)
    audited = invoke("audit", "--store", operator.up.state.store_url, "--data-dir", str(operator.up.folder.path))
    assert audited.returncode == 0, audited.stdout + audited.stderr
    with capsys.disabled():
        sys.stdout.write(f"\nfrom the order's POST to the first granted quota: {took_s:.2f} s\n")

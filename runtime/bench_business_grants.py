"""From an order to credit: how long it takes until a network that uses the ordered number is granted units over Gy."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import httpx

from bench.business_load import ORDERS, order_body, spread_of
from bench.business_seed import free_number, free_sim
from bench.generator_process import BenchError
from runtime.bench_business_up import ServedBusiness
from runtime.demo.client import DemoClient, connected
from runtime.demo.script import INITIAL, SUCCESS, DemoAccount, DemoSession, Step
from runtime.settings import Settings
from vocabulary.units import Unit

ASKED_OCTETS: Final = 1 << 20
WAITED_S: Final = 30.0
_LOOK_S: Final = 0.01


@contextmanager
def packet_core(served: ServedBusiness) -> Iterator[DemoClient]:
    """A Diameter client of the served Farebox."""
    gy = Settings().gy
    port = served.farebox.state.ports["gy"]
    with connected(gy.host, port, server_host=gy.origin_host, server_realm=gy.origin_realm) as client:
        yield client


def is_granted(client: DemoClient, msisdn: str, imsi: str, session_id: str) -> bool:
    """Does the first request of a data session get units? Its session stays open, where it does."""
    line = DemoAccount("", imsi, msisdn, 0, 0)
    session = DemoSession("data", line, "32251@3gpp.org", 10, Unit.OCTETS, 0)
    answer = client.ask(session, session_id, 0, Step(INITIAL, asked=ASKED_OCTETS)).answer
    if answer.result_code != SUCCESS:
        return False
    return any(each.granted_service_unit is not None for each in answer.multiple_services_credit_control)


def run_first_grants(served: ServedBusiness, customers: Sequence[str], places: Sequence[int]) -> dict[str, Any]:
    """Milliseconds from the POST of an order of one prepaid SIM to the first granted units of its number. BenchError.

    places   of the pools' numbers and SIMs that are ordered, one after the other; the network asks anew until it is granted
    """
    headers = {"authorization": f"Bearer {served.target.token}"}
    took_ms, tries = [], []
    url = f"http://{served.target.host}:{served.target.port}"
    with packet_core(served) as client, httpx.Client(base_url=url, headers=headers, trust_env=False) as shop:
        for turn, place in enumerate(places):
            number, (iccid, imsi) = free_number(place), free_sim(place)
            body = order_body(customers[turn % len(customers)], {"msisdn": number, "sim": iccid})
            began_s = time.monotonic()
            answer = shop.post(ORDERS, json=body)
            if answer.status_code != 201:
                raise BenchError(f"an order was answered with {answer.status_code}: {answer.text[:300]}")
            asked = 1
            while not is_granted(client, number, imsi, f"bench;{place};{asked}"):
                asked += 1
                if time.monotonic() - began_s > WAITED_S:
                    raise BenchError(f"{number} got no units within {WAITED_S:.0f} s of its order")
                time.sleep(_LOOK_S)
            took_ms.append((time.monotonic() - began_s) * 1000)
            tries.append(asked)
    return {"count": len(took_ms), "ms": spread_of(took_ms), "refused_before": sum(tries) - len(tries)}

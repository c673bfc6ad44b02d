"""A type is met first by one thread at a time."""

import threading
from typing import Any

import msgspec
import pytest

from bss import converting
from tests.runtime.running_up import wait_until

THREADS = 4


def test_the_first_time_is_one_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    class Sample(msgspec.Struct):
        name: str

    now, most, begun, goes_on = 0, 0, 0, threading.Event()
    plain = msgspec.convert

    def slow(value: Any, kind: Any, **options: Any) -> Any:
        nonlocal now, most, begun
        begun += 1
        now += 1
        most = max(most, now)
        goes_on.wait(20)
        now -= 1
        return plain(value, kind, **options)

    monkeypatch.setattr(converting.msgspec, "convert", slow)
    came: list[Any] = []
    found: list[Any] = []

    def convert() -> None:
        came.append(None)
        found.append(converting.convert({"name": "x"}, Sample))

    threads = [threading.Thread(target=convert) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    wait_until("all came, and one converts", lambda: begun and len(came) == THREADS)
    threading.Event().wait(0.05)  # so that another would have begun, too
    goes_on.set()
    for thread in threads:
        thread.join(20)
    assert found == [Sample("x")] * THREADS
    assert most == 1
    with pytest.raises(msgspec.ValidationError):
        converting.convert({"name": 1}, Sample)

"""The embedded store on a disk that fills up: it ends rather than answer what it can't keep, says why, and comes back whole."""

import subprocess
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from balances.edge.embedded import EmbeddedStore
from balances.store import StoreError

pytestmark = pytest.mark.acceptance
DISK_OCTETS = 4 << 20
VALUE = b"v" * 10_000
STOP_S = 10.0


@pytest.fixture
def disk(tmp_path):
    """A small file system of memory; only a privileged user can have one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_OCTETS}", "tmpfs", folder], capture_output=True, check=False
    )
    assert mounted.returncode == 0, f"needs the right to mount: {mounted.stderr.decode()}"
    yield folder
    subprocess.run(["umount", folder], check=True)


def fill(path: Path) -> None:
    """Leave no octet free."""
    with path.open("wb", buffering=0) as file:
        for size in (65536, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue


def write_until_it_ends(client: redis.Redis) -> int:
    """How many writes were answered before the disk was full."""
    for number in range(2 * DISK_OCTETS // len(VALUE)):
        try:
            client.set(f"k{number}", VALUE)
        except redis.RedisError:
            return number
    raise AssertionError("the disk is never full")


def test_new_store_on_a_full_disk_says_so(disk):
    store = EmbeddedStore(disk / "store", fsync="always", rewrite_min_mib=64)
    fill(disk / "ballast")
    with pytest.raises(StoreError, match=r"make room on the disk of|No space left on device"):
        store.start()
    assert not store.is_running()
    (disk / "ballast").unlink()
    store.start()
    store.stop(STOP_S)


def test_full_disk_ends_the_store_loses_nothing_and_is_named(disk):
    store = EmbeddedStore(disk / "store", fsync="always", rewrite_min_mib=64)
    store.start()
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(DISK_OCTETS // 2))
    client = redis.Redis.from_url(store.url, retry=Retry(NoBackoff(), 0), socket_timeout=10)
    try:
        answered = write_until_it_ends(client)
        client.close()
        assert answered > 100
        store.stop(STOP_S)
        ballast.unlink()
        store.start()
        with redis.Redis.from_url(store.url, retry=Retry(NoBackoff(), 0)) as again:
            assert all(again.get(f"k{number}") == VALUE for number in range(answered))
    finally:
        client.close()
        store.stop(STOP_S)

"""The embedded store as a process: one a folder, adopted, killed, torn, locked, and stopped last; real servers throughout."""

import asyncio
import fcntl
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from balances.edge import embedded
from balances.edge.embedded import EmbeddedStore
from balances.edge.embedded_socket import SOCKET_PATH_OCTETS_MAX, embedded_url, socket_path
from balances.edge.redis_store import RedisStore
from balances.edge.server_binary import find_server_binary, read_version
from balances.edge.server_log import LOG_OCTETS_MAX, remedy_for
from balances.store import StoreError, StoreMeta

STOP_S = 10.0
ENDS_S = 10.0


@pytest.fixture
def make(tmp_path):
    """Stores by folder; whatever still runs at the end is ended."""
    made = []

    def store(folder="store", *, fsync="always", rewrite_min_mib=64):
        made.append(EmbeddedStore(tmp_path / folder, fsync=fsync, rewrite_min_mib=rewrite_min_mib))
        return made[-1]

    yield store
    for each in made:
        each.stop(STOP_S)


def client_of(store):
    return redis.Redis.from_url(store.url, retry=Retry(NoBackoff(), 0), decode_responses=True, socket_timeout=5)


def kill(store):
    """End the server as a fault would, and wait until it is gone."""
    ended = os.pidfd_open(store.pid)
    os.kill(store.pid, signal.SIGKILL)
    wait_for_end(ended)


def wait_for_end(ended):
    poll = select.poll()
    poll.register(ended, select.POLLIN)
    assert poll.poll(ENDS_S * 1000), "the process goes on"
    os.close(ended)


def test_starts_as_safely_as_the_store_wants_it(make):
    store = make()
    assert not store.is_running()
    assert store.pid == 0
    store.start()
    assert store.is_running()
    assert not store.is_adopted
    with client_of(store) as client:
        found = client.config_get(
            "appendonly", "appendfsync", "maxmemory-policy", "save", "port", "auto-aof-rewrite-*", "no-appendfsync-*"
        )
        assert client.info("server")["process_id"] == store.pid
    assert found == {
        "appendonly": "yes",
        "appendfsync": "always",
        "maxmemory-policy": "noeviction",
        "save": "",
        "port": "0",
        "auto-aof-rewrite-percentage": "100",
        "auto-aof-rewrite-min-size": str(64 << 20),
        "no-appendfsync-on-rewrite": "no",
    }


async def _create_and_open(url) -> StoreMeta:
    store = RedisStore(url)
    try:
        await store.create(2)
        return await store.open()
    finally:
        await store.close()


def test_redis_store_opens_it(make):
    store = make()
    assert store.is_new
    store.start()
    assert not store.is_new
    meta = asyncio.run(_create_and_open(store.url))
    assert meta.fsync == "always"
    store.stop(STOP_S)
    assert not make().is_new
    store.start()
    again = asyncio.run(_create_and_open(store.url))
    assert (again.created_ns, again.partition_count) == (meta.created_ns, 2)


def test_stop_leaves_everything_on_disk(make):
    store = make()
    store.start()
    with client_of(store) as client:
        client.set("a", "1")
    store.stop(STOP_S)
    assert not store.is_running()
    assert store.pid == 0
    store.stop(STOP_S)
    store.start()
    with client_of(store) as client:
        assert client.get("a") == "1"


def test_killed_store_starts_again_on_its_folder(make):
    store = make()
    store.start()
    first = store.pid
    with client_of(store) as client:
        client.set("a", "1")
    kill(store)
    assert not store.is_running()
    store.start()
    assert store.is_running()
    assert store.pid != first
    with client_of(store) as client:
        assert client.get("a") == "1"


def test_running_store_is_adopted_and_given_the_settings_asked_for(make):
    first = make()
    first.start()
    second = make(fsync="everysec", rewrite_min_mib=128)
    second.start()
    assert second.is_adopted
    assert second.pid == first.pid
    assert second.url == first.url
    assert sorted(second.notices) == [
        "appendfsync was 'always' and is 'everysec' now",
        f"auto-aof-rewrite-min-size was '{64 << 20}' and is '{128 << 20}' now",
    ]
    with client_of(second) as client:
        assert client.config_get("appendfsync") == {"appendfsync": "everysec"}
    third = make(fsync="everysec", rewrite_min_mib=128)
    third.start()
    assert third.notices == ()


def test_adopted_store_is_watched_and_stopped(make):
    first, second = make(), make()
    first.start()
    second.start()
    assert second.is_running()
    second.stop(STOP_S)
    assert not first.is_running()
    assert not second.is_running()
    assert not second.is_adopted


def test_adopted_store_that_dies_is_noticed_and_started_by_whoever_asks(make):
    first, second = make(), make()
    first.start()
    second.start()
    kill(first)
    assert not second.is_running()
    second.start()
    assert second.is_running()
    assert not second.is_adopted


def test_hanging_store_is_killed_when_its_time_is_over(make):
    store, other = make(), make()
    store.start()
    other.start()
    ended = os.pidfd_open(store.pid)
    os.kill(store.pid, signal.SIGSTOP)
    began = time.monotonic()
    other.stop(0.2)
    assert time.monotonic() - began < 3
    wait_for_end(ended)
    assert not store.is_running()


def test_only_one_starts_of_two_at_once(tmp_path):
    """Two processes start on one folder in the same moment: both get the same server."""
    text = (
        "import sys; from pathlib import Path; from balances.edge.embedded import EmbeddedStore\n"
        "store = EmbeddedStore(Path(sys.argv[1]), fsync='always', rewrite_min_mib=64)\n"
        "sys.stdin.read(1); store.start(); print(store.pid, store.is_adopted)\n"
    )
    folder = tmp_path / "store"
    started = [
        subprocess.Popen([sys.executable, "-c", text, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = []
    try:
        for each in started:
            each.stdin.write("x")
            each.stdin.flush()
        said = [each.communicate(timeout=60)[0].split() for each in started]
        assert said[0][0] == said[1][0]
        assert sorted(row[1] for row in said) == ["False", "True"]
    finally:
        heir = EmbeddedStore(folder, fsync="always", rewrite_min_mib=64)
        heir.start()
        assert heir.is_adopted, "the server outlives the process that started it"
        heir.stop(STOP_S)


def test_locked_folder_without_a_server_is_refused(make, tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "LOCKED_S", 0.1)
    store = make()
    store.folder.mkdir()
    with (store.folder / "lock").open("w") as lock:
        lock.write("process 77\n")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(StoreError, match=r"is locked by process 77, but no server answers there"):
            store.start()
    store.start()
    assert store.is_running()


def test_socket_that_nobody_serves_is_no_obstacle(make):
    store = make()
    store.folder.mkdir()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(store.folder / "store.sock"))
    store.start()
    assert store.is_running()


def test_folder_with_a_long_name_is_reached_from_any_process(make, monkeypatch):
    with TemporaryDirectory(prefix="fb") as short:
        monkeypatch.setattr("tempfile.tempdir", short)
        reach_by_a_link(make)


def reach_by_a_link(make):
    store = make("long name % " + "d" * 2 * SOCKET_PATH_OCTETS_MAX)
    store.start()
    path = socket_path(store.folder)
    assert len(os.fsencode(path)) <= SOCKET_PATH_OCTETS_MAX
    assert embedded_url(store.folder) == store.url
    other = make(store.folder)
    other.start()
    assert other.pid == store.pid
    path.parent.unlink()
    with client_of(store) as client:
        assert client.ping(), "a link that was swept away is made again"
    other.stop(STOP_S)
    store.stop(STOP_S)


def test_long_name_without_a_private_temporary_folder_is_refused(make, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "shared"))
    (tmp_path / "shared" / f"farebox-{os.getuid()}").mkdir(parents=True)
    (tmp_path / "shared" / f"farebox-{os.getuid()}").chmod(0o777)
    with pytest.raises(StoreError, match="is not a folder that only this user writes"):
        _ = make("d" * 2 * SOCKET_PATH_OCTETS_MAX).url


def test_interrupt_of_the_terminal_does_not_reach_it(make):
    store = make()
    store.start()
    assert os.getpgid(store.pid) == store.pid
    assert os.getsid(store.pid) == os.getsid(0), "in a session of its own it is weighed apart (docs/decisions/0039)"


def test_lock_is_the_servers_alone(make):
    store = make()
    store.start()
    lock = (store.folder / "lock").stat()
    mine = [os.stat(f"/proc/self/fd/{name}").st_ino for name in os.listdir("/proc/self/fd") if _is_there(name)]
    assert lock.st_ino not in mine
    with (store.folder / "lock").open() as descriptor, pytest.raises(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_there(name):
    return os.path.exists(f"/proc/self/fd/{name}")


def increment_of(store):
    return next((store.folder / "appendonlydir").glob("*.incr.aof"))


@pytest.mark.parametrize("fsync", ["always", "everysec"])
def test_torn_end_is_cut_off_and_told(make, fsync):
    store = make(fsync=fsync)
    store.start()
    with client_of(store) as client:
        client.set("a", "1")
    store.stop(STOP_S)
    with increment_of(store).open("ab") as file:
        file.write(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r")
    store.start()
    assert any("truncat" in notice for notice in store.notices)
    with client_of(store) as client:
        assert client.get("a") == "1"


def test_damage_before_the_end_is_refused_in_the_servers_words(make):
    store = make()
    store.start()
    with client_of(store) as client:
        client.set("a", "1")
        client.set("b", "2")
    store.stop(STOP_S)
    file = increment_of(store)
    file.write_bytes(b"rubbish" + file.read_bytes()[7:])
    with pytest.raises(StoreError, match=r"Bad file format reading the append only file.*restore .*/appendonlydir"):
        store.start()
    assert not store.is_running()
    with pytest.raises(StoreError, match="Bad file format"):
        store.start()


def test_folder_that_cannot_hold_the_file_is_refused_in_the_servers_words(make):
    store = make()
    store.folder.mkdir()
    (store.folder / "appendonlydir").write_text("in the way")
    with pytest.raises(StoreError, match=r"append.only dir.*Remedy: .*must be a folder"):
        store.start()


def test_folder_that_cannot_be_made_is_refused(make, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="can't be made"):
        make("file/store").start()


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ("Can't open the append-only file: No space left on device", "make room on the disk of /d"),
        ("Bad file format reading the append only file", "exec -a valkey-check-aof /bin/server --fix /d/appendonlydir"),
        ("Can't handle RDB format version 90", "newer server"),
        ("something never heard of", "see /d/store.log"),
    ],
)
def test_remedies(words, remedy):
    assert remedy in remedy_for(words, Path("/d"), Path("/bin/server"))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"fsync": "no", "rewrite_min_mib": 64}, "store.fsync is 'no': always or everysec fits"),
        ({"fsync": "always", "rewrite_min_mib": 0}, "store.rewrite_min_mib is 0: 1 to"),
    ],
)
def test_values_that_do_not_fit_are_named(tmp_path, arguments, told):
    with pytest.raises(StoreError, match=told):
        EmbeddedStore(tmp_path, **arguments)


def test_long_log_is_put_aside(make):
    store = make()
    store.folder.mkdir()
    with (store.folder / "store.log").open("wb") as log:
        log.truncate(LOG_OCTETS_MAX + 1)
    store.start()
    assert (store.folder / "store.log.1").stat().st_size == LOG_OCTETS_MAX + 1
    assert (store.folder / "store.log").stat().st_size < LOG_OCTETS_MAX


def test_server_of_the_path_must_be_new_enough(tmp_path, monkeypatch):
    carried = find_server_binary()
    assert read_version(carried) >= (7, 2)
    old = tmp_path / "redis-server"
    old.write_text("#!/bin/sh\necho 'Redis server v=6.2.7 sha=00000000:0 malloc=jemalloc-5.1.0 bits=64'\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    monkeypatch.setattr("balances.edge.server_binary._carried_binary", lambda: None)
    with pytest.raises(StoreError, match=r"redis-server is 6\.2\).*install one, or give a store with --store"):
        find_server_binary()
    (tmp_path / "valkey-server").symlink_to(carried)
    assert find_server_binary() == tmp_path / "valkey-server"

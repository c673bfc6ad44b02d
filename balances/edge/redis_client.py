"""The store's client for everything that isn't hot: redis-py, told never to send a command twice.

redis-py sends a command again by itself when its reply is lost, and would so write twice; here it gives up, and the
caller, who knows whether a command may be repeated, decides. Its exceptions become StoreError at this edge.
"""

import functools
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, ParamSpec, TypeVar

import hiredis
from redis.asyncio import Connection, ConnectionPool, Redis, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, AuthorizationError, BusyLoadingError, RedisError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from balances.edge.addresses import StoreAddress, parse_address
from balances.keys import partition_key
from balances.store import StoreError, StoreMeta, StoreUnreachable

SOCKET_TIMEOUT_S: Final = 15.0
"""A reply that takes longer is lost; blocking reads must ask for less."""
CONNECT_TIMEOUT_S: Final = 5.0
CONNECTIONS_MAX: Final = 64

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


def store_errors(
    method: Callable[_Arguments, Coroutine[Any, Any, _Result]],
) -> Callable[_Arguments, Coroutine[Any, Any, _Result]]:
    """Have an async method of a RedisClient raise StoreError where redis-py raises its own."""

    @functools.wraps(method)
    async def translated(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        try:
            return await method(*args, **kwargs)
        except (RedisError, OSError) as error:
            client = args[0]
            assert isinstance(client, RedisClient)
            raise translate(error, client.address) from error

    return translated


def translate(error: Exception, address: StoreAddress) -> StoreError:
    """The StoreError that says what redis-py's error means here."""
    said = _said_by_the_server(error)
    if isinstance(said, AuthenticationError | AuthorizationError):
        return StoreError(f"the store at {address} refuses user or password: {said}")
    if isinstance(said, BusyLoadingError):
        return StoreUnreachable(f"the store at {address} is loading its append-only file: try again")
    if isinstance(error, RedisConnectionError | RedisTimeoutError | OSError):
        return StoreUnreachable(
            f"no store answers at {address}: {str(error).rstrip('.')}. Start it, or correct the address"
        )
    if isinstance(error, ResponseError):
        return StoreError(f"the store at {address} refuses: {error}")
    return StoreError(f"the store at {address} can't be used: {error}")


def _said_by_the_server(error: BaseException) -> BaseException:
    """The error itself, or what the server said while the connection was made: redis-py wraps that in a ConnectionError."""
    at: BaseException | None = error
    while at is not None:
        if isinstance(at, AuthenticationError | AuthorizationError | BusyLoadingError):
            return at
        at = at.__cause__ or at.__context__
    return error


class _HiredisPacking:
    """Commands packed by hiredis, which redis-py uses in its blocking connections alone: 0.3 µs a word instead of 3."""

    def pack_command(self, *args: Any) -> list[bytes]:
        """See redis-py: a command's octets, in pieces. A name of several words is taken apart."""
        first = args[0].encode() if isinstance(args[0], str) else args[0]
        assert isinstance(first, bytes), "a command begins with its name"
        return [hiredis.pack_command((*first.split(), *args[1:]))]


class _TcpConnection(_HiredisPacking, Connection):
    pass


class _TlsConnection(_HiredisPacking, SSLConnection):
    pass


class _UnixConnection(_HiredisPacking, UnixDomainSocketConnection):
    pass


class RedisClient:
    """A client of one store; the parts of RedisStore share it."""

    def __init__(self, address: str) -> None:
        self.address = parse_address(address)
        kind: type[Any] = _TcpConnection
        if self.address.path:
            kind = _UnixConnection
        elif self.address.tls:
            kind = _TlsConnection
        pool: ConnectionPool = ConnectionPool(
            connection_class=kind,
            max_connections=CONNECTIONS_MAX,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            retry_on_error=[],
            socket_timeout=SOCKET_TIMEOUT_S,
            socket_connect_timeout=CONNECT_TIMEOUT_S,
            **self.address.client_arguments(),
        )
        # redis-py's own types say neither what a command takes nor what it gives; ours are said by our methods.
        self.client: Any = Redis(connection_pool=pool)
        # redis-py makes True or False of what `SET ... GET` answers, unless SET is called by its own method.
        self.client.set_response_callback("SET", lambda response, **_: response)
        self._meta: StoreMeta | None = None

    @property
    def meta(self) -> StoreMeta:
        """What `open` read."""
        if self._meta is None:
            raise StoreError(f"the store at {self.address} was not opened yet")
        return self._meta

    def key(self, partition: int, name: str) -> str:
        """Key of a partition's own value."""
        return partition_key(self.meta.tags[partition], name)

    async def command(self, *words: str | bytes | int) -> Any:
        """One command; redis-py's exceptions."""
        return await self.client.execute_command(*words)

    async def function(self, name: str, keys: Sequence[str], arguments: Sequence[str | bytes | int]) -> Any:
        """One of balances/edge/store_function.py; redis-py's exceptions."""
        return await self.client.execute_command("FCALL", name, len(keys), *keys, *arguments)

    async def pipelined(self, commands: Sequence[Sequence[str | bytes | int]]) -> list[Any]:
        """Commands in one write, not a transaction; the first error is raised after all are done."""
        if not commands:
            return []
        pipeline = self.client.pipeline(transaction=False)
        for words in commands:
            pipeline.execute_command(*words)
        replies: list[Any] = await pipeline.execute()
        return replies

    @store_errors
    async def server_time_ns(self) -> int:
        """The server's wall clock, in ns since the Unix epoch, exact to a microsecond."""
        seconds, micros = await self.command("TIME")
        return int(seconds) * 1_000_000_000 + int(micros) * 1000

    async def close(self) -> None:
        """End every connection of this client."""
        await self.client.aclose()
        await self.client.connection_pool.disconnect()

"""Where a store is: one URL, for the client of everything that isn't hot and for the owners' connections alike."""

from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from balances.store import StoreError

_PORT: Final = 6379
_SCHEMES: Final = {"redis": False, "valkey": False, "rediss": True, "valkeys": True}


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """`redis://[user:password@]host[:port][/database]`, `rediss://` with TLS, or `unix:///path[?db=database]`."""

    host: str = ""
    port: int = _PORT
    path: str = ""
    """Of a unix socket; then host and port say nothing."""
    database: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False

    def __str__(self) -> str:
        if self.path:
            return f"unix://{self.path}"
        return f"{'rediss' if self.tls else 'redis'}://{self.host}:{self.port}/{self.database}"

    def introduction(self, name: str) -> list[bytes]:
        """What a connection has to say first, as requests of the store's protocol."""
        commands: list[tuple[str, ...]] = []
        if self.password:
            commands.append(("AUTH", self.user, self.password) if self.user else ("AUTH", self.password))
        if self.database:
            commands.append(("SELECT", str(self.database)))
        commands.append(("CLIENT", "SETNAME", name))
        return [pack_request(*(word.encode() for word in command)) for command in commands]

    def client_arguments(self) -> dict[str, Any]:
        """Keyword arguments of redis-py's connection."""
        arguments: dict[str, Any] = {"db": self.database}
        if self.password:
            arguments |= {"username": self.user or None, "password": self.password}
        if self.path:
            return arguments | {"path": self.path}
        return arguments | {"host": self.host, "port": self.port}


def pack_request(*words: bytes) -> bytes:
    """A request in the store's protocol."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def parse_address(text: str) -> StoreAddress:
    """The address in `text`. StoreError says what is wrong with it."""
    url = urlsplit(text)
    user, password = unquote(url.username or ""), unquote(url.password or "")
    query = parse_qs(url.query)
    if url.scheme == "unix":
        database = query.get("db", ["0"])[0]
        if not url.path or not database.isdigit():
            raise StoreError(f"store address {text!r} has no path: write unix:///path/to/socket")
        return StoreAddress(path=unquote(url.path), database=int(database), user=user, password=password)
    if url.scheme not in _SCHEMES:
        raise StoreError(f"store address {text!r} is none of redis://, rediss://, unix://")
    database = url.path.strip("/") or "0"
    try:
        port = url.port or _PORT
    except ValueError:
        port = 0
    if not url.hostname or not port or not database.isdigit():
        raise StoreError(f"store address {text!r} does not fit redis://[user:password@]host[:port][/database]")
    return StoreAddress(
        host=url.hostname,
        port=port,
        database=int(database),
        user=user,
        password=password,
        tls=_SCHEMES[url.scheme],
    )

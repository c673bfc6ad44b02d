"""Every key of the store, as a table: where a value lies, whose slot it shares, how long it lives.

A partition's keys share the hash tag `{<tag>}`, so that one commit is one slot's function. `<tag>` is `p0`, `p1` ...
unless the store was created with other tags.
"""

from typing import Final, NamedTuple


class KeyRow(NamedTuple):
    """A kind of key: its pattern, what it holds, when it goes."""

    name: str
    pattern: str
    holds: str
    expires: str


KEYS: Final = (
    KeyRow("meta", "farebox:meta", "hash: partitions, secret, layout floor, created_ns", "never"),
    KeyRow("tenants", "farebox:tenants", "hash: tenant name -> number (1..)", "never"),
    KeyRow("next_account", "farebox:next_account", "counter of account ids", "never"),
    KeyRow(
        "engines", "farebox:engines", "hash: engine's name -> what it says of itself (balances/engines.py)", "never"
    ),
    KeyRow("notifying", "farebox:notifier", "<epoch> <node> <beat> of the notifier that tells clients", "never"),
    KeyRow(
        "opening",
        "farebox:opening:<batch id>",
        "<first account id>:<count>:<digest of what was asked> of a batch of openings",
        "60 days",
    ),
    KeyRow("command_id", "farebox:command:<id>", "digest of what the account command with this id asks", "60 days"),
    KeyRow("release", "farebox:release:<tenant>:<release>", "a catalogue release, compiled text", "never"),
    KeyRow("releases", "farebox:releases", "stream: published releases, in order", "never"),
    KeyRow("moved", "farebox:moved:<id>", "digest of the move of identities that was done under this id", "60 days"),
    KeyRow(
        "identity_moves", "farebox:identity_moves", "stream: identities that changed hands", "the newest 100,000 stay"
    ),
    KeyRow(
        "identity",
        "<tenant>:<word>:<value>",
        "<account id>:<how often it changed hands>; account 0: it was somebody's and is free",
        "never",
    ),
    KeyRow(
        "session",
        "s:<32 hex digits of the session key>",
        "<account id>",
        "twice the supervision time; 300 s once its end named nobody",
    ),
    KeyRow("account", "{<tag>}:a:<tenant>:<account id>", "the account record (balances/record.py)", "never"),
    KeyRow("owner", "{<tag>}:owner", "token of the one writer", "never"),
    KeyRow("tail", "{<tag>}:tail", "id of the last journal entry, 0-0 where none", "never"),
    KeyRow("journal", "{<tag>}:journal", "stream of journal entries", "trimmed by the archiver"),
    KeyRow("commands", "{<tag>}:commands", "stream of account commands", "trimmed behind the position"),
    KeyRow("position", "{<tag>}:commands:position", "id of the last command that was decided", "never"),
    KeyRow("command", "{<tag>}:command:<command id>", "answer of an account command", "30 days"),
    KeyRow("answered", "{<tag>}:answered:<32 hex digits>", "recorded answer of an event, int64 words", "300 s"),
    KeyRow("route", "{<tag>}:route:<32 hex digits>", "session route: Session-Id, origin host and realm", "as session"),
    KeyRow("due", "{<tag>}:due:<5-minute bucket>", "set of accounts that have something to expire", "a day after"),
    KeyRow("archiver", "{<tag>}:archiver", "token of the one archiver", "never"),
    KeyRow("archived", "{<tag>}:archived", "id of the last entry in a durable segment file", "never"),
    KeyRow("notifier", "{<tag>}:notifier", "epoch of the notifier that writes notices", "never"),
    KeyRow("notices", "{<tag>}:notices", "hash: session key -> what its client is owed (runtime/notices)", "never"),
    KeyRow(
        "prices", "{<tag>}:notices:prices", "hash: tenant -> instant up to which new prices were told of, ns", "never"
    ),
    KeyRow("readers", "{<tag>}:readers", "hash: reader of the journal stream -> id up to which it has read", "never"),
)

DUE_BUCKET_S: Final = 300


def account_key(tag: str, tenant: int, account_id: int) -> str:
    """Key of an account record."""
    return f"{{{tag}}}:a:{tenant}:{account_id}"


def partition_key(tag: str, name: str) -> str:
    """Key of a partition's own value, such as its tail."""
    return f"{{{tag}}}:{name}"


def identity_key(tenant: int, word: str, value: str) -> str:
    """Key of a subscriber identity."""
    return f"{tenant}:{word}:{value}"


def session_key(high: int, low: int) -> str:
    """Key that finds the account of a session from anywhere."""
    return f"s:{high:016x}{low:016x}"


def partition_of(account_id: int, partition_count: int) -> int:
    """The partition whose writer decides for the account."""
    return account_id % partition_count


def owner_connection_name(tag: str) -> str:
    """CLIENT SETNAME of the connection on which a partition's owner loads and commits."""
    return f"farebox-owner-{tag}"

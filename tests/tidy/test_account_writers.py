"""Nothing but the commit writes an account's key: whoever can name one is listed here, with what it does with it."""

import ast
import re
from pathlib import Path

import pytest

from balances.keys import KEYS, account_key

ROOT = Path(__file__).parents[2]
PACKAGES = ("vocabulary", "balances", "charging", "catalog_loader", "gy_interface", "cdr", "runtime", "bench")
BUILDERS = ("account_key", "put_account_key", "put_records")
"""What makes an account's key, or writes records under it."""
CALLERS = {
    # (file, function): builder
    ("balances/edge/redis_store.py", "read_accounts"): {"account_key"},
    ("balances/edge/redis_store.py", "scan_accounts"): {"account_key"},
    ("balances/resp.py", "put_records"): {"put_account_key"},
    ("balances/resp.py", "put_load"): {"put_account_key"},
    ("balances/exchange_request.py", "_put_commit"): {"put_records"},
    ("runtime/audit_store.py", "_snapshot"): {"account_key"},
}
"""Reading (the audit's through partition_values, a GET), and the commit."""
FLOOR = "bench/floor_store.py"
"""Writes keys of the same shape, to a private store that it starts and ends itself."""
PREFIXES = {("balances/keys.py", "account_key"), ("balances/exchange_request.py", "__init__"), (FLOOR, "_key")}
"""Where the key's pattern is written down."""
MSET = re.compile(r"(^|')MSET(NX)?($|')")
MSET_FILES = {"balances/exchange_request.py", FLOOR}
"""Where several keys are written at once: the commit."""


def sources():
    """(path from the root, text) of every module that is shipped."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield str(path.relative_to(ROOT)), path.read_text()


def named_in(text):
    """(innermost function, name or text, node kind) of every name, attribute and string outside docstrings."""
    found = []

    def visit(node, function):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            function = node.name
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return
        if isinstance(node, ast.Name):
            found.append((function, node.id, "name"))
        elif isinstance(node, ast.Attribute):
            found.append((function, node.attr, "name"))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            value = node.value if isinstance(node.value, str) else node.value.decode(errors="replace")
            found.append((function, value, "text"))
        for child in ast.iter_child_nodes(node):
            visit(child, function)

    visit(ast.parse(text), "")
    return found


def callers_of(texts):
    """Builders by (file, function) that names them."""
    found = {}
    for path, text in texts:
        for function, name, kind in named_in(text):
            if kind == "name" and name in BUILDERS:
                found.setdefault((path, function), set()).add(name)
    return found


def keys_by_hand(texts):
    """(file, function) where a text looks like an account's key."""
    return {
        (path, function)
        for path, text in texts
        for function, value, kind in named_in(text)
        if kind == "text" and re.search(r"(^|[}:])a:($|\d|\{|%)", value)
    }


def test_only_reading_and_the_commit_name_account_keys():
    assert callers_of(sources()) == CALLERS


def test_no_key_is_put_together_by_hand():
    assert keys_by_hand(sources()) - {("balances/keys.py", "")} == PREFIXES


def test_the_commit_alone_writes_many_keys():
    found = {
        path for path, text in sources() for _, value, kind in named_in(text) if kind == "text" and MSET.search(value)
    }
    assert found == MSET_FILES


def test_the_floor_reaches_its_own_store_alone():
    named = {name for _, name, kind in named_in((ROOT / FLOOR).read_text()) if kind == "name"}
    assert "PrivateStore" in named
    assert not named & {"RedisStore", "store_url", "EmbeddedStore"}


@pytest.mark.parametrize(
    "planted",
    [
        "from balances.keys import account_key\nasync def mend(store):\n    await store.set(account_key('p0', 1, 7), b'')\n",
        "from balances import keys\ndef mend(store):\n    store.set(keys.account_key('p0', 1, 7), b'')\n",
    ],
)
def test_a_planted_writer_is_found(planted):
    assert ("bench/planted.py", "mend") in callers_of([("bench/planted.py", planted)])


@pytest.mark.parametrize("key", ["f'{{p{partition}}}:a:{tenant}:{number}'", "b'{p0}:a:%d:%d'", "'{p0}:a:1:7'"])
def test_a_planted_key_is_found(key):
    assert keys_by_hand([("runtime/planted.py", f"def mend():\n    return {key}\n")]) == {
        ("runtime/planted.py", "mend")
    }


def test_the_table_of_keys_has_the_pattern_that_is_looked_for():
    (row,) = [row for row in KEYS if row.name == "account"]
    assert account_key("<tag>", 1, 7) == row.pattern.replace("<tenant>", "1").replace("<account id>", "7")

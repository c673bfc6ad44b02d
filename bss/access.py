"""Who calls, and what they may: callers, permissions, roles. Every public operation and query of a domain declares its
permission with `@requires`; API, console, CLI and workflows all go through it, so that no route can forget it.
"""

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Concatenate, Final, NamedTuple, ParamSpec, Protocol, TypeVar

from vocabulary.instants import FOREVER_NS

EVERYTHING: Final = "*"
"""The permission that holds all others."""

ROLES: Final[dict[str, frozenset[str]]] = {
    "administrator": frozenset({EVERYTHING}),
    "product_manager": frozenset(
        {"catalog:read", "catalog:write", "catalog:publish", "inventory:read", "order:read", "customer:read"}
    ),
    "care_agent": frozenset(
        {
            "balance:read",
            "balance:write",
            "catalog:read",
            "customer:read",
            "customer:write",
            "inventory:read",
            "order:read",
            "order:write",
            "ticket:read",
            "ticket:write",
        }
    ),
    "operations": frozenset(
        {
            "automation:read",
            "automation:write",
            "balance:read",
            "catalog:read",
            "customer:read",
            "hub:read",
            "hub:write",
            "inventory:read",
            "inventory:write",
            "order:read",
            "order:write",
            "order:repair",
            "ticket:read",
        }
    ),
    "finance": frozenset({"balance:read", "catalog:read", "customer:read", "order:read"}),
    "workflow": frozenset(
        {
            "automation:execute",
            "automation:read",
            "catalog:read",
            "customer:read",
            "customer:write",
            "inventory:read",
            "inventory:write",
            "order:execute",
            "order:read",
            "order:write",
        }
    ),
    "auditor": frozenset({"audit:read", "catalog:read", "customer:read", "hub:read", "inventory:read", "order:read"}),
}
"""Permissions by role; a user may have several roles."""

GRANTABLE: Final = frozenset[str]().union(*ROLES.values())
"""Permissions that a program may be given: those that some role has. Another one is mistyped."""


class Unauthenticated(Exception):
    """Nobody is known to call: no caller, or one whose time is over."""


class Forbidden(Exception):
    """The caller is known and lacks the permission."""

    def __init__(self, permission: str, subject: str) -> None:
        super().__init__(f"{subject} lacks the permission {permission}: an administrator can grant a role that has it")
        self.permission = permission


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf work is done: a user, an API client or a workflow, of one tenant."""

    tenant: str
    subject: str
    permissions: frozenset[str]
    expires_ns: int = FOREVER_NS

    def may(self, permission: str) -> bool:
        """Does the caller hold the permission?"""
        return permission in self.permissions or EVERYTHING in self.permissions


def permissions_of(roles: tuple[str, ...]) -> frozenset[str]:
    """What these roles may together. KeyError names a role that isn't in ROLES."""
    return frozenset().union(*(ROLES[role] for role in roles))


class Undertaken(Protocol):
    """What of a `Work` (bss/work.py) the check needs."""

    caller: Caller
    now_ns: int

    def named(self, operation: str) -> AbstractContextManager[None]:
        """What is written meanwhile is audited under this name."""


W = TypeVar("W", bound=Undertaken)
P = ParamSpec("P")
T = TypeVar("T")


class Operation(NamedTuple):
    """A public operation or query."""

    name: str
    permission: str
    call: Callable[..., Any]


OPERATIONS: Final[dict[str, Operation]] = {}
"""Every public operation and query by its dotted name: what the access test walks."""


def requires(permission: str) -> Callable[[Callable[Concatenate[W, P], T]], Callable[Concatenate[W, P], T]]:
    """The operation checks its caller before anything else: Unauthenticated, Forbidden."""

    def declare(operation: Callable[Concatenate[W, P], T]) -> Callable[Concatenate[W, P], T]:
        name = f"{operation.__module__}.{operation.__qualname__}"

        @functools.wraps(operation)
        def checked(work: W, /, *args: P.args, **kwargs: P.kwargs) -> T:
            check_caller(work.caller, permission, now_ns=work.now_ns)
            with work.named(name):
                return operation(work, *args, **kwargs)

        OPERATIONS[name] = Operation(name, permission, checked)
        return checked

    return declare


def check_caller(caller: Caller | None, permission: str, *, now_ns: int) -> Caller:
    """The caller where he may; Unauthenticated, Forbidden."""
    if caller is None:
        raise Unauthenticated("nobody is named as caller: log in or send an access token")
    if caller.expires_ns <= now_ns:
        raise Unauthenticated(f"the session or token of {caller.subject} is over: log in again or ask for a new token")
    if not caller.may(permission):
        raise Forbidden(permission, caller.subject)
    return caller

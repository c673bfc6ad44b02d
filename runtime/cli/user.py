"""`farebox user`: who may log in to the console, and which programs may call the APIs."""

from typing import TYPE_CHECKING, Annotated, Final

import typer

from runtime.cli.business import DEFAULT_TENANT, Business, Found, finds, on_business, shown, table_of
from runtime.cli.contexts import add_group
from runtime.cli.tables import print_pairs

if TYPE_CHECKING:
    from bss.work import Work

LoginArgument = Annotated[str, typer.Argument(help="Name that the user logs in with.")]
ClientArgument = Annotated[str, typer.Argument(help="Name of the program.")]
RoleOption = Annotated[
    list[str],
    typer.Option(
        "--role",
        help="administrator, product_manager, care_agent, operations, finance, auditor; several by repeating it.",
    ),
]

_HELP: Final = """Users of the console and programs that call the APIs.

\b
    farebox user add ann --role care_agent       prints a one-time password
    farebox user list
    farebox user password ann                    another one-time password
    farebox user client shop --permission order:write --permission customer:read
    farebox user client-lock shop                no more tokens

Exit codes: 1 refused, 2 could not be asked.
"""


def register(app: typer.Typer) -> None:
    """Add `farebox user`."""
    commands = (
        ("add", add),
        ("list", list_users),
        ("roles", roles),
        ("password", password),
        ("unlock", unlock),
        ("disable", disable),
        ("enable", enable),
        ("end-sessions", end_sessions),
        ("client", client),
        ("clients", list_clients),
        ("client-secret", client_secret),
        ("client-lock", client_lock),
    )
    add_group(app, "user", _HELP, commands)


@on_business
def add(
    business: Business,
    login: LoginArgument,
    role: RoleOption,
    new_tenant: Annotated[
        bool, typer.Option("--new-tenant", help="The tenant isn't there yet: open it. The default one always is.")
    ] = False,
) -> None:
    """Add a user of the console. The one-time password is printed here once, and is to be changed at the first login."""
    from bss.identity.operations import add_user
    from bss.identity.records import NewUser
    from bss.work import Work

    def make(work: Work) -> NewUser:
        _enter_tenant(work, is_new=new_tenant)
        return add_user(work, login=login, roles=role)

    made = business.write(make)
    print_pairs((("login", made.user.login), ("one-time password", made.one_time_password)))


def _enter_tenant(work: "Work", *, is_new: bool = False) -> None:
    """A mistyped tenant isn't opened; the default one is by whoever comes first."""
    from bss.errors import Invalid, NotFound
    from bss.identity.operations import open_tenant
    from bss.identity.queries import tenant

    name = work.caller.tenant
    if is_new or name == DEFAULT_TENANT:
        open_tenant(work, name=name)
    try:
        tenant(work)
    except NotFound:
        remedy = "Check the name; `farebox user add --new-tenant` opens one with its first user"
        raise Invalid("tenant", f"there is no tenant {name[:40]!r}", remedy) from None


@finds
def list_users(business: Business) -> Found:
    """List users with their roles, and who is locked or disabled."""
    from bss.identity.queries import users

    found = business.read(users)
    rows = (
        (
            row.login,
            ", ".join(row.roles),
            "active" if row.is_active else "disabled",
            shown(row.locked_until_ns),
            shown(row.last_login_ns),
        )
        for row in found
    )
    return table_of(found, "users", ("login", "roles", "state", "locked_until", "last_login"), rows)


@on_business
def roles(business: Business, login: LoginArgument, role: RoleOption) -> None:
    """Give a user these roles instead of the former ones; it holds at once, open sessions included."""
    from bss.identity.operations import set_roles

    user = business.write(lambda work: set_roles(work, login=login, roles=role))
    print_pairs((("login", user.login), ("roles", ", ".join(user.roles))))


@on_business
def password(business: Business, login: LoginArgument) -> None:
    """Give a user another one-time password, printed here once; sessions end."""
    from bss.identity.operations import reset_password

    made = business.write(lambda work: reset_password(work, login=login))
    print_pairs((("login", made.user.login), ("one-time password", made.one_time_password)))


@on_business
def unlock(business: Business, login: LoginArgument) -> None:
    """Forget a user's failed logins, so that the lock after too many of them ends now."""
    from bss.identity.operations import unlock_user

    print(f"{business.write(lambda work: unlock_user(work, login=login)).login} may log in")


@on_business
def disable(business: Business, login: LoginArgument) -> None:
    """Keep a user from logging in, and end all sessions at once. The last administrator stays."""
    _set_active(business, login, is_active=False)


@on_business
def enable(business: Business, login: LoginArgument) -> None:
    """Let a user who was disabled log in again, with the former password and roles."""
    _set_active(business, login, is_active=True)


@on_business
def end_sessions(business: Business, login: LoginArgument) -> None:
    """End all sessions of a user, who then has to log in again everywhere."""
    from bss.identity import operations

    count = business.write(lambda work: operations.end_sessions(work, login=login))
    print(f"{count} sessions of {login} are ended")


@on_business
def client(
    business: Business,
    name: Annotated[str, typer.Argument(help="Name of the program.")],
    permission: Annotated[
        list[str], typer.Option("--permission", help="Such as order:write; several by repeating it.")
    ],
) -> None:
    """Let a program call the APIs by client credentials. Its secret is printed here once and kept as a hash."""
    from bss.access import EVERYTHING, GRANTABLE
    from bss.api_clients import add_client
    from bss.errors import Invalid
    from bss.identity.passwords import TOKEN_OCTETS, token_of
    from bss.work import Work

    def make(work: Work) -> str:
        _enter_tenant(work)
        for unknown in set(permission) - GRANTABLE:
            known = ", ".join(sorted(GRANTABLE - {EVERYTHING}))
            raise Invalid("permission", f"there is none {unknown[:40]!r}", f"Known are {known}")
        secret = token_of(work.random_octets(TOKEN_OCTETS))
        add_client(work, name=name, secret=secret, permissions=permission)
        return secret

    secret = business.write(make)
    print_pairs(
        (("client id", f"{name}@{business.tenant}"), ("client secret", secret), ("permissions", ", ".join(permission)))
    )


@finds
def list_clients(business: Business) -> Found:
    """List programs that may call the APIs, with what they may."""
    from bss.api_clients import clients

    found = business.read(clients)
    rows = ((row["id"], "active" if row["is_active"] else "locked", ", ".join(row["permissions"])) for row in found)
    return table_of(found, "programs", ("name", "state", "permissions"), rows)


@on_business
def client_secret(business: Business, name: ClientArgument) -> None:
    """Give a program another secret, printed here once; the former one is void at once."""
    from bss.api_clients import renew_secret
    from bss.identity.passwords import TOKEN_OCTETS, token_of
    from bss.work import Work

    def renew(work: Work) -> str:
        secret = token_of(work.random_octets(TOKEN_OCTETS))
        renew_secret(work, name=name, secret=secret)
        return secret

    print_pairs((("client id", f"{name}@{business.tenant}"), ("client secret", business.write(renew))))


@on_business
def client_lock(business: Business, name: ClientArgument) -> None:
    """Give a program no more tokens; those that it has end by themselves, after 15 minutes at most."""
    from bss.api_clients import lock_client

    business.write(lambda work: lock_client(work, name=name))
    print(f"{name}@{business.tenant} is locked")


def _set_active(business: Business, login: str, *, is_active: bool) -> None:
    from bss.identity.operations import set_user_active

    user = business.write(lambda work: set_user_active(work, login=login, is_active=is_active))
    print(f"{user.login} is {'active' if user.is_active else 'disabled'}")

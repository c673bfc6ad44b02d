"""`farebox user`: who may log in to the console, and which programs may call the APIs."""

from typing import Annotated, Final

import typer

from runtime.cli.business import Business, TenantOption, opened, print_json, rows_of, shown
from runtime.cli.options import ConfigOption, DataDirOption, JsonOption
from runtime.cli.tables import print_pairs, print_table

LoginArgument = Annotated[str, typer.Argument(help="Name that the user logs in with.")]
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

Exit codes: 1 refused, 2 could not be asked.
"""


def register(app: typer.Typer) -> None:
    """Add `farebox user`."""
    group = typer.Typer(name="user", help=_HELP, no_args_is_help=True, rich_markup_mode=None)
    for name, command in (
        ("add", add),
        ("list", list_users),
        ("roles", roles),
        ("password", password),
        ("unlock", unlock),
        ("disable", disable),
        ("enable", enable),
        ("end-sessions", end_sessions),
        ("client", client),
    ):
        group.command(name)(command)
    app.add_typer(group)


def add(
    login: LoginArgument,
    role: RoleOption,
    tenant: TenantOption = "default",
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Add a user of the console. The one-time password is printed here once, and is to be changed at the first login."""
    business = opened(config, data_dir, tenant)
    from bss.identity.operations import add_user, open_tenant
    from bss.identity.records import NewUser
    from bss.work import Work

    def make(work: Work) -> NewUser:
        open_tenant(work, name=tenant)
        return add_user(work, login=login, roles=role)

    made = business.write(make)
    print_pairs((("login", made.user.login), ("one-time password", made.one_time_password)))


def list_users(
    tenant: TenantOption = "default",
    as_json: JsonOption = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """List users with their roles, and who is locked or disabled."""
    business = opened(config, data_dir, tenant)
    from bss.identity.queries import users

    found = business.read(users)
    if as_json:
        print_json(found)
        return
    rows = rows_of(
        (
            row.login,
            ", ".join(row.roles),
            "active" if row.is_active else "disabled",
            shown(row.locked_until_ns),
            shown(row.last_login_ns),
        )
        for row in found
    )
    print_table("users", ("login", "roles", "state", "locked_until", "last_login"), rows)


def roles(
    login: LoginArgument,
    role: RoleOption,
    tenant: TenantOption = "default",
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Give a user these roles instead of the former ones; it holds at once, open sessions included."""
    business = opened(config, data_dir, tenant)
    from bss.identity.operations import set_roles

    user = business.write(lambda work: set_roles(work, login=login, roles=role))
    print_pairs((("login", user.login), ("roles", ", ".join(user.roles))))


def password(
    login: LoginArgument,
    tenant: TenantOption = "default",
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Give a user another one-time password, printed here once; sessions end."""
    business = opened(config, data_dir, tenant)
    from bss.identity.operations import reset_password

    made = business.write(lambda work: reset_password(work, login=login))
    print_pairs((("login", made.user.login), ("one-time password", made.one_time_password)))


def unlock(
    login: LoginArgument,
    tenant: TenantOption = "default",
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Forget a user's failed logins, so that the lock after too many of them ends now."""
    business = opened(config, data_dir, tenant)
    from bss.identity.operations import unlock_user

    print(f"{business.write(lambda work: unlock_user(work, login=login)).login} may log in")


def disable(
    login: LoginArgument,
    tenant: TenantOption = "default",
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Keep a user from logging in, and end all sessions at once. The last administrator stays."""
    business = opened(config, data_dir, tenant)
    _set_active(business, login, is_active=False)


def enable(
    login: LoginArgument,
    tenant: TenantOption = "default",
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Let a user who was disabled log in again, with the former password and roles."""
    business = opened(config, data_dir, tenant)
    _set_active(business, login, is_active=True)


def end_sessions(
    login: LoginArgument,
    tenant: TenantOption = "default",
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """End all sessions of a user, who then has to log in again everywhere."""
    business = opened(config, data_dir, tenant)
    from bss.identity import operations

    count = business.write(lambda work: operations.end_sessions(work, login=login))
    print(f"{count} sessions of {login} are ended")


def client(
    name: Annotated[str, typer.Argument(help="Name of the program.")],
    permission: Annotated[
        list[str], typer.Option("--permission", help="Such as order:write; several by repeating it.")
    ],
    tenant: TenantOption = "default",
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Let a program call the APIs by client credentials. Its secret is printed here once and kept as a hash."""
    business = opened(config, data_dir, tenant)
    from bss.api_clients import add_client
    from bss.identity.passwords import TOKEN_OCTETS, token_of
    from bss.work import Work

    def make(work: Work) -> str:
        secret = token_of(work.random_octets(TOKEN_OCTETS))
        add_client(work, name=name, secret=secret, permissions=permission)
        return secret

    secret = business.write(make)
    print_pairs((("client id", f"{name}@{tenant}"), ("client secret", secret), ("permissions", ", ".join(permission))))


def _set_active(business: Business, login: str, *, is_active: bool) -> None:
    from bss.identity.operations import set_user_active

    user = business.write(lambda work: set_user_active(work, login=login, is_active=is_active))
    print(f"{user.login} is {'active' if user.is_active else 'disabled'}")

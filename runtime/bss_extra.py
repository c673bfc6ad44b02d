"""Is what the business side needs installed? An engine host may do without: the `[bss]` extra is looked for, never imported."""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from runtime.settings import Settings

MODULES: Final = (
    "sqlalchemy",
    "psycopg",
    "alembic",
    "dbos",
    "joserfc",
    "argon2",
    "cel_expr_python",
    "starlette",
    "uvicorn",
    "nicegui",
    "socketio",
)
"""What the extra brings, as it is imported, in the order of pyproject.toml."""
REMEDY: Final = "install it with: pip install 'farebox[bss]'"


class BssMissing(Exception):
    """The business side isn't installed, or its database can't be opened; the message says the remedy."""


def is_installed() -> bool:
    """All that it needs is there."""
    return all(map(_is_there, MODULES))


def require_bss(settings: "Settings") -> None:
    """BssMissing where settings want the business side and it isn't installed."""
    if not settings.bss.web and not settings.bss.workers:
        return
    missing = [name for name in MODULES if not _is_there(name)]
    if missing:
        raise BssMissing(
            f"the business side (console, TM Forum APIs, orders) isn't installed, {', '.join(missing)}"
            f" {'lack' if len(missing) > 1 else 'lacks'}: {REMEDY}, or run the engine alone: farebox up --engine-only"
        )


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ImportError:  # a finder that keeps it away
        return False

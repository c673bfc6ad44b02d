"""Every maximum of the APIs. Beyond one a request is refused, early, by a status that says which."""

from typing import Final

BODY_OCTETS_MAX: Final = 256 * 1024
"""Of a request's body; a longer one gets 413."""
NESTING_MAX: Final = 32
"""Objects and lists in one another in a body."""
PAGE_MAX: Final = 500
"""Resources in one answer."""
PAGE_DEFAULT: Final = 100
OFFSET_MAX: Final = 10_000_000
"""Resources that a page may stand behind; beyond it the `id.gt` of the last one seen goes on, at no cost."""
QUERY_OCTETS_MAX: Final = 8192
ACCOUNTS_READ_MAX: Final = 100
"""Accounts of the engine that one request reads, one by one."""
FILTERS_MAX: Final = 10
"""Conditions of one list."""
FILTER_VALUES_MAX: Final = 50
"""Alternatives of one condition."""
ID_LENGTH_MAX: Final = 64
TEXT_LENGTH_MAX: Final = 255
LIST_LENGTH_MAX: Final = 50
"""Members of a list within a resource."""
CALLBACK_LENGTH_MAX: Final = 2000
TOKEN_OCTETS_MAX: Final = 4096
TOKENS_KEPT_MAX: Final = 4096
"""Verified tokens that are remembered."""
TOKEN_LIFE_S: Final = 900
"""An access token lives so long; whoever is locked out meanwhile has what is left of it."""
REQUESTS_AT_ONCE_MAX: Final = 256
"""Requests that one process has taken and not answered; the next get 429."""
RETRY_AFTER_S: Final = 1
"""When a client that got 429 or 503 may come back."""
WHOLE_MAX: Final = 2**53
"""Largest number in a body that JSON readers everywhere take exactly (RFC 8259 §6)."""

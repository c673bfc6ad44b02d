"""The words of a release file, as tables: which keys stand where, what they take and mean.

The reader, its suggestions and the manual use these rows and nothing else. Words are TMF620's where those fit: an offer
is a ProductOffering, a price a ProductOfferingPrice, `valid_for` a validFor.
"""

from enum import Enum
from typing import Final, NamedTuple

from charging.tariff_tables import ABSENT, ANY, Control, FinalAction, RoundingScope
from vocabulary.money import Rounding
from vocabulary.units import Unit


class Kind(Enum):
    """What the value of a key is; the text is how people are told."""

    ID = 'letters, digits, ".", "_" and "-", such as data-1gib'
    TENANT = 'lower-case letters, digits and "-", such as brand-2'
    NAME = "a name"
    DESCRIPTION = "a text"
    NUMBER = "a whole number"
    MONEY = 'a sum of money, such as "0.02 EUR"'
    AMOUNT = "an amount, such as 10 MiB"
    PART = "an amount, such as 2 MiB, or a share, such as 20 %"
    ADDRESS = "an URL, a SIP URI or an IP address, such as https://top-up.example.net"
    RULE = "an IPFilterRule, such as permit out ip from 192.0.2.10 to assigned"
    DURATION = "a time, such as 30 d"
    INSTANT = "an instant, such as 2026-01-01T00:00:00Z, or a date"
    CURRENCY = "a currency, such as EUR"
    ZONE = "a time zone, such as Europe/Berlin"
    DAYS = "days, such as mon-fri, or a list of them"
    TIME = 'a time of day, such as "08:00"'
    WORD = "a word"
    SERVICES = "a number, a list of numbers, or a word"
    CONTEXTS = "a word, a number, or a list of them"
    IDS = "a list of ids"
    MAP = "a mapping"
    LIST = "a list"


class KeyRow(NamedTuple):
    """One key of one mapping."""

    mapping: str
    key: str
    kind: Kind
    required: bool
    meaning: str

    @property
    def expected(self) -> str:
        """What to write, for people."""
        return self.meaning if self.kind in (Kind.MAP, Kind.LIST) else self.kind.value


KEYS: Final = (
    KeyRow("file", "release", Kind.MAP, False, "what the release is; in one file of it"),
    KeyRow("file", "allowances", Kind.LIST, False, "what accounts are given to use before money"),
    KeyRow("file", "prices", Kind.LIST, False, "prices that several offers name"),
    KeyRow("file", "offers", Kind.LIST, False, "what is sold"),
    KeyRow("release", "number", Kind.NUMBER, True, "goes up with each release; records keep it"),
    KeyRow("release", "name", Kind.NAME, True, "for people"),
    KeyRow("release", "description", Kind.DESCRIPTION, False, "for people"),
    KeyRow("release", "tenant", Kind.TENANT, False, "whose catalogue it is; `default` where left out"),
    KeyRow("release", "currency", Kind.CURRENCY, True, "of all its sums"),
    KeyRow("release", "time_zone", Kind.ZONE, True, "of its dates and times of day"),
    KeyRow("release", "effective", Kind.INSTANT, True, "from when its prices hold; a date is midnight in time_zone"),
    KeyRow("release", "retires", Kind.MAP, False, "what the releases before it have and this one gives up on purpose"),
    KeyRow("retires", "offers", Kind.IDS, False, "offers that end"),
    KeyRow("retires", "allowances", Kind.IDS, False, "allowances that no price uses any more"),
    KeyRow("allowance", "id", Kind.ID, True, "the same through all releases"),
    KeyRow("allowance", "name", Kind.NAME, False, "for people; the id where left out"),
    KeyRow("allowance", "description", Kind.DESCRIPTION, False, "for people"),
    KeyRow("allowance", "unit", Kind.WORD, False, "octets, seconds or events; what amount says where left out"),
    KeyRow("allowance", "amount", Kind.AMOUNT, True, "how much is given"),
    KeyRow("allowance", "valid_for", Kind.DURATION, False, "from when it is given; without end where left out"),
    KeyRow("allowance", "priority", Kind.NUMBER, False, "0 to 255, lower is used first; 100 where left out"),
    KeyRow("allowance", "granted_by", Kind.WORD, False, "opening (in offers), or top_up alone; opening where left out"),
    KeyRow("offer", "id", Kind.ID, True, "the same through all releases"),
    KeyRow("offer", "name", Kind.NAME, False, "for people; the id where left out"),
    KeyRow("offer", "description", Kind.DESCRIPTION, False, "for people"),
    KeyRow("offer", "grants", Kind.MAP, False, "what an account is given when it is opened with the offer"),
    KeyRow("offer", "fee", Kind.MONEY, False, "what each period costs after the first; nothing where left out"),
    KeyRow(
        "offer", "period", Kind.DURATION, False, "how long it lasts until it is renewed; without end where left out"
    ),
    KeyRow(
        "offer", "credit_limit", Kind.MONEY, False, "how much an account may owe on its bill; needed for prices of bill"
    ),
    KeyRow("offer", "prices", Kind.LIST, True, "prices, or ids of the release's prices"),
    KeyRow("grants", "money", Kind.MONEY, False, "initial balance; none where left out"),
    KeyRow("grants", "allowances", Kind.IDS, False, "allowances that are given"),
    KeyRow("price", "id", Kind.ID, True, "the why-id in charging records"),
    KeyRow("price", "name", Kind.NAME, False, "for people; the id where left out"),
    KeyRow("price", "description", Kind.DESCRIPTION, False, "for people"),
    KeyRow("price", "service", Kind.MAP, True, "what it prices"),
    KeyRow("price", "control", Kind.WORD, False, "charged, free, not_applicable or denied; charged where left out"),
    KeyRow("price", "unit", Kind.WORD, False, "octets, seconds or events; what block says, or the context's usual one"),
    KeyRow("price", "block", Kind.AMOUNT, False, "what the price is for; needed where there is a price"),
    KeyRow("price", "price", Kind.MONEY, False, "of one block; where left out, allowances alone pay"),
    KeyRow("price", "bands", Kind.LIST, False, "times of the week at which a block has another price"),
    KeyRow("price", "rounding", Kind.WORD, False, "up, down or half_even, to whole blocks; up where left out"),
    KeyRow("price", "rounding_over", Kind.WORD, False, "session (what is left over is carried on) or report; session"),
    KeyRow("price", "grant", Kind.MAP, False, "sizes of grants"),
    KeyRow("price", "validity", Kind.DURATION, False, "of a grant, up to 7 d; 1 h where left out"),
    KeyRow(
        "price",
        "holding_time",
        Kind.DURATION,
        False,
        "quota that is unused so long comes back, at most validity; none where left out",
    ),
    KeyRow("price", "allowances", Kind.IDS, False, "used before money, in order of their priorities"),
    KeyRow(
        "price",
        "final_action",
        Kind.WORD,
        False,
        "behind the last grant: terminate, redirect, restrict, none; terminate",
    ),
    KeyRow("price", "redirect_to", Kind.ADDRESS, False, "where final_action: redirect leads; needed with it"),
    KeyRow(
        "price",
        "filter_id",
        Kind.NAME,
        False,
        "filters of the access device: what redirect and restrict still let pass",
    ),
    KeyRow("price", "filter_rule", Kind.RULE, False, "the same as a rule, in place of or beside filter_id"),
    KeyRow("price", "settled_by", Kind.WORD, False, "who pays: balance, in advance, or bill; balance where left out"),
    KeyRow("band", "days", Kind.DAYS, False, "on which it begins; each day where left out"),
    KeyRow("band", "from", Kind.TIME, False, "of the clock in the release's time_zone; midnight where left out"),
    KeyRow(
        "band", "to", Kind.TIME, False, "up to there; before `from`: of the next day; midnight, 24:00, where left out"
    ),
    KeyRow("band", "price", Kind.MONEY, True, "of one block meanwhile"),
    KeyRow(
        "service", "context", Kind.CONTEXTS, True, "data, voice, sms ..., the number of a 3GPP specification, or a list"
    ),
    KeyRow("service", "rating_group", Kind.SERVICES, True, "number, list, `absent` (for requests without) or `any`"),
    KeyRow("service", "service_identifier", Kind.SERVICES, False, "number or list; any where left out"),
    KeyRow("grant", "default", Kind.AMOUNT, False, "what a request gets that names no size"),
    KeyRow("grant", "min", Kind.AMOUNT, False, "smaller requests are raised to it"),
    KeyRow("grant", "max", Kind.AMOUNT, False, "larger requests are cut to it"),
    KeyRow(
        "grant", "threshold", Kind.PART, False, "what is left of a grant when more is to be asked; none where left out"
    ),
)

KEYS_OF: Final = {
    mapping: {row.key: row for row in KEYS if row.mapping == mapping} for mapping in {row.mapping for row in KEYS}
}

CONTEXTS: Final = {
    "data": 32251,
    "data_5g": 32255,
    "voice": 32260,
    "mms": 32270,
    "location": 32271,
    "sms": 32274,
    "mmtel": 32275,
    "voice_call": 32276,
}
"""Words for service contexts: the number of the 3GPP specification in a Service-Context-Id (TS 32.299 §7.1.12)."""
CONTEXT_WORDS: Final = {number: word for word, number in CONTEXTS.items()}

USUAL_UNITS: Final = {
    32251: "octets",
    32255: "octets",
    32260: "seconds",
    32275: "seconds",
    32276: "seconds",
    32270: "events",
    32271: "events",
    32274: "events",
}

UNITS: Final = {"octets": Unit.OCTETS, "seconds": Unit.SECONDS, "events": Unit.EVENTS}
UNIT_WORDS: Final = {unit: word for word, unit in UNITS.items()}
CONTROLS: Final = {
    "charged": Control.CHARGED,
    "free": Control.FREE,
    "not_applicable": Control.NOT_APPLICABLE,
    "denied": Control.DENIED,
}
ROUNDINGS: Final = {"up": Rounding.UP, "down": Rounding.DOWN, "half_even": Rounding.HALF_EVEN}
ROUNDING_SCOPES: Final = {"report": RoundingScope.REPORT, "session": RoundingScope.SESSION}
FINAL_ACTIONS: Final = {
    "none": FinalAction.NONE,
    "terminate": FinalAction.TERMINATE,
    "redirect": FinalAction.REDIRECT,
    "restrict": FinalAction.RESTRICT,
}
SETTLED_BY: Final = {"balance": Unit.MONEY, "bill": Unit.BILL}
"""The buckets that pay at a price, by their unit."""
GRANTED_BY: Final = ("opening", "top_up")

WORDS: Final[dict[str, tuple[str, ...]]] = {
    "unit": tuple(UNITS),
    "control": tuple(CONTROLS),
    "rounding": tuple(ROUNDINGS),
    "rounding_over": tuple(ROUNDING_SCOPES),
    "final_action": tuple(FINAL_ACTIONS),
    "settled_by": tuple(SETTLED_BY),
    "granted_by": GRANTED_BY,
}
"""Words that a key of kind WORD takes."""

MONEY_KEYS: Final = (
    "block",
    "price",
    "bands",
    "rounding",
    "rounding_over",
    "allowances",
    "final_action",
    "redirect_to",
    "filter_id",
    "filter_rule",
    "settled_by",
)
KEYS_WITHOUT_SENSE: Final = {
    "free": MONEY_KEYS,
    "denied": (*MONEY_KEYS, "grant", "validity", "holding_time"),
    "not_applicable": (*MONEY_KEYS, "grant", "validity", "holding_time"),
}
"""Keys of a price that its control leaves nothing to do."""


class GrantSizes(NamedTuple):
    """Units of a grant."""

    default: int
    min: int
    max: int


GRANT_SIZES: Final = {
    "octets": GrantSizes(10 * 1024**2, 64 * 1024, 1024**3),
    "seconds": GrantSizes(60, 10, 3600),
    "events": GrantSizes(1, 1, 100),
}
"""Where a price says nothing: large enough that a fast session asks every few seconds, small enough to share."""
VALIDITY_S: Final = 3600
PRIORITY: Final = 100
TENANT: Final = "default"

SPECIAL_WORDS: Final = {"absent": ABSENT, "any": ANY}
"""rating_group or service_identifier that is no number."""

assert all(set(GRANT_SIZES) == set(words) for words in (UNITS, set(USUAL_UNITS.values())))
assert all(low <= usual <= high for usual, low, high in GRANT_SIZES.values())

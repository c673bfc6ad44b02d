"""Tables of documents that come out of code. `python -m tests.tidy.tables` writes them; a test holds them equal.

In a document a table stands between `<!-- table: <name> -->` and `<!-- end of table -->`.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from balances.keys import KEYS
from balances.record import FIELDS
from bss.api.apis import APIS
from bss.api.problems import PROBLEMS
from chf_http2.config import BODY_OCTETS_MAX
from chf_http2.features import FEATURES
from chf_http2.problems import STATUSES
from chf_http2.routes import OPERATIONS, SERVICES
from chf_http2.tick_memory import NOTIFY_URI_OCTETS_MAX, UPF_ID_OCTETS_MAX
from runtime.kill_points import KILL_POINTS
from runtime.simulate.hss_faults import FAULTS
from tests.tidy.sources import ROOT
from vocabulary.limits import (
    DIAMETER_MESSAGE_OCTETS_MAX,
    IDENTITY_OCTETS_MAX,
    JSON_NESTING_MAX,
    MSCCS_PER_REQUEST_MAX,
    SESSION_ID_OCTETS_MAX,
    SESSIONS_PER_ACCOUNT_MAX,
    UNITS_MAX,
)
from vocabulary.outcomes import OUTCOMES

_PLACE: Final = "<!-- table: {name} -->\n"
_END: Final = "<!-- end of table -->"
_WIDTHS: Final = {8: "word", 4: "half", 1: "octet"}


def lines_of(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table, without blank lines around it."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(str(cell) for cell in line)} |\n" for line in lines)


def kill_points() -> str:
    """Where a process may be killed."""
    return lines_of(
        ("point", "process", "what has just happened"),
        ((f"`{row.name}`", row.process, row.happened) for row in KILL_POINTS),
    )


def hss_faults() -> str:
    """What a simulated HSS can do wrong."""
    return lines_of(("fault", "what happens"), ((f"`{row.name}`", row.happens) for row in FAULTS))


def outcomes() -> str:
    """What a decision can say, in order of precedence."""
    return lines_of(
        ("outcome", "Gy Result-Code", "Nchf", "can a retry help", "defined in"),
        (
            (row.outcome.name, row.result_code, row.nchf, "yes" if row.retry_helps else "no", row.clause)
            for row in OUTCOMES
        ),
    )


def store_keys() -> str:
    """Keys of the store."""
    return lines_of(
        ("key", "holds", "goes"), ((f"`{row.pattern}`", row.holds.replace("<", "&lt;"), row.expires) for row in KEYS)
    )


def record_fields() -> str:
    """The account record, in the order of the layout table."""
    return lines_of(
        ("section", "field", "width", "at", "meaning"),
        ((row.section, f"`{row.name}`", _WIDTHS[row.width], row.index, row.meaning) for row in FIELDS),
    )


def nchf_operations() -> str:
    """What the 5G front end serves."""
    return lines_of(
        ("request", "answer"),
        (
            (f"{row.method} `{row.path(service)}`", _done(row.done_status, row.has_body, row.headers))
            for service in SERVICES
            for row in OPERATIONS
        ),
    )


def _done(status: int, has_body: bool, headers: Sequence[str]) -> str:
    return ", ".join((str(status), *(("body",) if has_body else ()), *headers))


def nchf_statuses() -> str:
    """What a request of the 5G front end may be refused with."""
    return lines_of(
        ("status", "causes", "when", "headers"),
        ((status, ", ".join(row.causes), row.title, ", ".join(row.headers)) for status, row in STATUSES.items()),
    )


def nchf_features() -> str:
    """Optional features of Nchf."""
    return lines_of(
        ("number", "feature", "supported: what comes with it is read as"),
        ((row.number, row.name, f"`{row.read_as}`" if row.read_as else "no") for row in FEATURES),
    )


def nchf_limits() -> str:
    """What a request of the 5G front end may have, and what more of it is refused with."""
    return lines_of(
        ("of a request", "at most", "beyond it"),
        (
            ("rating groups", MSCCS_PER_REQUEST_MAX, "400 at `/multipleUnitUsage`"),
            ("units that a rating group asks for or reports, of a kind", f"{UNITS_MAX:,}", "400 at the member"),
            ("octets of the body, gzip or not", f"{BODY_OCTETS_MAX:,}", "413"),
            ("lists and objects within one another", JSON_NESTING_MAX, "400"),
            (
                "octets of what goes to the charging record, with all names",
                f"{DIAMETER_MESSAGE_OCTETS_MAX:,}",
                "413; a report is charged, and its record has `omittedOctets` instead",
            ),
            ("octets of `notifyUri`", f"{NOTIFY_URI_OCTETS_MAX:,}", "400 at the member"),
            ("octets of `nFName`", SESSION_ID_OCTETS_MAX, "400 at the member"),
            ("octets of a SUPI or GPSI behind its prefix", IDENTITY_OCTETS_MAX, "400 at the member"),
            ("octets of `uPFID`", UPF_ID_OCTETS_MAX, "400 at the member"),
            ("sessions that its account has open", SESSIONS_PER_ACCOUNT_MAX, "400 CHARGING_FAILED"),
        ),
    )


def apis() -> str:
    """The TM Forum APIs and their resources."""
    return lines_of(
        ("API", "path", "methods", "filters", "scopes"),
        (
            (
                f"{api.number} {api.title}",
                f"`{api.path}/{resource.name}`",
                ", ".join(resource.methods),
                ", ".join(f"`{path}`" for path in resource.all_filters()),
                ", ".join(
                    dict.fromkeys(
                        f"`{scope}`" for scope in (resource.domain.read_permission, resource.domain.write_permission)
                    )
                ),
            )
            for api in APIS
            for resource in api.resources
        ),
    )


def api_problems() -> str:
    """What a request of the TM Forum APIs may be refused with."""
    return lines_of(
        ("code", "status", "means", "what to do", "headers"),
        (
            (f"`{row.problem.value}`", row.status, row.reason, row.remedy, ", ".join(row.headers))
            for row in PROBLEMS.values()
        ),
    )


def not_served_by_apis() -> str:
    """Resources and methods of TM Forum's that aren't served."""
    rows = [(api.number, f"`{row.name}`", row.reason) for api in APIS for row in api.resources_not_served] + [
        (api.number, f"{method} `{resource.name}`", reason)
        for api in APIS
        for resource in api.resources
        for method, reason in resource.methods_not_served.items()
    ]
    return lines_of(("API", "what", "why"), rows)


TABLES: Final[tuple[tuple[str, str, Callable[[], str]], ...]] = (
    ("docs/operating/kill-points.md", "kill points", kill_points),
    ("docs/operating/simulators.md", "hss faults", hss_faults),
    ("docs/outcomes.md", "outcomes", outcomes),
    ("docs/nchf.md", "operations", nchf_operations),
    ("docs/nchf.md", "statuses", nchf_statuses),
    ("docs/nchf.md", "features", nchf_features),
    ("docs/nchf.md", "limits", nchf_limits),
    ("docs/store.md", "store keys", store_keys),
    ("docs/tmf-apis.md", "apis", apis),
    ("docs/tmf-apis.md", "api problems", api_problems),
    ("docs/tmf-apis.md", "not served by the apis", not_served_by_apis),
    ("docs/store.md", "record fields", record_fields),
)
"""(document, name of the table there, what makes it)"""


def table_in(text: str, name: str) -> str:
    """A document's table. ValueError where the document has no place for it."""
    found = re.search(re.escape(_PLACE.format(name=name)) + "(.*?)" + re.escape(_END), text, re.DOTALL)
    if found is None:
        raise ValueError(f"write {_PLACE.format(name=name).strip()} and {_END} where the table shall stand")
    return found[1]


def with_table(text: str, name: str, table: str) -> str:
    """A document with another table in the place of the one there."""
    place = _PLACE.format(name=name)
    return text.replace(f"{place}{table_in(text, name)}{_END}", f"{place}{table}{_END}")


def write_all(root: Path = ROOT) -> None:
    """Write every table into its document."""
    for document, name, make in TABLES:
        path = root / document
        path.write_text(with_table(path.read_text(), name, make()))


if __name__ == "__main__":
    write_all()

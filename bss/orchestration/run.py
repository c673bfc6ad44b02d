"""What a workflow sees of the run that it is in. Its function is called again from the start when a worker takes the run
over. There are two kinds of workflows:

- one whose rows say how far it is, such as an order: it reads its place, and each `commit` moves it on. What it asks others it
  asks itself, under a key that is the same when it is asked again.
- one whose rows don't: what `write` and `ask` came to before is given again, not done again. Apart from these calls it has no
  effects and looks at no clock.

A run that another release's code began isn't gone on with: the function is called in a new run, which is given nothing again.
So rows have to say how far the work is, what is done already has to be found in them, and others have to be asked under a key
that is made of rows, not of the run.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, TypeVar

from bss.work import Work

Json = Any
"""None, bool, int, str, lists and dicts with text keys of them: ids and states, no personal data."""

Ids = Mapping[str, str]
RESOURCE_ID: Final = "resource_id"
"""Among a workflow's ids: what it is about, an order, a product."""
T = TypeVar("T")


class Run(Protocol):
    """A workflow under way."""

    workflow_id: str

    def commit(self, function: Callable[[Work], T]) -> T:
        """What `function` returns, committed; not kept: it reads by itself whether there is something to do."""

    def write(self, name: str, function: Callable[[Work], Json]) -> Json:
        """What `function` returns: its rows and the fact that it was done are one transaction, which may be tried again."""

    def ask(self, name: str, function: Callable[[], Json]) -> Json:
        """What `function` returns, which asks others. It may be asked several times, after a crash: under the same key."""

    def read(self, function: Callable[[Work], T]) -> T:
        """What `function` reads. It isn't kept: only for what is asked then."""


Workflow = Callable[[Run, Ids], None]
"""A workflow's function: of its run, and of the ids that it is about."""

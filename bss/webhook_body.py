"""What a webhook says: an event as TMF630 has it. It holds ids, never personal data: who is told asks for the rest, with
permissions of its own.
"""

import json

from bss.deliveries import Event
from vocabulary.instants import to_rfc3339


def event_body(event: Event) -> bytes:
    """The body of a message; the same for each attempt."""
    said = {
        "eventId": event.id,
        "eventTime": to_rfc3339(event.occurred_ns),
        "eventType": event.kind,
        "event": {event.resource: {"id": event.resource_id, **event.ids}},
    }
    return json.dumps(said, separators=(",", ":")).encode()

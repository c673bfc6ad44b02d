"""When usage is reported (TS 32.291 §6.1.6.2): a type of its own, since records of roaming hold it too."""

from msgspec import field

from chf_http2.schema_data_types import (
    DateTime,
    DurationSec,
    JsonObject,
    Uint32,
    Uint64,
)
from chf_http2.schema_enumerations import (
    TriggerCategory,
    TriggerType,
)


class Trigger(JsonObject, frozen=True, kw_only=True):
    """When usage is reported, and the limit that it is reported at."""

    trigger_category: TriggerCategory
    trigger_type: TriggerType | None = None
    time_limit: DurationSec | None = None
    volume_limit: Uint32 | None = None
    volume_limit64: Uint64 | None = None
    event_limit: Uint32 | None = None
    max_number_of_ccc: Uint32 | None = field(default=None, name="maxNumberOfccc")
    tariff_time_change: DateTime | None = None

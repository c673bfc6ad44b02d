"""Usage by flow, as networks settle roaming with (TS 32.291 §6.1.6.2)."""

from msgspec import field

from chf_http2.schema_data_types import (
    ChargingId,
    DateTime,
    JsonObject,
    NfInstanceId,
    Qfi,
    Uint32,
    Uint64,
)
from chf_http2.schema_enumerations import (
    PartialRecordMethod,
    PSDataOffStatus3GPP,
    RatType,
)
from chf_http2.schema_network_function import ServingNetworkFunctionID
from chf_http2.schema_qos import (
    QosCharacteristics,
    QosData,
)
from chf_http2.schema_trigger import Trigger
from chf_http2.schema_user import (
    PresenceInfo,
    UserLocation,
)


class QFIContainerInformation(JsonObject, frozen=True, kw_only=True):
    """Conditions under which the usage of a flow was made."""

    report_time: DateTime
    qfi: Qfi | None = field(default=None, name="qFI")
    timeof_first_usage: DateTime | None = None
    timeof_last_usage: DateTime | None = None
    qos_information: QosData | None = field(default=None, name="qoSInformation")
    qos_characteristics: QosCharacteristics | None = field(default=None, name="qoSCharacteristics")
    user_location_information: UserLocation | None = None
    uetime_zone: str | None = None
    presence_reporting_area_information: dict[str, PresenceInfo] | None = None
    rat_type: RatType | None = field(default=None, name="rATType")
    serving_network_function_id: tuple[ServingNetworkFunctionID, ...] | None = field(
        default=None, name="servingNetworkFunctionID"
    )
    ps_data_off_status_3gpp: PSDataOffStatus3GPP | None = field(default=None, name="3gppPSDataOffStatus")
    charging_id_3gpp: ChargingId | None = field(default=None, name="3gppChargingId")
    diagnostics: int | None = None
    enhanced_diagnostics: tuple[str, ...] | None = None


class MultipleQFIcontainer(JsonObject, frozen=True, kw_only=True):
    """Usage of a flow."""

    local_sequence_number: int
    triggers: tuple[Trigger, ...] | None = None
    trigger_timestamp: DateTime | None = None
    time: Uint32 | None = None
    total_volume: Uint64 | None = None
    uplink_volume: Uint64 | None = None
    downlink_volume: Uint64 | None = None
    qfi_container_information: QFIContainerInformation | None = field(default=None, name="qFIContainerInformation")


class RoamingChargingProfile(JsonObject, frozen=True, kw_only=True):
    """What two networks agreed to report."""

    triggers: tuple[Trigger, ...] | None = None
    partial_record_method: PartialRecordMethod | None = None


class RoamingQBCInformation(JsonObject, frozen=True, kw_only=True):
    """Usage by flow, with the profile that it is reported by."""

    multiple_qfi_container: tuple[MultipleQFIcontainer, ...] | None = field(default=None, name="multipleQFIcontainer")
    upf_id: NfInstanceId | None = field(default=None, name="uPFID")
    roaming_charging_profile: RoamingChargingProfile | None = None

"""Performance and management of network slices (TS 28.201, TS 28.202, TS 32.291 §6.1.6.2)."""

from msgspec import field

from chf_http2.schema_data_types import (
    AdministrativeState,
    JsonObject,
    MobilityLevel,
    OperationalState,
    SharingLevel,
    Snssai,
    Support,
    Uint8,
    Uninterpreted,
)
from chf_http2.schema_enumerations import (
    ManagementOperation,
    ManagementOperationStatus,
)


class Throughput(JsonObject, frozen=True, kw_only=True):
    """Bit rates guaranteed and at most."""

    guaranteed_thpt: float | None = None
    maximum_thpt: float | None = None


class NSPAChargingInformation(JsonObject, frozen=True, kw_only=True):
    """The slice whose performance is charged."""

    single_nssai: Snssai = field(name="singleNSSAI")


class NSPAContainerInformation(JsonObject, frozen=True, kw_only=True):
    """Performance of a slice."""

    uplink_latency: int | None = None
    downlink_latency: int | None = None
    uplink_throughput: Throughput | None = None
    downlink_throughput: Throughput | None = None
    maximum_packet_loss_rate_ul: int | None = field(default=None, name="maximumPacketLossRateUL")
    maximum_packet_loss_rate_dl: int | None = field(default=None, name="maximumPacketLossRateDL")
    service_experience_statistics_data: Uninterpreted | None = None
    the_number_of_pdu_sessions: int | None = field(default=None, name="theNumberOfPDUSessions")
    the_number_of_registered_subscribers: int | None = None
    load_level: Uninterpreted | None = None


class ServiceProfileChargingInformation(JsonObject, frozen=True, kw_only=True):
    """What a slice was ordered to do."""

    service_profile_identifier: str | None = None
    snssai_list: tuple[Snssai, ...] | None = field(default=None, name="sNSSAIList")
    sst: Uint8 | None = field(default=None, name="sST")
    latency: int | None = None
    availability: float | None = None
    resource_sharing_level: SharingLevel | None = None
    jitter: int | None = None
    reliability: str | None = None
    max_number_of_ues: int | None = field(default=None, name="maxNumberofUEs")
    coverage_area: str | None = None
    ue_mobility_level: MobilityLevel | None = field(default=None, name="uEMobilityLevel")
    delay_tolerance_indicator: Support | None = None
    dl_thpt_per_slice: Throughput | None = field(default=None, name="dLThptPerSlice")
    dl_thpt_per_ue: Throughput | None = field(default=None, name="dLThptPerUE")
    ul_thpt_per_slice: Throughput | None = field(default=None, name="uLThptPerSlice")
    ul_thpt_per_ue: Throughput | None = field(default=None, name="uLThptPerUE")
    max_number_of_pdu_sessions: int | None = field(default=None, name="maxNumberofPDUsessions")
    kpi_monitoring_list: str | None = field(default=None, name="kPIMonitoringList")
    supported_access_technology: int | None = None
    v2x_communication_mode_indicator: Support | None = field(default=None, name="v2XCommunicationModeIndicator")
    add_service_profile_info: str | None = None


class NSMChargingInformation(JsonObject, frozen=True, kw_only=True):
    """A slice that was created, changed or ended."""

    management_operation: ManagementOperation
    id_network_slice_instance: str | None = None
    list_ofservice_profile_charging_information: tuple[ServiceProfileChargingInformation, ...] | None = None
    management_operation_status: ManagementOperationStatus | None = None
    management_operational_state: OperationalState | None = None
    management_administrative_state: AdministrativeState | None = None

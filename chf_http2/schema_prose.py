"""Services between devices close to each other (TS 32.277, TS 32.291 §6.1.6.2)."""

from msgspec import field

from chf_http2.schema_data_types import (
    DateTime,
    HexText,
    IpAddr,
    JsonObject,
    PlmnId,
    Supi,
    Uint64,
)
from chf_http2.schema_enumerations import (
    DirectDiscoveryModel,
    ProseEventType,
    ProseFunctionality,
    RadioResourcesId,
    RangeClass,
    RoleOfUE,
)
from chf_http2.schema_qos import (
    QosCharacteristics,
    QosData,
)
from chf_http2.schema_user import (
    PresenceInfo,
    UserLocation,
)


class PFIContainerInformation(JsonObject, frozen=True, kw_only=True):
    """Conditions under which the usage of a flow between devices was made."""

    pfi: str | None = field(default=None, name="pFI")
    report_time: DateTime | None = None
    timeof_first_usage: DateTime | None = None
    timeof_last_usage: DateTime | None = None
    qos_information: QosData | None = field(default=None, name="qoSInformation")
    qos_characteristics: QosCharacteristics | None = field(default=None, name="qoSCharacteristics")
    user_location_information: UserLocation | None = None
    uetime_zone: str | None = None
    presence_reporting_area_information: dict[str, PresenceInfo] | None = None


class PC5DataContainer(JsonObject, frozen=True, kw_only=True):
    """Usage between devices."""

    local_sequence_number: str | None = None
    change_time: DateTime | None = None
    coverage_status: bool | None = None
    user_location_information: UserLocation | None = None
    data_volume: Uint64 | None = None
    change_condition: str | None = None
    radio_resources_id: RadioResourcesId | None = None
    radio_frequency: str | None = None
    pc5_radio_technology: str | None = field(default=None, name="pC5RadioTechnology")


class CoverageInfo(JsonObject, frozen=True, kw_only=True):
    """Whether a device had coverage, and where."""

    coverage_status: bool | None = None
    change_time: DateTime | None = None
    location_info: tuple[UserLocation, ...] | None = None


class RadioParameterSetInfo(JsonObject, frozen=True, kw_only=True):
    """Radio parameters of a device."""

    radio_parameter_set_values: tuple[HexText, ...] | None = None
    change_timestamp: DateTime | None = None


class TransmitterInfo(JsonObject, frozen=True, kw_only=True):
    """A device that was heard."""

    prose_source_ip_address: IpAddr | None = field(default=None, name="proseSourceIPAddress")
    prose_source_l2_id: str | None = None


class PC5ContainerInformation(JsonObject, frozen=True, kw_only=True):
    """Usage between devices, reported later."""

    coverage_info_list: tuple[CoverageInfo, ...] | None = None
    radio_parameter_set_info_list: tuple[RadioParameterSetInfo, ...] | None = None
    transmitter_info_list: tuple[TransmitterInfo, ...] | None = None
    time_of_first_transmission: DateTime | None = None
    time_of_first_reception: DateTime | None = None


class ProseChargingInformation(JsonObject, frozen=True, kw_only=True):
    """A service between devices."""

    announcing_plmn_id: PlmnId | None = field(default=None, name="announcingPlmnID")
    announcing_ue_hplmn_identifier: PlmnId | None = None
    announcing_ue_vplmn_identifier: PlmnId | None = None
    monitoring_ue_hplmn_identifier: PlmnId | None = None
    monitoring_ue_vplmn_identifier: PlmnId | None = None
    discoverer_ue_hplmn_identifier: PlmnId | None = None
    discoverer_ue_vplmn_identifier: PlmnId | None = None
    discoveree_ue_hplmn_identifier: PlmnId | None = None
    discoveree_ue_vplmn_identifier: PlmnId | None = None
    monitored_plmn_identifier: PlmnId | None = None
    prose_application_id: str | None = field(default=None, name="proseApplicationID")
    application_id: str | None = field(default=None, name="ApplicationId")
    application_specific_data_list: tuple[str, ...] | None = None
    prose_functionality: ProseFunctionality | None = None
    prose_event_type: ProseEventType | None = None
    direct_discovery_model: DirectDiscoveryModel | None = None
    validity_period: int | None = None
    role_of_ue: RoleOfUE | None = field(default=None, name="roleOfUE")
    prose_request_timestamp: DateTime | None = None
    pc3_protocol_cause: int | None = field(default=None, name="pC3ProtocolCause")
    monitoring_ue_identifier: Supi | None = field(default=None, name="monitoringUEIdentifier")
    requested_plmn_identifier: PlmnId | None = field(default=None, name="requestedPLMNIdentifier")
    time_window: int | None = None
    range_class: RangeClass | None = None
    proximity_alert_indication: bool | None = None
    proximity_alert_timestamp: DateTime | None = None
    proximity_cancellation_timestamp: DateTime | None = None
    relay_ip_address: IpAddr | None = field(default=None, name="relayIPAddress")
    prose_ue_to_network_relay_ue_id: str | None = field(default=None, name="proseUEToNetworkRelayUEID")
    prose_destination_layer2_id: str | None = field(default=None, name="proseDestinationLayer2ID")
    pfi_container_information: tuple[PFIContainerInformation, ...] | None = field(
        default=None, name="pFIContainerInformation"
    )
    transmission_data_container: tuple[PC5DataContainer, ...] | None = None
    reception_data_container: tuple[PC5DataContainer, ...] | None = None

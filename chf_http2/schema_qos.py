"""Quality of service and steering of traffic (TS 29.512 §5.6.2, TS 29.571 §5.5)."""

from msgspec import field

from chf_http2.schema_data_types import (
    AccessType,
    ArpPriorityLevel,
    AverWindow,
    BitRate,
    ExtMaxDataBurstVol,
    FiveQiPriorityLevel,
    JsonObject,
    MaxDataBurstVol,
    PacketDelBudget,
    PacketErrRate,
    PacketLossRate,
    Uint8,
    Uinteger,
)
from chf_http2.schema_enumerations import (
    PduSetHandlingInfo,
    PreemptionCapability,
    PreemptionVulnerability,
    QosResourceType,
    SteerModeIndicator,
    SteerModeValue,
)


class Arp(JsonObject, frozen=True, kw_only=True):
    """Priority of a flow, and whether it may push others out."""

    priority_level: ArpPriorityLevel
    preempt_cap: PreemptionCapability
    preempt_vuln: PreemptionVulnerability


class Ambr(JsonObject, frozen=True, kw_only=True):
    """Bit rates of a whole session."""

    uplink: BitRate
    downlink: BitRate


class AuthorizedDefaultQos(JsonObject, frozen=True, kw_only=True):
    """Quality that policy gives a session's default flow."""

    five_qi: Uint8 | None = field(default=None, name="5qi")
    arp: Arp | None = None
    priority_level: FiveQiPriorityLevel | None = None
    aver_window: AverWindow | None = None
    max_data_burst_vol: MaxDataBurstVol | None = None
    maxbr_ul: BitRate | None = None
    maxbr_dl: BitRate | None = None
    gbr_ul: BitRate | None = None
    gbr_dl: BitRate | None = None
    ext_max_data_burst_vol: ExtMaxDataBurstVol | None = None


class SubscribedDefaultQos(JsonObject, frozen=True, kw_only=True):
    """Quality that the subscription gives a session's default flow."""

    five_qi: Uint8 = field(name="5qi")
    arp: Arp
    priority_level: FiveQiPriorityLevel | None = None


class PduSetQosPara(JsonObject, frozen=True, kw_only=True):
    """Quality of sets of packets that belong together."""

    pdu_set_delay_budget: PacketDelBudget | None = None
    pdu_set_err_rate: PacketErrRate | None = None
    pdu_set_handling_info: PduSetHandlingInfo | None = None


class QosCharacteristics(JsonObject, frozen=True, kw_only=True):
    """What a quality identifier stands for where it is no standard one."""

    five_qi: Uint8 = field(name="5qi")
    resource_type: QosResourceType
    priority_level: FiveQiPriorityLevel
    packet_delay_budget: PacketDelBudget
    packet_error_rate: PacketErrRate
    averaging_window: AverWindow | None = None
    max_data_burst_vol: MaxDataBurstVol | None = None
    ext_max_data_burst_vol: ExtMaxDataBurstVol | None = None


class QosData(JsonObject, frozen=True, kw_only=True):
    """Quality of a flow, as policy decides it."""

    qos_id: str
    five_qi: Uint8 | None = field(default=None, name="5qi")
    maxbr_ul: BitRate | None = None
    maxbr_dl: BitRate | None = None
    gbr_ul: BitRate | None = None
    gbr_dl: BitRate | None = None
    arp: Arp | None = None
    qnc: bool | None = None
    priority_level: FiveQiPriorityLevel | None = None
    aver_window: AverWindow | None = None
    max_data_burst_vol: MaxDataBurstVol | None = None
    reflective_qos: bool | None = None
    sharing_key_dl: str | None = None
    sharing_key_ul: str | None = None
    max_packet_loss_rate_dl: PacketLossRate | None = None
    max_packet_loss_rate_ul: PacketLossRate | None = None
    def_qos_flow_indication: bool | None = None
    ext_max_data_burst_vol: ExtMaxDataBurstVol | None = None
    packet_delay_budget: PacketDelBudget | None = None
    packet_error_rate: PacketErrRate | None = None
    pdu_set_qos: PduSetQosPara | None = None


class QosMonitoringReport(JsonObject, frozen=True, kw_only=True):
    """Delays measured."""

    ul_delays: tuple[int, ...] | None = None
    dl_delays: tuple[int, ...] | None = None
    rt_delays: tuple[int, ...] | None = None


class ThresholdValue(JsonObject, frozen=True, kw_only=True):
    """Round-trip time and loss at which traffic is steered elsewhere."""

    rtt_thres: Uinteger | None = None
    plr_thres: PacketLossRate | None = None


class SteeringMode(JsonObject, frozen=True, kw_only=True):
    """How traffic is spread over accesses."""

    steer_mode_value: SteerModeValue
    active: AccessType | None = None
    standby: AccessType | None = None
    load_3g: Uinteger | None = field(default=None, name="3gLoad")
    prio_acc: AccessType | None = None
    thres_value: ThresholdValue | None = None
    steer_mode_ind: SteerModeIndicator | None = None
    primary: AccessType | None = None

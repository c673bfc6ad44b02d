"""Calls of exposed interfaces (TS 32.254) and computing at the edge (TS 32.257), as TS 32.291 §6.1.6.2 has them."""

from msgspec import field

from chf_http2.schema_data_types import (
    DateTime,
    ExternalGroupId,
    Gpsi,
    GroupId,
    JsonObject,
    Supi,
    Uint32,
    Uint64,
    Uninterpreted,
    Uri,
)
from chf_http2.schema_enumerations import (
    APIDirection,
    ManagementOperation,
)
from chf_http2.schema_network_function import NFIdentification


class APIOperation(JsonObject, frozen=True, kw_only=True):
    """An operation of an interface."""

    name: str | None = None
    description: str | None = None


class NEFChargingInformation(JsonObject, frozen=True, kw_only=True):
    """A call of an exposed interface."""

    api_name: str = field(name="aPIName")
    external_individual_identifier: Gpsi | None = None
    external_individual_id_list: tuple[Gpsi, ...] | None = None
    internal_individual_identifier: Supi | None = None
    internal_individual_id_list: tuple[Supi, ...] | None = None
    external_group_identifier: ExternalGroupId | None = None
    group_identifier: GroupId | None = None
    api_direction: APIDirection | None = field(default=None, name="aPIDirection")
    api_target_network_function: NFIdentification | None = field(default=None, name="aPITargetNetworkFunction")
    api_result_code: Uint32 | None = field(default=None, name="aPIResultCode")
    api_reference: Uri | None = field(default=None, name="aPIReference")
    api_operation: APIOperation | None = field(default=None, name="aPIOperation")
    api_content: str | None = field(default=None, name="aPIContent")


class EdgeInfrastructureUsageChargingInformation(JsonObject, frozen=True, kw_only=True):
    """What a server at the edge used."""

    mean_virtual_cpu_usage: float | None = field(default=None, name="meanVirtualCPUUsage")
    mean_virtual_memory_usage: float | None = None
    mean_virtual_disk_usage: float | None = None
    measured_in_bytes: Uint64 | None = None
    measured_out_bytes: Uint64 | None = None
    duration_start_time: DateTime | None = None
    duration_end_time: DateTime | None = None


class EASDeploymentChargingInformation(JsonObject, frozen=True, kw_only=True):
    """An application put to work at the edge."""

    eeas_deployment_requirements: Uninterpreted | None = field(default=None, name="eEASDeploymentRequirements")
    lcm_event_type: ManagementOperation | None = field(default=None, name="lCMEventType")
    lcm_start_time: DateTime | None = field(default=None, name="lCMStartTime")
    lcm_end_time: DateTime | None = field(default=None, name="lCMEndTime")

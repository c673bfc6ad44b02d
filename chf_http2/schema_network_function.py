"""Network functions, and the causes that radio networks give (TS 32.291 §6.1.6.2, TS 29.512 §5.6.2)."""

from msgspec import field

from chf_http2.schema_data_types import (
    AmfId,
    Ipv4Addr,
    Ipv6Addr,
    JsonObject,
    NfInstanceId,
    PlmnId,
    Uinteger,
)
from chf_http2.schema_enumerations import NodeFunctionality


class NFIdentification(JsonObject, frozen=True, kw_only=True):
    """A network function by its name and addresses."""

    node_functionality: NodeFunctionality
    nf_name: NfInstanceId | None = field(default=None, name="nFName")
    nf_ipv4_address: Ipv4Addr | None = field(default=None, name="nFIPv4Address")
    nf_ipv6_address: Ipv6Addr | None = field(default=None, name="nFIPv6Address")
    nf_plmn_id: PlmnId | None = field(default=None, name="nFPLMNID")
    nf_fqdn: str | None = field(default=None, name="nFFqdn")


class ServingNetworkFunctionID(JsonObject, frozen=True, kw_only=True):
    """A network function that serves the user."""

    serving_network_function_information: NFIdentification
    amf_id: AmfId | None = field(default=None, name="aMFId")


class NgApCause(JsonObject, frozen=True, kw_only=True):
    """A cause of NGAP by its group."""

    group: Uinteger
    value: Uinteger


class RanNasRelCause(JsonObject, frozen=True, kw_only=True):
    """Why a radio network released a flow, in the words of each protocol."""

    ng_ap_cause: NgApCause | None = None
    mm_cause_5g: Uinteger | None = field(default=None, name="5gMmCause")
    sm_cause_5g: Uinteger | None = field(default=None, name="5gSmCause")
    eps_cause: str | None = None

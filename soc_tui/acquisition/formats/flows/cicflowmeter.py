"""CICFlowMeter CSV, as in CIC-IDS-2017 and CSE-CIC-IDS-2018.

Source: https://github.com/ahlashkari/CICFlowMeter, ReadMe.txt and FlowFeature.java.
"""

from __future__ import annotations

from soc_tui.acquisition.formats.flows.table import FlowTable

_SPELLINGS = {
    "flow_id": ("flow id",),
    "src_ip": ("src ip", "source ip"),
    "src_port": ("src port", "source port"),
    "dst_ip": ("dst ip", "destination ip"),
    "dst_port": ("dst port", "destination port"),
    "protocol": ("protocol",),
    "stamp": ("timestamp",),
    "duration": ("flow duration",),
    "packets_out": ("tot fwd pkts", "total fwd packets", "total fwd packet"),
    "packets_in": ("tot bwd pkts", "total backward packets", "total bwd packets"),
    "bytes_out": ("totlen fwd pkts", "total length of fwd packets", "total length of fwd packet"),
    "bytes_in": ("totlen bwd pkts", "total length of bwd packets", "total length of bwd packet"),
    "fin": ("fin flag cnt", "fin flag count"),
    "syn": ("syn flag cnt", "syn flag count"),
    "rst": ("rst flag cnt", "rst flag count"),
}


class CicFlowMeter(FlowTable):
    """Some eighty statistics of a flow; the names of the columns differ from version to version."""

    name = "cicflowmeter"
    header_line = (
        r'(?:[\w "]*,)?[ "]*Flow ID[ "]*,|[ "]*(?:Destination|Dst) Port[ "]*,[ "]*(?:Protocol|Flow Duration)[ "]*,'
    )
    spellings = {spelling: own for own, all_of in _SPELLINGS.items() for spelling in all_of}  # noqa: RUF012
    kept = frozenset({f"{flag} flag {count}" for flag in ("fin", "syn", "rst") for count in ("cnt", "count")})
    words = frozenset({"label", "sublabel", "attempted category"})

"""Argus flow records as ``ra -c ,`` prints them, and the labelled ``.binetflow`` files made so (CTU-13)."""

from __future__ import annotations

from soc_tui.acquisition.formats.flows.table import FlowTable


class Argus(FlowTable):
    """The columns of ``ra -s`` in any order (ra(1), *Fields*)."""

    name = "argus"
    header_line = r"(?:[ A-Za-z]+,)*[ ]*(?:Src|Dst)Addr[ ]*(?:,[ A-Za-z]+)*,[ ]*(?:Src|Dst)Addr[ ]*(?:,[ A-Za-z]+)*$"
    spellings = {  # noqa: RUF012
        "starttime": "stamp", "dur": "duration", "proto": "protocol", "srcaddr": "src_ip", "sport": "src_port",
        "dstaddr": "dst_ip", "dport": "dst_port", "state": "state_of", "dir": "direction",
        "totpkts": "packets", "totbytes": "bytes", "srcpkts": "packets_out", "dstpkts": "packets_in",
        "srcbytes": "bytes_out", "dstbytes": "bytes_in",
    }  # fmt: skip
    kept = frozenset({"dir", "state", "totpkts"})
    words = frozenset(
        {"dir", "state", "flgs", "lasttime", "srcudata", "dstudata", "label", "smac", "dmac", "stcpb", "dtcpb"}
    )

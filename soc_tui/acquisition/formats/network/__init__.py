"""Network metadata: what Zeek and Suricata see on the wire."""

from __future__ import annotations

from soc_tui.acquisition.formats.base import Format
from soc_tui.acquisition.formats.network.suricata import SuricataEve
from soc_tui.acquisition.formats.network.zeek import ZeekJson, ZeekTsv

FORMATS: tuple[Format, ...] = (ZeekTsv(), SuricataEve(), ZeekJson())
"""In the order in which ties are decided."""

"""Operating system logs."""

from __future__ import annotations

from soc_tui.acquisition.formats.base import Format
from soc_tui.acquisition.formats.system.auditd import Auditd
from soc_tui.acquisition.formats.system.journald import JournaldExport, JournaldJson
from soc_tui.acquisition.formats.system.syslog import Syslog
from soc_tui.acquisition.formats.system.utmpdump import Utmpdump
from soc_tui.acquisition.formats.system.windows import WindowsJson

FORMATS: tuple[Format, ...] = (Auditd(), JournaldExport(), JournaldJson(), Utmpdump(), WindowsJson(), Syslog())
"""In the order in which ties are decided."""

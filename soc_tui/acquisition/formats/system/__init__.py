"""Operating system logs."""

from __future__ import annotations

from soc_tui.acquisition.formats.base import Format
from soc_tui.acquisition.formats.system.syslog import Syslog

FORMATS: tuple[Format, ...] = (Syslog(),)
"""In the order in which ties are decided."""

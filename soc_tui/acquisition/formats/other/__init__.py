"""What no other format claims: kept and never refused."""

from __future__ import annotations

from soc_tui.acquisition.formats.base import Format
from soc_tui.acquisition.formats.other.delimited import Csv
from soc_tui.acquisition.formats.other.lines import JsonLines, TextLines

FORMATS: tuple[Format, ...] = (JsonLines(), Csv(), TextLines())
"""In the order in which ties are decided."""

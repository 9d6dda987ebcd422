"""Flow records: one line a connection, from collectors and clouds."""

from __future__ import annotations

from soc_tui.acquisition.formats.base import Format

FORMATS: tuple[Format, ...] = ()
"""In the order in which ties are decided."""

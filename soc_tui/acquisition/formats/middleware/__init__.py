"""Logs of servers and applications behind a website, records of several lines joined."""

from __future__ import annotations

from soc_tui.acquisition.formats.base import Format

FORMATS: tuple[Format, ...] = ()
"""In the order in which ties are decided."""

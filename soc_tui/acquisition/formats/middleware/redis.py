"""The log of Redis and of Valkey."""

from __future__ import annotations

from soc_tui.acquisition.formats.middleware.headed import Headed

REDIS = Headed(
    "redis",
    start=r"(?:\d+:[A-Z]|\[\d+\]) \d\d [A-Z][a-z]{2} (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d+)? [.*#-] ",
)
"""As ``serverLogRaw`` in ``server.c`` writes it, in all versions; crash reports are joined."""

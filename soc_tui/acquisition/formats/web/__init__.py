"""Website access logs."""

from __future__ import annotations

from collections.abc import Mapping

from soc_tui.acquisition.formats.base import Format
from soc_tui.acquisition.formats.web.access import AccessLog

FORMATS: tuple[Format, ...] = (AccessLog(),)
"""In the order in which ties are decided."""


def custom_formats(named: Mapping[str, str]) -> Mapping[str, Format]:  # noqa: ARG001 - the builder of web/ fills it
    """Formats made of Apache ``LogFormat`` or nginx ``log_format`` strings, by name."""
    return {}

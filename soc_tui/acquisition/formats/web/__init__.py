"""Website access logs."""

from __future__ import annotations

from collections.abc import Mapping

from soc_tui.acquisition.formats.base import Format
from soc_tui.acquisition.formats.web.access import AccessLog
from soc_tui.acquisition.formats.web.custom import custom_format
from soc_tui.acquisition.formats.web.json_access import CADDY, NGINX_JSON, TRAEFIK

FORMATS: tuple[Format, ...] = (AccessLog(), NGINX_JSON, CADDY, TRAEFIK)
"""In the order in which ties are decided."""


def custom_formats(named: Mapping[str, str]) -> Mapping[str, Format]:
    """Formats made of Apache ``LogFormat`` or nginx ``log_format`` strings, by name; compiled once.

    Raises:
        SettingsError: one cannot be compiled.
    """
    return {name: custom_format(name, text) for name, text in named.items()}

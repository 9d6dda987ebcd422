"""Website access logs."""

from __future__ import annotations

from collections.abc import Mapping

from soc_tui.acquisition.formats.base import Format
from soc_tui.acquisition.formats.web.access import AccessLog
from soc_tui.acquisition.formats.web.custom import ALB, S3, TRAEFIK_CLF, custom_format
from soc_tui.acquisition.formats.web.haproxy import HaProxy
from soc_tui.acquisition.formats.web.json_access import CADDY, NGINX_JSON, TRAEFIK
from soc_tui.acquisition.formats.web.w3c import W3cLog

FORMATS: tuple[Format, ...] = (HaProxy(), TRAEFIK_CLF, AccessLog(), NGINX_JSON, CADDY, TRAEFIK, W3cLog(), ALB, S3)
"""In the order in which ties are decided."""


def custom_formats(named: Mapping[str, str]) -> Mapping[str, Format]:
    """Formats made of Apache ``LogFormat`` or nginx ``log_format`` strings, by name; compiled once.

    Raises:
        SettingsError: one cannot be compiled.
    """
    return {name: custom_format(name, text) for name, text in named.items()}

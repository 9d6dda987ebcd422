"""Log formats: each a recogniser of content and one SQL normaliser, the same for a batch and for a growing file.

The folders are the paper's kinds of source: flows and network metadata, website access, middleware, operating system.
"""

from __future__ import annotations

from collections.abc import Mapping

from soc_tui.acquisition.formats import flows, middleware, network, other, web
from soc_tui.acquisition.formats import system as operating_system
from soc_tui.acquisition.formats.base import Format, Normalised, Origin
from soc_tui.core.errors import SettingsError, UsageError
from soc_tui.core.settings import AcquisitionSettings

__all__ = ["FORMATS", "HEAD_BYTES", "Format", "Normalised", "Origin", "format_named", "formats_for", "recognise"]

HEAD_BYTES = 64 * 1024
"""How much of a file a format is recognised by."""

_SURE_ENOUGH = 0.3
"""Share-based recognisers below this lose to plain text: a few lines that look like syslog do not make a syslog."""

FORMATS: Mapping[str, Format] = {
    one.name: one for group in (network, flows, web, middleware, operating_system, other) for one in group.FORMATS
}
"""Every built-in format by the name that ``ingest --as`` takes; the earlier wins where two are equally sure."""


def formats_for(settings: AcquisitionSettings) -> Mapping[str, Format]:
    """The built-in formats and those that the settings define, which win where both are equally sure.

    Raises:
        SettingsError: a format of the settings cannot be compiled or has the name of a built-in one.
    """
    for name in settings.access_formats:
        if name in FORMATS:
            raise SettingsError(
                f"acquisition.access_formats.{name}: a built-in format has this name", remedy="choose another name"
            )
    return {**web.custom_formats(settings.access_formats), **FORMATS} if settings.access_formats else FORMATS


def recognise(head: bytes, formats: Mapping[str, Format] = FORMATS) -> Format:
    """The format of a file by its first bytes, never by its name.

    Args:
        head: at most :data:`HEAD_BYTES` from the beginning of the decompressed file.
        formats: from which one is chosen.
    """
    whole = head if b"\n" not in head else head[: head.rfind(b"\n")]
    text = whole.decode("utf-8", "backslashreplace").removeprefix("\ufeff")
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line][:200]
    sure = {name: one.confidence(lines) for name, one in formats.items()}
    best = max(sure, key=lambda name: sure[name])
    return formats[best] if sure[best] >= _SURE_ENOUGH else formats["text"]


def format_named(name: str, formats: Mapping[str, Format] = FORMATS) -> Format:
    """The format of that name.

    Raises:
        UsageError: there is none.
    """
    if name not in formats:
        raise UsageError(f"unknown format {name!r}", remedy=f"use one of {', '.join(formats)}")
    return formats[name]

"""Log formats: each a recogniser of content and one SQL normaliser, the same for a batch and for a growing file."""

from __future__ import annotations

from soc_tui.acquisition.formats.access import AccessLog
from soc_tui.acquisition.formats.base import Format, Normalised, Origin
from soc_tui.acquisition.formats.lines import JsonLines, TextLines
from soc_tui.acquisition.formats.suricata import SuricataEve
from soc_tui.acquisition.formats.syslog import Syslog
from soc_tui.acquisition.formats.zeek import ZeekJson, ZeekTsv
from soc_tui.core.errors import UsageError

__all__ = ["FORMATS", "HEAD_BYTES", "Format", "Normalised", "Origin", "format_named", "recognise"]

HEAD_BYTES = 64 * 1024
"""How much of a file a format is recognised by."""

_SURE_ENOUGH = 0.3
"""Share-based recognisers below this lose to plain text: a few lines that look like syslog do not make a syslog."""

FORMATS: dict[str, Format] = {
    f.name: f for f in (ZeekTsv(), SuricataEve(), ZeekJson(), AccessLog(), Syslog(), JsonLines(), TextLines())
}
"""Every format by the name that ``ingest --as`` takes; the earlier wins where two are equally sure."""


def recognise(head: bytes) -> Format:
    """The format of a file by its first bytes, never by its name.

    Args:
        head: at most :data:`HEAD_BYTES` from the beginning of the decompressed file.
    """
    whole = head if b"\n" not in head else head[: head.rfind(b"\n")]
    text = whole.decode("utf-8", "backslashreplace").removeprefix("\ufeff")
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line][:200]
    best = max(FORMATS.values(), key=lambda f: f.confidence(lines))
    return best if best.confidence(lines) >= _SURE_ENOUGH else FORMATS["text"]


def format_named(name: str) -> Format:
    """The format of that name.

    Raises:
        UsageError: there is none.
    """
    if name not in FORMATS:
        raise UsageError(f"unknown format {name!r}", remedy=f"use one of {', '.join(FORMATS)}")
    return FORMATS[name]

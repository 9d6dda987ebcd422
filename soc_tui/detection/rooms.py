"""What can be scanned: a kind of target, the tools that look at it, and which targets are the user's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from soc_tui.core.errors import UsageError
from soc_tui.core.settings import ScanSettings
from soc_tui.detection.files.judging import Judge
from soc_tui.detection.tools import Finding, Tool, Watch

Look = Callable[[str, Watch], Iterator[tuple[Tool, Finding]]]
"""Looks at a target with every tool of its kind."""

KINDS = ("system", "website", "database", "files")
"""What ``soc-tui scan`` can look at."""


def look_of(kind: str, settings: ScanSettings, workspace: Path, judge: Judge | None = None) -> Look:
    """What looks at targets of a kind.

    Args:
        kind: one of :data:`KINDS`.
        settings: what is owned, limits, where advisories and rules are.
        workspace: whose advisories and baselines are used.
        judge: scores source texts with the ``code`` network; None: without.

    Raises:
        UsageError: there is no such kind.
    """
    match kind:
        case "system":
            from soc_tui.detection.persistence.tool import PersistenceTool
            from soc_tui.detection.system.tool import SystemTool

            baseline = workspace / "baselines" / "persistence.json"
            return _each(SystemTool(settings, workspace / "knowledge"), PersistenceTool(settings, baseline))
        case "website":
            from soc_tui.detection.website.tool import WebsiteTool

            return _each(WebsiteTool(settings))
        case "database":
            from soc_tui.detection.database import DatabaseTool

            return _each(DatabaseTool(settings, workspace / "knowledge"))
        case "files":
            from soc_tui.detection.files.scanning import FilesScan
            from soc_tui.detection.malicious_files.tool import MaliciousFileTool
            from soc_tui.detection.trojan.tool import TrojanTool
            from soc_tui.detection.virus.tool import VirusTool

            return FilesScan(
                [VirusTool(settings), TrojanTool(settings, judge), MaliciousFileTool(settings, judge)]
            ).check
    raise UsageError(f"nothing scans {kind!r}", remedy=f"use {', '.join(KINDS)}")


def _each(*tools: Tool) -> Look:
    def look(target: str, watch: Watch) -> Iterator[tuple[Tool, Finding]]:
        for tool in tools:
            for finding in tool.check(target, watch):
                yield tool, finding

    return look


def dry_run(kind: str, target: str, settings: ScanSettings) -> list[str]:
    """Every request that a scan would send, in order; nothing is sent.

    Raises:
        UsageError: scans of that kind send nothing.
        SocTuiError: the target is not owned.
    """
    if kind == "website":
        from soc_tui.detection.website.tool import WebsiteTool

        return WebsiteTool(settings).requests(target)
    if kind == "database":
        from soc_tui.detection.database import DatabaseTool

        return DatabaseTool(settings).requests(target)
    raise UsageError(f"a scan of {kind} sends nothing", remedy="run it without --dry-run: it only reads")


def owned(kind: str, settings: ScanSettings, trees: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The targets of a kind that the settings list, which are looked through on schedule.

    Args:
        kind: one of :data:`KINDS`.
        settings: what is owned.
        trees: website source trees, whose files are looked through as well.
    """
    listed = {
        "system": ("/",) if settings.machine else (), "website": settings.websites, "database": settings.databases,
        "files": tuple(dict.fromkeys((*settings.folders, *trees))),
    }  # fmt: skip
    return listed[kind]

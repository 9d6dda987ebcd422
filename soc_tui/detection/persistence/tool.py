"""The persistence tool: a root folder in, what persists there and should not out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from soc_tui.core.errors import SourceError
from soc_tui.core.settings import SEVERITIES, ScanSettings
from soc_tui.detection.persistence.baseline import load, save
from soc_tui.detection.persistence.comparing import compare
from soc_tui.detection.persistence.content import suspicious
from soc_tui.detection.persistence.snapshot import Snapshot, snapshot
from soc_tui.detection.rooted import Root
from soc_tui.detection.system.packages.owned import Owned
from soc_tui.detection.tools import Finding, Watch


class PersistenceTool:
    """Persistence and unexpected listeners: a :class:`soc_tui.detection.tools.Tool`.

    Args:
        settings: none of them is ours yet; every tool takes them.
        baseline_path: the baseline, e.g. ``baselines/persistence.json`` in the workspace; the first check writes it.
    """

    name = "persistence"
    risk_type = "trojan"

    def __init__(self, settings: ScanSettings, baseline_path: Path) -> None:
        self._settings = settings
        self._path = baseline_path

    def check(self, target: str, watch: Watch) -> Iterator[Finding]:
        """Look at what persists: by itself, and against the baseline.

        Args:
            target: the root folder, ``/`` for this machine. Nothing in it is changed.
            watch: is told what cannot be looked at, and when a baseline is made.

        Raises:
            SourceError: the target is no folder that can be read.
        """
        now = snapshot(target, watch)
        if watch.stopping():
            watch.note("stopped before its end; nothing is compared with the baseline")
            return
        found = suspicious(now, Owned(Root(target), watch))
        told = {one.target for one in found}
        found += [one for one in self._compared(now, watch) if one.target not in told]
        yield from sorted(found, key=lambda one: -SEVERITIES.index(one.severity))

    def _compared(self, now: Snapshot, watch: Watch) -> list[Finding]:
        try:
            before = load(self._path)
            if before is None:
                save(now, self._path)
                watch.note(
                    f"there was no baseline: what persists now ({len(now.files)} files, {len(now.listeners)} ports) "
                    f"is the baseline from now on, kept in {self._path}; look at it once: what it has is no finding"
                )
                return []
        except SourceError as error:
            watch.note(f"{error}; nothing is compared")
            if not self._path.exists():
                return []
            return [
                Finding(
                    check="persistence-baseline", title="The baseline of persistence is damaged or was changed",
                    severity="high", confidence=0.8, target=str(self._path), evidence=str(error).encode(),
                    techniques=("T1070", "T1565.001"), file_path=str(self._path), remedy=error.remedy,
                )
            ]  # fmt: skip
        if before.root != now.root:
            watch.note(f"{self._path}: is the baseline of {before.root}; nothing is compared")
            return []
        return compare(before, now)

"""Viruses: what ClamAV finds, and what lists of hashes know."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from soc_tui.core.errors import SocTuiError
from soc_tui.core.settings import ScanSettings
from soc_tui.core.text import safe
from soc_tui.detection.files.tool import FileTool, found_in
from soc_tui.detection.files.walking import File, Limits, printable, walk
from soc_tui.detection.tools import Finding, Watch
from soc_tui.detection.virus.clamav import CLAMSCAN, Clamd, clamscan
from soc_tui.detection.virus.hashes import HashLists

_REMEDY = "Quarantine the file, keep its hash, and find out how it came here and whether it was run."
_UNWANTED = ("PUA.", "Heuristics.", "Sanesecurity.", "SecuriteInfo.com.Spam")
"""Beginnings of ClamAV's names for what may be unwanted rather than a virus."""


class VirusTool(FileTool):
    """ClamAV and hash lists.

    Args:
        settings: clamd's socket, hash lists and limits.
        clamscan: the program that is used when there is no clamd, with options that come first.
    """

    name = "virus"
    risk_type = "virus"

    def __init__(self, settings: ScanSettings, *, clamscan: Sequence[str] = CLAMSCAN) -> None:
        super().__init__(settings)
        self._clamscan = tuple(clamscan)
        self._clamd: Clamd | None = None
        self._lists: HashLists | None = None
        self._target = ""

    def begin(self, target: str, watch: Watch) -> None:
        """Look for clamd, else for clamscan; load the hash lists."""
        self._target = ""
        self._lists = HashLists(self.settings.hashes, watch.note)
        clamd = Clamd(self.settings.clamd)
        self._clamd = clamd if clamd.path and clamd.version() else None
        if self._clamd is not None:
            return
        if shutil.which(self._clamscan[0]):
            self._target = target
            if self.settings.clamd:
                watch.note(f"clamd at {self.settings.clamd} does not answer; clamscan is used, which takes longer")
        else:
            watch.note(
                "neither clamd nor clamscan is there: install clamav-daemon, or set scan.clamd to clamd's socket"
            )

    def look(self, file: File, watch: Watch) -> Iterable[Finding]:
        """Hash lists, then clamd."""
        if self._lists is None:
            self.begin("", watch)
        assert self._lists is not None
        hit = self._lists.find(file)
        if hit is not None:
            named = f": {safe(hit.name, limit=80)}" if hit.name else ""
            found = found_in(
                file, "known-bad-hash", f"File with a known-bad hash{named}", "high", 0.95, techniques=("T1204.002",),
                remedy=_REMEDY, kind=hit.kind, digest=hit.digest, list=hit.source, name=hit.name,
            )  # fmt: skip
            yield replace(found, evidence=f"{hit.kind} {hit.digest}".encode())
        name = self._clamd.scan(file.content, file.shown, watch.note) if self._clamd is not None else ""
        if name:
            yield self._virus(file, name, "clamd")

    def ready(self, watch: Watch, *, end: bool = False) -> Iterator[tuple[File, Finding]]:
        """What clamscan finds, once all else is done."""
        if not end:
            return
        if self._clamd is not None and self._clamd.missed:
            watch.note(f"{self._clamd.missed} files were not looked at by clamd, which was away")
            self._clamd.missed = 0
        target, self._target = self._target, ""
        if not target or watch.stopping():
            return
        limits = (self.settings.file_bytes, self.settings.archive_bytes, self.settings.archive_depth)
        for path, name in clamscan(target, limits, watch.note, watch.stopping, self._clamscan):
            file = _again(path, target)
            if file is not None:
                yield file, self._virus(file, name, "clamscan")

    def _virus(self, file: File, name: str, by: str) -> Finding:
        unwanted = name.startswith(_UNWANTED)
        shown = safe(name, limit=120)
        found = found_in(
            file, f"clamav:{shown}", f"Virus {shown}", "medium" if unwanted else "high", 0.6 if unwanted else 0.97,
            techniques=("T1204.002",), remedy=_REMEDY, name=name, by=by,
        )  # fmt: skip
        return replace(found, evidence=f"{by}: {name} FOUND".encode(), file_hash=file.sha256 if file.content else "")


def _again(path: str, target: str) -> File | None:
    """The file that clamscan names, read for its hash; None for a path that does not lie in the target."""
    root, named = Path(target).absolute(), Path(path)
    if named != root and root not in named.parents:
        return None
    found = None
    if named.parent.resolve() == named.parent or root.resolve() in named.parent.resolve().parents:
        with contextlib.suppress(SocTuiError):  # gone or unreadable: the finding stands without a hash
            found = next(walk(path, Limits(), Watch()), None)
    return found or File(printable(path), printable(path), b"")

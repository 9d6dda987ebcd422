"""What has changed since the baseline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from soc_tui.detection.persistence.listeners import Listener
from soc_tui.detection.persistence.places import PLACES, WRITABLE, Place
from soc_tui.detection.persistence.snapshot import Kept, Snapshot
from soc_tui.detection.tools import EVIDENCE_BYTES, Finding

_PLACE = {place.kind: place for place in PLACES}
_REMEDY = "If it is yours, make a new baseline; if not, keep a copy, remove it, and look for who put it there and how."


def compare(baseline: Snapshot, now: Snapshot) -> list[Finding]:
    """The findings of everything that is there now and was not, and of what is gone.

    What a package brought, with the very content that the package manager has written down, is no finding: updates
    would drown the rest.

    Args:
        baseline: how it was when it was known to be well.
        now: how it is.
    """
    found: list[Finding] = []
    for path, kept in now.files.items():
        if not kept.vendor:
            found += _file(path, baseline.files.get(path), kept)
    for path, kept in baseline.files.items():
        if path not in now.files and not kept.vendor:
            found.append(_removed(path, kept.kind, kept.lines))
    found += _setuid(baseline, now)
    found += _listeners(baseline, now)
    return found


def _file(path: str, before: Kept | None, now: Kept) -> Iterator[Finding]:
    place = _PLACE[now.kind]
    if before is not None and before.sha256 == now.sha256:
        return
    had = Counter(text for _, text in before.lines) if before else Counter[str]()
    added = []
    for number, text in now.lines:
        if had[text] > 0:
            had[text] -= 1
        else:
            added.append((number, text))
    gone = [(0, text) for text, times in had.items() for _ in range(times)]
    if place.by_line:
        for number, text in added:
            yield _added(place, f"{path}:{number}" if number else path, text, path, new=before is None)
    elif added:
        number = added[0][0]
        lines = "\n".join(text for _, text in added)
        yield _added(place, f"{path}:{number}" if number else path, lines, path, new=before is None)
    elif before is None or not (now.lines or before.lines):
        yield _added(place, path, f"sha256 {now.sha256}", path, new=before is None)
    if gone and not (added and not place.by_line):
        yield _removed(path, now.kind, gone)


def _added(place: Place, target: str, text: str, path: str, *, new: bool) -> Finding:
    return Finding(
        check=f"persistence-{place.kind}", title=f"{'New' if new else 'Changed'} {place.what}", severity=place.severity,
        confidence=0.7, target=target, evidence=text.encode()[:EVIDENCE_BYTES], techniques=place.techniques,
        file_path=path, remedy=_REMEDY, fields={"since the baseline": "new file" if new else "new lines"},
    )  # fmt: skip


def _removed(path: str, kind: str, lines: Sequence[tuple[int, str]]) -> Finding:
    evidence = "\n".join(text for _, text in lines)
    return Finding(
        check=f"persistence-removed-{kind}", title=f"Removed {_PLACE[kind].what}", severity="info", confidence=0.5,
        target=path, evidence=evidence.encode()[:EVIDENCE_BYTES], file_path=path,
        remedy="If you have removed it, make a new baseline; intruders remove what protects (updates, scanners, logs).",
    )  # fmt: skip


def _setuid(baseline: Snapshot, now: Snapshot) -> Iterator[Finding]:
    for path, mode in now.setuid.items():
        before = baseline.setuid.get(path)
        if before != mode:
            yield Finding(
                check="persistence-setuid", title="New setuid program" if before is None else "Changed setuid program",
                severity="high", confidence=0.7, target=path, evidence=f"{mode} {path}".encode(), file_path=path,
                techniques=("T1548.001",), weaknesses=("CWE-732",), remedy=_REMEDY,
                fields={"before": before} if before else {},
            )  # fmt: skip


def _listeners(baseline: Snapshot, now: Snapshot) -> Iterator[Finding]:
    known = {(one.protocol, one.address, one.port): one.exe for one in baseline.listeners}
    reported: set[tuple[str, str, int, str]] = set()
    for one in now.listeners:
        key = (one.protocol, one.address, one.port)
        before = known.get(key)
        if before == one.exe or (before is not None and not (before and one.exe)) or (*key, one.exe) in reported:
            continue  # the program of one of the two is not known: there is nothing to compare
        reported.add((*key, one.exe))
        yield _listener(one, before)


def _listener(one: Listener, before: str | None) -> Finding:
    inside = one.address.startswith("127.") or one.address == "::1"
    return Finding(
        check="persistence-listener",
        title="New listener" if before is None else "Another program listens",
        severity="high" if before is not None or one.exe.startswith(WRITABLE) else "low" if inside else "medium",
        confidence=0.6, target=f"{one.name} {one.exe}".strip(),
        evidence=f"{one.name} process {one.pid} {one.exe or '(program not known)'}".encode(),
        techniques=("T1205", "T1571"), port=one.port, file_path=one.exe, remedy=_REMEDY,
        fields={"pid": str(one.pid or ""), "before": before or ""},
    )  # fmt: skip

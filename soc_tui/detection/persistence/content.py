"""What speaks against itself, without a baseline: lines by the patterns of ``patterns.yaml``, and what runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from soc_tui.detection import data
from soc_tui.detection.persistence.listeners import Listener, Process
from soc_tui.detection.persistence.places import KINDS, WRITABLE
from soc_tui.detection.persistence.snapshot import Snapshot
from soc_tui.detection.system.packages.owned import Owned
from soc_tui.detection.tools import EVIDENCE_BYTES, Finding

PATTERNS = Path(__file__).parent / "patterns.yaml"
SCHEMA = data.COMMON | {
    "kinds": data.several(data.one_of(KINDS)), "bad": data.pattern, "unless": data.pattern, "in_file": data.pattern,
}  # fmt: skip
NEEDED = ("id", "title", "severity", "confidence", "remedy", "kinds", "bad", "techniques")
_CLONES = ("/memfd:runc_cloned", "/memfd:crun", "/memfd:lxc", "/memfd:wine", "/memfd:snap")
"""Container runtimes and Wine run copies of themselves from memory, by design."""
_INTERPRETERS = ("python", "perl", "ruby", "php", "node", "bash", "sh", "dash", "lua")


@cache
def patterns() -> tuple[dict[str, Any], ...]:
    """The patterns that ship."""
    entries, problems = data.load([PATTERNS], SCHEMA, NEEDED)
    if problems:
        raise ValueError(str(problems[0]))  # ours, and a test holds them well
    return tuple(entries)


def suspicious(now: Snapshot, owned: Owned) -> list[Finding]:
    """What is suspicious by itself.

    Args:
        now: how the machine is.
        owned: the files of its packages, as packages brought them, are not judged.
    """
    return [*_lines(now), *_processes(now.processes, owned), *_listening(now.listeners, now.processes)]


def _lines(now: Snapshot) -> Iterator[Finding]:
    by_kind: dict[str, tuple[list[str], list[str], list[int]]] = {}
    for path, kept in now.files.items():
        if not kept.vendor:
            texts, paths, numbers = by_kind.setdefault(kept.kind, ([], [], []))
            for number, text in kept.lines:
                texts.append(text)
                paths.append(path)
                numbers.append(number)
    told: set[tuple[str, int]] = set()
    for entry in patterns():
        for kind in entry["kinds"]:
            texts, paths, numbers = by_kind.get(kind, ([], [], []))
            hits = set(data.matches(texts, entry["bad"]))
            if hits and entry.get("unless"):
                hits -= set(data.matches(texts, entry["unless"]))
            if hits and entry.get("in_file"):
                hits &= set(data.matches(paths, entry["in_file"]))
            for at in sorted(hits):
                if (paths[at], numbers[at]) not in told:  # the gravest pattern of a line is enough
                    told.add((paths[at], numbers[at]))
                    yield _line(entry, texts[at], paths[at], numbers[at])


def _line(entry: dict[str, Any], text: str, path: str, number: int) -> Finding:
    return Finding(
        check=entry["id"], title=entry["title"], severity=entry["severity"], confidence=entry["confidence"],
        target=f"{path}:{number}" if number else path, evidence=text.encode()[:EVIDENCE_BYTES],
        techniques=entry["techniques"], weaknesses=entry.get("weaknesses", ()), risk_type=entry.get("risk_type", ""),
        remedy=entry["remedy"], file_path=path,
    )  # fmt: skip


def _processes(running: Iterable[Process], owned: Owned) -> Iterator[Finding]:
    told: set[tuple[str, str]] = set()
    for one in running:
        made = _process(one, owned)
        if made is None and one.preload and any(folder in one.preload for folder in WRITABLE):
            made = _run(one, "process-preload", "A running program has loaded a library from a folder open to all",
                        "high", 0.85, ("T1574.006",), one.preload)  # fmt: skip
        if made is not None and (made.check, made.target) not in told:
            told.add((made.check, made.target))
            yield made


def _process(one: Process, owned: Owned) -> Finding | None:
    if one.exe.startswith("/memfd:"):
        if one.exe.startswith(_CLONES):
            return None
        return _run(one, "process-in-memory", "A program runs from memory alone", "high", 0.8, ("T1620",))
    if one.exe.startswith(WRITABLE):
        if one.deleted:
            return _run(one, "process-deleted", "A program runs that was deleted from a folder open to all", "critical",
                        0.9, ("T1070.004", "T1036.005"))  # fmt: skip
        return _run(one, "process-from-open-folder", "A program runs from a folder that is open to all", "medium", 0.6,
                    ("T1036.005",))  # fmt: skip
    if one.deleted and one.here and not owned.has(one.exe) and not owned.replaced(one.exe):
        return _run(one, "process-deleted", "A program runs whose file was deleted", "medium", 0.6, ("T1070.004",))
    return None


def _listening(ports: Iterable[Listener], running: Iterable[Process]) -> Iterator[Finding]:
    by_pid = {one.pid: one for one in running}
    told: set[str] = set()
    for port in ports:
        process = by_pid.get(port.pid)
        if process is None:
            continue
        words = process.command.split(" ")
        script = words[1] if len(words) > 1 and process.exe.rpartition("/")[2].startswith(_INTERPRETERS) else ""
        hidden = process.exe.startswith("/memfd:") and not process.exe.startswith(_CLONES)
        if hidden or process.exe.startswith(WRITABLE):
            said, severity = "A program from a folder open to all, or from memory, listens", "high"
        elif script.startswith(WRITABLE):
            said, severity = "A script from a folder open to all listens", "medium"
        else:
            continue
        made = _run(process, "listener-from-open-folder", said, severity, 0.75, ("T1571", "T1205"), port.name)
        if port.name not in told:
            told.add(port.name)
            yield made


def _run(
    one: Process, check: str, title: str, severity: str, confidence: float, techniques: tuple[str, ...], what: str = ""
) -> Finding:
    link = f"/proc/{one.pid}/exe -> {one.exe}{' (deleted)' if one.deleted else ''}"
    said = [link, one.command, *([what] if what else [])]
    return Finding(
        check=check, title=title, severity=severity, confidence=confidence, target=f"{what} {one.exe}".strip(),
        evidence="\n".join(said).encode()[:EVIDENCE_BYTES], techniques=techniques, file_path=one.exe,
        remedy=f"Keep a copy (cp /proc/{one.pid}/exe), find out what started it, then stop it.",
        fields={"pid": str(one.pid), "command": one.command[:300], "uid": str(one.uid)},
    )  # fmt: skip

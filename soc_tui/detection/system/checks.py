"""Checks of a machine's configuration: the data in ``checks/*.yaml``, read by one reader each.

A check names a reader, what it asks of it, and the pattern of what is wrong (or of what alone is right); docs/tools/
system.md lists keys and readers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from soc_tui.core.plain import Problem, files
from soc_tui.detection import data
from soc_tui.detection.system.configuration import Setting
from soc_tui.detection.tools import Finding

SHIPPED = Path(__file__).parent / "checks"
READERS = ("sshd", "sudoers", "kernel", "lines", "mode", "programs", "setuid")
SCHEMA: dict[str, data.Taker] = data.COMMON | {
    "reader": data.one_of(READERS), "subject": data.text, "files": data.several(data.text),
    "default": data.text, "bad": data.pattern, "good": data.pattern, "unless": data.pattern, "below": data.number,
    "above": data.number, "bits": data.number, "owner": data.flag, "comment": data.text,
    "names": data.several(data.text), "known": data.several(data.text), "owned": data.flag,
}  # fmt: skip


@dataclass(frozen=True)
class Check:
    """One check."""

    id: str
    title: str
    reader: str
    """One of :data:`READERS`."""
    severity: str
    remedy: str
    file: Path
    """The YAML file that it is from."""
    line: int
    confidence: float = 0.9
    risk_type: str = ""
    techniques: tuple[str, ...] = ()
    weaknesses: tuple[str, ...] = ()
    subject: str = ""
    """The option (``sshd``) or key (``kernel``)."""
    files: tuple[str, ...] = ()
    """The files (``lines``, ``mode``), with ``*``; or the units whose programs are meant (``programs``)."""
    default: str = ""
    """What holds when nothing sets the option; empty: that is fine."""
    bad: str = ""
    """What is wrong is where this pattern is found."""
    good: str = ""
    """... or where this one is not."""
    unless: str = ""
    """... but for what this one is found in."""
    below: int | None = None
    """... or a number below this one."""
    above: int | None = None
    bits: int = 0
    """Permission bits that must not be set (``mode``, ``programs``)."""
    owner: bool = False
    """The owner must be root (``mode``, ``programs``)."""
    comment: str = "#"
    """What begins a line that does not count (``lines``)."""
    names: tuple[str, ...] = ()
    """Files by name or path with ``*`` (``setuid``)."""
    known: tuple[str, ...] = ()
    """... but for these, which are setuid by design (``setuid``)."""
    owned: bool = False
    """Files of packages count too (``setuid``)."""

    def finding(self, setting: Setting, risk_type: str = "") -> Finding:
        """What is found where something is set wrongly."""
        return Finding(
            check=self.id, title=self.title, severity=self.severity, confidence=self.confidence, target=setting.target,
            evidence=setting.evidence, kind="compliance", risk_type=self.risk_type or risk_type,
            techniques=self.techniques, weaknesses=self.weaknesses, remedy=self.remedy, file_path=setting.file,
            fields={name: value for name, value in (("value", setting.value), ("where", setting.scope)) if value},
        )  # fmt: skip

    def fails(self, settings: Iterable[Setting]) -> Iterator[Setting]:
        """Those of the settings that are wrong."""
        listed = list(settings)
        values = [one.value for one in listed]
        wrong: set[int] = set()
        if self.bad:
            wrong |= set(data.matches(values, self.bad))
        if self.good:
            wrong |= set(range(len(values))) - set(data.matches(values, self.good))
        for at, value in enumerate(values):
            figure = int(value) if value.lstrip("-").isdigit() and len(value) < 19 else None
            if figure is not None and ((self.below is not None and figure < self.below) or (
                    self.above is not None and figure > self.above)):  # fmt: skip
                wrong.add(at)
        if self.unless and wrong:
            wrong -= set(data.matches(values, self.unless))
        return (listed[at] for at in sorted(wrong))


_NEEDED = ("id", "title", "reader", "severity", "remedy")
_TESTS = ("bad", "good", "below", "above")


@lru_cache(maxsize=8)
def _load(stamps: tuple[tuple[Path, int, int], ...]) -> tuple[tuple[Check, ...], tuple[Problem, ...]]:
    entries, problems = data.load([path for path, _, _ in stamps], SCHEMA, _NEEDED)
    checks = []
    for entry in entries:
        said = _incomplete(entry)
        if said:
            problems.append(Problem(entry["file"], entry["line"], said))
        else:
            checks.append(Check(**entry))
    return tuple(checks), tuple(problems)


def load(folders: Iterable[Path] = ()) -> tuple[tuple[Check, ...], tuple[Problem, ...]]:
    """The checks that ship and those of more files and folders (one with the id of a shipped check replaces it).

    Returns:
        The checks, and every problem of the files; a check with a problem is left out, the others stay.
    """
    problems = []
    stamps = []
    for file in files((SHIPPED, *folders)):
        try:
            stat = file.stat()
        except OSError as error:
            problems.append(Problem(file, 1, f"cannot be read: {error.strerror}"))
            continue
        stamps.append((file, stat.st_size, stat.st_mtime_ns))
    checks, found = _load(tuple(stamps))
    return checks, (*problems, *found)


def _incomplete(entry: Mapping[str, Any]) -> str:
    reader = entry["reader"]
    if reader in ("sshd", "kernel") and not entry.get("subject"):
        return f"subject is missing: which option {reader} shall look up"
    if reader in ("lines", "mode", "programs") and not entry.get("files"):
        return "files is missing"
    if reader in ("mode", "programs") and not entry.get("bits") and not entry.get("owner"):
        return "bits or owner is missing: what is wrong with a file"
    if reader == "setuid" and not entry.get("names"):
        return "names is missing"
    if reader in ("sshd", "sudoers", "kernel", "lines") and not any(name in entry for name in _TESTS):
        return f"one of {', '.join(_TESTS)} is missing: what is wrong with a value"
    return ""

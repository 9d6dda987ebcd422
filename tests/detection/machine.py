"""Made machines: root folders with the files that a test is about, and what a look at them says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from soc_tui.core.settings import ScanSettings
from soc_tui.detection.tools import Finding, Watch

DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n'
QUIET = ScanSettings(programs=False)


@dataclass
class Machine:
    """A root folder."""

    root: Path
    notes: list[str] = field(default_factory=list)

    def write(self, path: str, content: str | bytes = "", mode: int = 0o644) -> Path:
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        file.chmod(mode)
        return file

    def link(self, path: str, target: str) -> None:
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.symlink_to(target)

    @property
    def watch(self) -> Watch:
        return Watch(note=self.notes.append)


def told(findings: Iterable[Finding]) -> list[tuple[str, str, str]]:
    """Severity, check and target of each."""
    return [(one.severity, one.check, one.target) for one in findings]

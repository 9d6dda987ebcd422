"""A tool that looks at files one by one, whatever brings them: a walk, an archive, or a change that was just seen."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

from soc_tui.core.settings import ScanSettings
from soc_tui.detection.files.lines import Span, evidence_of, place_of
from soc_tui.detection.files.walking import File
from soc_tui.detection.tools import Finding, Watch


class FileTool(ABC):
    """One of the tools that judge files; a :class:`soc_tui.detection.tools.Tool`.

    What a content and the end of its name say is asked once (:meth:`look`), what its place says for every copy
    (:meth:`place`). One object serves one thread.
    """

    name: ClassVar[str]
    risk_type: ClassVar[str]

    def __init__(self, settings: ScanSettings) -> None:
        self.settings = settings

    def begin(self, target: str, watch: Watch) -> None:  # noqa: B027 - most tools need no beginning
        """A scan of a target begins: programs and rules are looked for, and told of when missing."""

    @abstractmethod
    def look(self, file: File, watch: Watch) -> Iterable[Finding]:
        """What the content and the end of the name say."""

    def place(self, file: File) -> Iterable[Finding]:  # noqa: ARG002 - most tools do not mind where a file lies
        """What the place, name and permissions say."""
        return ()

    def again(self, file: File) -> None:  # noqa: B027
        """A content that :meth:`look` has seen lies in another place too."""

    def ready(self, watch: Watch, *, end: bool = False) -> Iterator[tuple[File, Finding]]:  # noqa: ARG002
        """What has been found out meanwhile about earlier files; at the ``end`` all of it."""
        return iter(())

    def check(self, target: str, watch: Watch) -> Iterator[Finding]:
        """Look at all files of a folder, or at one file.

        Raises:
            SocTuiError: there is no such file or folder.
        """
        from soc_tui.detection.files.scanning import FilesScan

        for _, finding in FilesScan([self]).check(target, watch):
            yield finding

    def look_at_content(
        self, name: str, content: bytes, previous: bytes | None = None, watch: Watch | None = None
    ) -> list[Finding]:
        """Judge one version of a file, as when a website's file has changed.

        Args:
            name: the file's path.
            content: as it is now.
            previous: as it was; what was there before is not told again.
            watch: takes notes.
        """
        watch = watch or Watch()
        found = self._judged(File(name, name, content), watch) if content else []
        if not previous or not found:
            return found
        old = {(one.check, one.evidence) for one in self._judged(File(name, name, previous), watch)}
        return [one for one in found if (one.check, one.evidence) not in old]

    def _judged(self, file: File, watch: Watch) -> list[Finding]:
        found = [*self.look(file, watch), *self.place(file)]
        return found + [late for _, late in self.ready(watch, end=True)]


def found_in(
    file: File, check: str, title: str, severity: str, confidence: float, spans: Sequence[Span] = (), *,
    techniques: Iterable[str] = (), weaknesses: Iterable[str] = (), remedy: str = "", **fields: str,
) -> Finding:  # fmt: skip
    """A finding in a file: its target names the first line, its evidence is that line's bytes.

    Args:
        file: where.
        check: stable name of the check.
        title: what, in a phrase.
        severity: info to critical.
        confidence: 0 to 1.
        spans: places in the content, the most telling first.
        techniques: ATT&CK.
        weaknesses: CWE.
        remedy: what to do.
        fields: more that helps.
    """
    place = place_of(file.content, spans)
    return Finding(
        check, title, severity, confidence, f"{file.shown}:{place['line']}" if place else file.shown,
        evidence_of(file.content, spans[0]) if spans else b"", techniques=tuple(techniques),
        weaknesses=tuple(weaknesses), remedy=remedy, file_path=file.path, file_hash=file.sha256,
        fields={**place, **fields},
    )  # fmt: skip


def moved(finding: Finding, there: File, here: File) -> Finding:
    """What was found in one place, said of a copy in another."""
    target = here.shown + finding.target[len(there.shown) :]
    return replace(finding, target=target, file_path=here.path)

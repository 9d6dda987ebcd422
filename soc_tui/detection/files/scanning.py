"""One pass over a folder for all tools: every file is read once, and every distinct content judged once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from soc_tui.detection.files.archives import unpacked
from soc_tui.detection.files.tool import FileTool, moved
from soc_tui.detection.files.walking import File, limits_of, walk
from soc_tui.detection.tools import Finding, Watch

NOTES = 200
"""Notes of one scan: an attacker who makes a million unreadable files does not bury what else is said."""
_Known = tuple[File, list[tuple[FileTool, Finding]]]


class FilesScan:
    """The pass; the limits are those of the first tool's settings.

    Args:
        tools: who looks at each file, in this order.
    """

    def __init__(self, tools: Sequence[FileTool]) -> None:
        self.tools = tuple(tools)
        self._known: dict[tuple[bytes, str], _Known | None] = {}
        self.files = 0
        """Files looked at so far, members of archives included."""
        self.bytes = 0
        """Their sizes together."""

    def check(self, folder: str, watch: Watch) -> Iterator[tuple[FileTool, Finding]]:
        """Look at every file of a folder, or at one file.

        Raises:
            SocTuiError: there is no such file or folder.
        """
        watch = replace(watch, note=_Few(watch))
        limits = limits_of(self.tools[0].settings)
        files = walk(folder, limits, watch)
        first = next(files, None)  # a wrong target is an error before any program is asked
        for tool in self.tools:
            tool.begin(folder, watch)
        while first is not None:
            yield from self._file(first, watch)
            for member in unpacked(first, limits, watch.note):
                yield from self._file(member, watch)
                if watch.stopping():
                    break
            first = next(files, None)
        for tool in self.tools:
            for file, finding in tool.ready(watch, end=True):
                self._keep(file, tool, finding)
                yield tool, finding

    def _file(self, file: File, watch: Watch) -> Iterator[tuple[FileTool, Finding]]:
        watch.progress(file.shown, self.files, 0)
        self.files += 1
        self.bytes += len(file.content)
        key = file.key
        if key in self._known:
            known = self._known[key]
            for tool in self.tools:
                tool.again(file)
            for tool, finding in known[1] if known else ():
                yield tool, moved(finding, known[0], file) if known else finding
        else:
            self._known[key] = None
            for tool in self.tools:
                for finding in tool.look(file, watch):
                    self._keep(file, tool, finding)
                    yield tool, finding
        for tool in self.tools:
            for finding in tool.place(file):
                yield tool, finding
            for late, finding in tool.ready(watch):
                self._keep(late, tool, finding)
                yield tool, finding

    def _keep(self, file: File, tool: FileTool, finding: Finding) -> None:
        """Remember a finding for copies of its content still to come; its own bytes need not be kept for that."""
        known = self._known.get(file.key)
        if known is None:
            known = self._known[file.key] = (file.bare(), [])
        if known[0].shown == file.shown:
            known[1].append((tool, finding))


class _Few:
    """Passes the first notes on."""

    def __init__(self, watch: Watch) -> None:
        self._note, self._count = watch.note, 0

    def __call__(self, text: str) -> None:
        self._count += 1
        if self._count <= NOTES:
            self._note(text)
        elif self._count == NOTES + 1:
            self._note("more could not be looked at; further notes are left out")

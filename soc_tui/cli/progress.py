"""The progress of a long command: one bar on stderr when that is a terminal, and nothing at all when it is not."""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from rich.progress import Progress as Bar


class Progress:
    """Shows what ``progress`` objects of the engine say.

    ``read`` (bytes on disk, of all, records, rate), ``detection`` and ``analysis`` (events still to examine),
    ``archive`` (rows moved), ``train`` (share done) and ``scan`` (done, of how many) are known. What an object says
    passes ``safe`` before it reaches the terminal.
    """

    def __init__(self) -> None:
        self._bar: Bar | None = None
        self._task: Any = None
        self._step = ""
        self._most = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, progress: dict[str, Any]) -> None:
        """Show one object."""
        if not sys.stderr.isatty():
            return
        from soc_tui.core.text import safe

        bar = self._started()
        step = str(progress["step"])
        if step != self._step:
            self._step, self._most = step, 0
            bar.reset(self._task, description=step, total=None, what="")
        if step == "read":
            total, done = progress["total_bytes"], progress["bytes"]
            what = f"{progress['records']} records {progress.get('rate', 0):.0f}/s {_name(progress['path'])}"
            bar.update(self._task, total=max(total, 1), completed=min(done, total), what=safe(what))
        elif "of" in progress:
            bar.update(
                self._task, total=progress["of"] or None, completed=progress["done"], what=safe(progress["path"])
            )
        elif "share" in progress:
            bar.update(self._task, total=1.0, completed=progress["share"], what=safe(progress["path"]))
        elif "behind" in progress:
            self._most = max(self._most, progress["behind"])
            what = f"{progress['behind']} events to examine"
            bar.update(self._task, total=self._most, completed=self._most - progress["behind"], what=what)
        else:
            bar.update(self._task, what=safe(f"{progress['rows']} events moved, {_name(progress['path'])}"))

    def _started(self) -> Bar:
        if self._bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(
                TextColumn("{task.description:<9}", markup=False),
                BarColumn(bar_width=20),
                TaskProgressColumn(),
                TextColumn("{task.fields[what]}", markup=False),
                TimeRemainingColumn(compact=True),
                console=Console(stderr=True, highlight=False, markup=False),
                transient=True,  # the report that follows says it all
            )
            self._task = self._bar.add_task("", total=None, what="")
            self._bar.start()
        return self._bar


def _name(path: str) -> str:
    """The file's name, short enough for a line of 80 characters."""
    name = Path(path).name
    return name if len(name) <= 24 else f"{name[:10]}…{name[-13:]}"

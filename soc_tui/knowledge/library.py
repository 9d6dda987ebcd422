"""The knowledge database: the entries that ship, and a folder of the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from soc_tui.core.errors import KnowledgeError
from soc_tui.core.plain import LOADER
from soc_tui.knowledge.entry import Entry
from soc_tui.knowledge.linting import lint
from soc_tui.knowledge.matching import Match, match

SHIPPED = Path(__file__).parent / "entries"
"""The folder of entries in the package."""


class Library:
    """Entries to look up, search and match.

    Args:
        folder: the user's own entries (``*.yaml``); one with the id of a shipped entry replaces it. A folder that does
            not exist counts as empty.

    Raises:
        KnowledgeError: an entry does not lint; names file, line and how many problems there are.
    """

    def __init__(self, folder: Path | None = None) -> None:
        by_id = {entry.id: entry for entry in load(SHIPPED)}
        if folder is not None and folder.is_dir():
            by_id |= {entry.id: entry for entry in load(folder)}
        self._by_id = dict(sorted(by_id.items()))

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All entries in the order of their ids."""
        return tuple(self._by_id.values())

    def get(self, name: str) -> Entry:
        """The entry with this id or slug.

        Raises:
            KnowledgeError: there is none.
        """
        for entry in self.entries:
            if name.casefold() in {entry.id.casefold(), entry.slug}:
                return entry
        raise KnowledgeError(f"there is no entry {name!r}", remedy="see `soc-tui knowledge list`")

    def search(self, text: str) -> list[Entry]:
        """Entries that contain every word of ``text``: hits in the title first, then the most hits, then by id."""
        words = text.casefold().split()
        found: list[tuple[int, int, str, Entry]] = []
        for entry in self.entries:
            body, title = entry.text.casefold(), entry.title.casefold()
            if words and all(word in body for word in words):
                in_title = sum(word in title for word in words)
                found.append((-in_title, -sum(body.count(word) for word in words), entry.id, entry))
        return [item[3] for item in sorted(found, key=lambda item: item[:3])]

    def match(self, alert: Mapping[str, Any]) -> list[Match]:
        """The entries that speak about an alert, best first; see :func:`soc_tui.knowledge.matching.match`."""
        return match(alert, self.entries)


def load(folder: Path) -> tuple[Entry, ...]:
    """Every entry of a folder, in the order of the file names; parsed again only when a file changed.

    Raises:
        KnowledgeError: an entry does not lint.
    """
    files = sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])
    return _load(tuple((path, (stat := path.stat()).st_size, stat.st_mtime_ns) for path in files))


@lru_cache(maxsize=8)
def _load(files: tuple[tuple[Path, int, int], ...]) -> tuple[Entry, ...]:
    """The entries of ``files``, each with its size and modification time, which make the key of the cache."""
    paths = [path for path, _, _ in files]
    problems = lint(paths)
    if problems:
        first = problems[0]
        more = f" and {len(problems) - 1} more" if len(problems) > 1 else ""
        raise KnowledgeError(f"{first.message}{more}", source=first.file, line=first.line,
                             remedy="run `soc-tui knowledge lint` for all of them")  # fmt: skip
    texts = (path.read_text(encoding="utf-8") for path in paths)
    # a safe loader, and the linter has read the files before
    return tuple(Entry.from_data(yaml.load(t, LOADER), path) for t, path in zip(texts, paths, strict=True))  # noqa: S506

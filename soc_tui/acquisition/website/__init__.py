"""Website source trees: what lies in them, what of it changed, and the contents that page protection needs.

A tree is a source like a log, only that its records are changes seen in the file system instead of lines.
"""

from __future__ import annotations

from soc_tui.acquisition.website.changes import Change, changed, events_of, moved, summary_of, tree_event
from soc_tui.acquisition.website.inventory import (
    GONE,
    Entry,
    Limits,
    Scan,
    Seen,
    glimpsed,
    limits_of,
    look,
    readable,
    scan,
)
from soc_tui.acquisition.website.notices import Notice, TreeWatcher

__all__ = [
    "FORMAT",
    "GONE",
    "Change",
    "Entry",
    "Limits",
    "Notice",
    "Scan",
    "Seen",
    "TreeWatcher",
    "changed",
    "events_of",
    "glimpsed",
    "limits_of",
    "look",
    "moved",
    "readable",
    "scan",
    "summary_of",
    "tree_event",
]

FORMAT = "website-tree"
"""What ``sources.format`` holds for a tree. Its ``offset`` is the running number of the changes seen in it."""

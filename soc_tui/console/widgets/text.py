"""The one door from data to a widget.

A widget of ours shows nothing that did not pass :func:`content`, :func:`line` or :func:`cut`: control, bidi and
zero-width characters become visible marks (``core.text.safe``), and the result is a ``Content``, which Textual
draws literally. No string of ours reaches a renderer that reads markup: ``tests/console/test_text_door.py`` reads
the source of this room and fails on a call that could.
"""

from __future__ import annotations

import re
from datetime import datetime

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from soc_tui.console.widgets.glyphs import glyphs
from soc_tui.core.text import safe

MAX_VALUE = 4_000
"""Characters of one value that a pane shows; a 10 MB log line must not cost a second of wrapping."""


_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d")


def content(value: object, style: str = "", *, multiline: bool = False, limit: int = MAX_VALUE) -> Content:
    """One value, inert, in one style.

    Args:
        value: any data.
        style: a Textual style written by us, e.g. ``bold $text-error``; never data.
        multiline: keep line feeds.
        limit: the greatest length in characters.
    """
    return Content.styled(safe(value, multiline=multiline, limit=limit), style)


def joined(*parts: object | tuple[object, str] | Content) -> Content:
    """Values one after another: a value, a ``(value, style)`` pair or finished content each."""
    return Content.assemble(*(_part(part) for part in parts))


def lines(parts: list[Content]) -> Content:
    """Contents under one another."""
    return Content("\n").join(parts)


def hanging(first: Content, rest: Content, width: int) -> Content:
    """``rest`` after ``first``, wrapped to ``width`` cells with its further lines under its beginning."""
    indent = first.cell_length
    wrapped = rest.wrap(max(8, width - indent)) or [content("")]
    margin = content("\n" + " " * indent, multiline=True)
    return joined(first, margin.join(wrapped))


def cut(value: object, width: int) -> str:
    """A value as exactly ``width`` cells of one line, padded or cut with a mark (for line-API widgets)."""
    text = safe(value, limit=max(width, 1) * 2)
    if cell_len(text) > width:
        mark = glyphs().more
        return set_cell_size(text, width - 1) + mark if width > 1 else mark[:width]
    return set_cell_size(text, width)


def when(value: object, *, seconds: bool = True) -> str:
    """A time as ISO 8601 without the T, UTC; the empty string for none."""
    cells = 19 if seconds else 16
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")[:cells]
    text = safe(value, limit=40)
    return text[:cells].replace("T", " ") if _ISO.match(text) else text


def count(number: object) -> str:
    """A whole number with thousands separated; anything else as inert text."""
    return f"{number:,}" if isinstance(number, int) else safe(number, limit=20)


def size(number: object) -> str:
    """Bytes in a unit that reads well: ``1.2 MB``."""
    if not isinstance(number, int | float):
        return safe(number, limit=20)
    amount = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if abs(amount) < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def _part(part: object) -> Content:
    if isinstance(part, Content):
        return part
    if isinstance(part, tuple):
        value, style = part
        return content(value, str(style), multiline=value == "\n")
    return content(part, multiline=part == "\n")

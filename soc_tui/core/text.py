"""The one door from data to the screen.

Every byte of a log is chosen by somebody else. A terminal obeys control bytes, a markup renderer obeys brackets and a
reader's eye obeys bidirectional marks, so data passes :func:`safe` before any widget, table or file a person reads:
what could act becomes a visible mark (``^[`` for ESC as in caret notation, ``<U+202E>`` for a format character).
The result carries no control, C1, bidi, zero-width or surrogate character. It is still *data*: hand it to Textual
only inside ``Content``/``Text`` or with ``markup=False`` (escaping markup does not work, Textualize/textual#6155).
"""

from __future__ import annotations

import re
import unicodedata

MAX_COMBINING = 4
"""Combining marks kept per base character; a longer stack would paint over neighbouring rows."""

# Cc, Cf, Cs, Co, Zl and Zp cover C0, C1, bidi, zero-width, BOM, tags, surrogates, private use and line separators.
_ACTIVE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_PLAIN = re.compile(r"[ -~]*\Z")


def without_secret(url: str) -> str:
    """A URL, also a malformed one, without the account and password that may stand before its last ``@``."""
    scheme, mark, rest = url.strip().partition("://")
    return f"{scheme}{mark}{rest.rpartition('@')[2]}" if mark else scheme.rpartition("@")[2]


def _mark(char: str) -> str:
    code = ord(char)
    if code < 0x20:
        return "^" + chr(code + 0x40)
    if code == 0x7F:
        return "^?"
    if code <= 0xFF:
        return f"<{code:02X}>"
    return f"<U+{code:04X}>"


def safe(value: object, *, multiline: bool = False, limit: int = 0) -> str:
    r"""Text that a terminal shows and never obeys.

    Args:
        value: any data; ``None`` becomes the empty string, bytes are decoded with ``\\xNN`` for what is not UTF-8.
        multiline: keep line feeds and turn tabs into spaces; otherwise both become visible marks, so one value can
            never draw a second row.
        limit: the greatest length of the result in characters, 0 for none; a cut ends in ``…``.

    Returns:
        Printable text without control, format, surrogate or private-use characters.
    """
    if value is None:
        return ""
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes | bytearray) else str(value)
    if limit and len(text) > 4 * limit:
        text = text[: 4 * limit]  # bound the work before looking at characters; the cut below still shows
    if not _PLAIN.match(text):
        text = _mark_active(text, multiline)
    if limit and len(text) > limit:
        return text[: max(limit - 1, 0)] + "…"
    return text


def _mark_active(text: str, multiline: bool) -> str:
    out: list[str] = []
    combining = 0
    for char in text:
        if multiline and char == "\n":
            out.append(char)
            continue
        if multiline and char == "\t":
            out.append("    ")
            continue
        category = unicodedata.category(char)
        if category in {"Mn", "Me"}:
            combining += 1
            if combining > MAX_COMBINING:
                out.append(_mark(char))
                continue
        else:
            combining = 0
        out.append(_mark(char) if category in _ACTIVE_CATEGORIES else char)
    return "".join(out)

"""The same value as another client, tool or attacker would send it: encoded, respaced, requoted, carried by other text.

Everything here keeps the verdict: a benign value stays benign in any encoding, an attack stays one behind a name, in a
JSON string or with comments for blanks. It serves training only.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import numpy as np

Rng = np.random.Generator

_BLANKS = ("/**/", "\t", "\n", "  ", "+", "/*!*/", "\x0b", "\r\n", "\x0c", "\xa0", "(", "/*x*/")
_SQL = re.compile(
    r"\b(select|union|from|where|and|or|insert|update|delete|drop|sleep|having|group|order|limit)\b", re.I
)
_SHELL = re.compile(r"\b(cat|ls|id|whoami|ping|wget|curl|uname|sleep|echo|nc|bash|passwd|etc)\b")
_SYMBOLS = re.compile(r"[^A-Za-z0-9]")
_CARRIERS = (
    "{b}{v}", "{v}{b}", "{b} {v}", "{v} {b}", "{b}{v}{b}", "{b}={v}", "{b}={v}&{b}={b}", "{b}={b}&{b}={v}",
    "{b}={b}; {b}={v}", "{b}={v}; {b}={b}", '"{v}"', "'{v}'", "{v}/", "/{b}/{v}", "/{b}/{v}/{b}", "{b}:{v}", "[{v}]",
    "({v})", "{v},{b}", "{b},{v}",
    "<{b}>{v}</{b}>", "{b}\n{v}", "{v}\n{b}", "http://{b}.example/?{b}={v}", "https://{b}.example/{b}?{b}={b}&{b}={v}",
    "Mozilla/5.0 (X11; Linux x86_64) {v}", "Mozilla/5.0 {v}", "{b}/1.0 ({v})", "{b}[{b}]={v}", "{v}|{b}", "{b}.{v}",
    "{b}-{v}",
)  # fmt: skip


def disguised(value: str, carriers: list[str], rng: Rng) -> str:
    """An attack once more, changed in one to three ways.

    Args:
        value: as a person typed it.
        carriers: short benign texts to put around it.
        rng: decides everything.
    """
    text = value
    if rng.random() < 0.35:
        text = (_respaced, _commented, _quoted, _renumbered)[int(rng.integers(4))](text, rng)
    how = rng.random()
    if how < 0.4:
        text = carried(text, carriers, rng)
    elif how < 0.48:
        text = _in_json(text, carriers, rng)
    return sent(text, rng)


def carried(value: str, carriers: list[str], rng: Rng) -> str:
    """A value with benign text around it."""
    frame = _CARRIERS[int(rng.integers(len(_CARRIERS)))]
    most = 40 if rng.random() < 0.6 else 160  # a name beside it, or a whole text around it
    for _ in range(frame.count("{b}")):
        frame = frame.replace("{b}", carriers[int(rng.integers(len(carriers)))][:most].replace("{", "("), 1)
    return frame.replace("{v}", value)


def _in_json(value: str, carriers: list[str], rng: Rng) -> str:
    other = carriers[int(rng.integers(len(carriers)))][:30]
    held = {other: value} if rng.random() < 0.5 else {"id": int(rng.integers(1000)), other: value, "name": other}
    return json.dumps(held, ensure_ascii=rng.random() < 0.5)


def _respaced(value: str, rng: Rng) -> str:
    blank = _BLANKS[int(rng.integers(len(_BLANKS)))]
    if blank == "(":
        return re.sub(r" (\w+)", r"(\1)", value)
    return value.replace(" ", blank)


def _commented(value: str, rng: Rng) -> str:
    """Inline comments in SQL words, empty quotes and backslashes in shell words."""
    if _SQL.search(value):
        form = ("/*!{}*/", "/*!50000{}*/", "{}/**/", "/**/{}", "{}%0a", "/*{}*/{}")[int(rng.integers(6))]
        return _SQL.sub(lambda m: form.replace("{}", m[0]), value)
    cut = ("''", '""', "\\", "$@", "${x}", "^")[int(rng.integers(6))]
    return _SHELL.sub(lambda m: m[0][:1] + cut + m[0][1:], value)


def _quoted(value: str, rng: Rng) -> str:
    """Other quotes: ``'`` and ``"`` change places, or backticks or nothing stands for them."""
    how = rng.random()
    if how < 0.5:
        return value.translate(str.maketrans("'\"", "\"'"))
    return value.replace('"', "`") if how < 0.75 else value.replace("'", "\\'")


def _renumbered(value: str, rng: Rng) -> str:
    """Other numbers, and other comparisons in SQL."""
    out = re.sub(r"\d+", lambda m: str(int(rng.integers(10 ** min(len(m[0]), 9)))), value)
    equal = ("=", " like ", " = ", "<>", " regexp ", "=")[int(rng.integers(6))]
    return out.replace("=", equal) if _SQL.search(out) else out


def sent(value: str, rng: Rng) -> str:
    """A value as some client would send it: mostly as it is or percent-encoded, sometimes in a rarer form."""
    how = rng.random()
    clean = value.encode("utf-8", "replace").decode("utf-8")
    if how < 0.4:
        return clean
    if how < 0.65:
        return quote_plus(clean)
    if how < 0.8:
        return quote(clean, safe="" if how < 0.75 else "/:,;()'!*")
    if how < 0.86:
        return quote(quote(clean, safe=""), safe="")
    return _RARE[int(rng.integers(len(_RARE)))](clean)


def attack_only(value: str, rng: Rng) -> str:
    """A form that nobody needs for anything honest: overlong UTF-8, ``%u00XX``, UTF-7."""
    form = (_overlong, _percent_u, _percent_u, _overlong, _utf7)[int(rng.integers(5))]
    return _SYMBOLS.sub(lambda m: form(m[0]) if m[0].isascii() else m[0], value)


def _overlong(char: str) -> str:
    code = ord(char)
    return f"%c{code >> 6:x}%{0x80 | (code & 0x3F):02x}"


def _percent_u(char: str) -> str:
    return f"%u{ord(char):04x}"


def _utf7(char: str) -> str:
    return f"+{base64.b64encode(char.encode('utf-16-be')).decode().rstrip('=')}-"


def _entities(value: str) -> str:
    return _SYMBOLS.sub(lambda m: f"&#{ord(m[0])};" if m[0] not in " ./-_" else m[0], value)


def _hex_entities(value: str) -> str:
    return _SYMBOLS.sub(lambda m: f"&#x{ord(m[0]):x};" if m[0] not in " ./-_" else m[0], value)


def _named(value: str) -> str:
    for char, name in (("&", "amp"), ("<", "lt"), (">", "gt"), ('"', "quot"), ("'", "#39")):
        value = value.replace(char, f"&{name};")
    return value


def _escaped(value: str) -> str:
    return _SYMBOLS.sub(lambda m: f"\\u{ord(m[0]):04x}" if m[0] not in " ./-_" and ord(m[0]) < 0x10000 else m[0], value)


def _hex_escaped(value: str) -> str:
    return _SYMBOLS.sub(lambda m: f"\\x{ord(m[0]):02x}" if m[0].isascii() and m[0] not in " ./-_" else m[0], value)


def _base64(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


def _all_percent(value: str) -> str:
    return "".join(f"%{byte:02x}" for byte in value.encode())


def _slashed(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'").replace('"', '\\"')


_RARE: tuple[Callable[[str], str], ...] = (
    _entities, _hex_entities, _named, _escaped, _hex_escaped, _base64, _base64, _all_percent, _slashed, str.upper,
)  # fmt: skip
"""Forms that honest programs send as well: JSON and HTML escapes, base64, everything percent-encoded."""

r"""One text as the last interpreter behind a web server may see it: every common disguise taken off.

An attacker writes ``<`` as ``%3C``, ``%253C``, ``%u003c``, ``&lt;``, ``&#x3c;``, ``\x3c``, ``\u003c``, ``＜``, as the
overlong UTF-8 ``%c0%bc``, in UTF-7 ``+ADw-`` or inside base64. A server, a framework, a browser or a careless
application undoes each of them somewhere, so the network judges the text without them and gets a mark of what was
undone: nobody needs an overlong ``.`` for anything honest.

Sources: RFC 3986 (percent), RFC 3629 section 10 (overlong UTF-8), IIS ``%uXXXX``, HTML character references, ECMAScript
escapes, RFC 2152 (UTF-7), RFC 4648 (base64), UAX 15 (compatibility forms).
"""

from __future__ import annotations

import base64
import html
import re
import unicodedata
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

ROUNDS = 4
"""Percent-decodings at most: ``%%32%65`` needs two, a double-encoded one of these four."""
LONGEST = 64 * 1024
"""Characters of a value that are read; web servers accept 8 KiB as a request line."""


class Decoded(NamedTuple):
    """A text without its disguises."""

    text: str
    depth: int
    """Rounds of decoding that changed something, 2 for two and more."""
    odd: bool
    """A form was undone that only attackers write: overlong UTF-8, ``%u`` for ASCII, UTF-7."""
    embedded: bool
    """Base64 of printable text was opened."""


SHORTEST = 12
"""Characters that base64 has at least; shorter runs are words."""

_UTF7 = re.compile(r"\+(A[A-H][A-Za-z0-9+/]{1,14})-")
_PERCENT_U = re.compile(r"%[uU]([0-9a-fA-F]{4})")
_OVERLONG = re.compile(
    rb"[\xc0\xc1][\x80-\xff./\\<\x27\x22]|\xe0[\x80-\x9f][\x80-\xbf]|\xf0[\x80-\x8f][\x80-\xbf]{2}|\xf8[\x80-\x87][\x80-\xbf]{3}"
    rb"|\xfc[\x80-\x83][\x80-\xbf]{4}"
)
_ENTITY = re.compile(
    r"&(?:#[xX]0*[0-9a-fA-F]{1,6};?|#0*[0-9]{1,7};?|[A-Za-z]{2,16};|(?:lt|gt|quot|amp|LT|GT|QUOT|AMP)(?![A-Za-z=]))"
)
_BACKSLASH = re.compile(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})|\\u\{0*([0-9a-fA-F]{1,5})\}")
_BASE64 = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/_-]{12,}={0,2}(?![\w+/=-])")
_RUN = re.compile(r"(.)\1{4,}", re.DOTALL)
"""Rulers, padding and kilobytes of ``A`` say no more than four of their kind do."""
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")
_LOOK_ALIKE = str.maketrans({"ʼ": "'", "′": "'", "∕": "/", "⁄": "/", "∖": "\\", "․": ".", "‹": "<", "›": ">"})


def decode(value: str) -> Decoded:
    """The value, at most ``LONGEST`` characters of it, without its disguises; never fails.

    A ``+`` means a space wherever form encoding is possible, that is, before everything else.
    """
    text, depth, odd, embedded = value[:LONGEST], 0, False, False
    if not text.isascii():  # lone surrogates of any kind become undecoded bytes
        text = text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")
    if "+" in text and len(text) >= SHORTEST and _BASE64.fullmatch(text):  # its + is no space
        text, count = _open_base64(text)
        embedded = count > 0
    if "+" in text:
        opened = _UTF7.sub(_from_utf7, text) if "+A" in text else text
        odd, text = opened != text, opened.replace("+", " ")
    while depth < ROUNDS and "%" in text:
        before = text
        if "%u" in text or "%U" in text:
            text = _PERCENT_U.sub(lambda m: chr(int(m[1], 16)), text)
            odd = odd or (text != before and re.search(r"%[uU]00[0-7]", before) is not None)
            text = text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")
        raw = unquote_to_bytes(text.encode("utf-8", "surrogateescape"))
        if not raw.isascii() and (b"\xc0" in raw or b"\xc1" in raw or _OVERLONG.search(raw)):
            raw, count = _OVERLONG.subn(_overlong, raw)
            odd = odd or count > 0
        text = raw.decode("utf-8", "surrogateescape")
        if text == before:
            break
        depth += 1
    if "&" in text or "\\" in text:
        before = text
        text = _ENTITY.sub(lambda m: html.unescape(m[0]), text) if "&" in text else text
        text = _BACKSLASH.sub(_from_backslash, text) if "\\" in text else text
        if text != before:
            depth += 1
            text = text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")
            if "%" in before and "%" in text:
                text = unquote_to_bytes(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")
    if len(text) >= SHORTEST:
        text, count = _open_base64(text)
        embedded = embedded or count > 0
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).translate(_LOOK_ALIKE)
    return Decoded(_RUN.sub(r"\1\1\1\1", text), min(depth, 2), odd, embedded)


def _from_utf7(found: re.Match[str]) -> str:
    try:
        text = base64.b64decode(found[1] + "=" * (-len(found[1]) % 4)).decode("utf-16-be")
    except ValueError:
        return found[0]
    return text if text and text.isascii() and text.isprintable() else found[0]


def _overlong(found: re.Match[bytes]) -> bytes:
    raw = found[0]
    if raw[0] in {0xC0, 0xC1}:
        if raw[1] < 0x80:
            return raw[1:]  # no continuation byte: lenient decoders drop the lead
        return bytes([((raw[0] & 1) << 6) | (raw[1] & 0x3F)])
    code = 0
    for byte in raw[1:]:
        code = code << 6 | (byte & 0x3F)
    return chr(code).encode("utf-8", "surrogatepass")


def _from_backslash(found: re.Match[str]) -> str:
    return chr(int(found[1] or found[2] or found[3], 16))


def _open_base64(text: str) -> tuple[str, int]:
    opened = 0

    def replaced(found: re.Match[str]) -> str:
        nonlocal opened
        run = found[0].rstrip("=")
        if opened >= 4 or len(run) % 4 == 1:
            return found[0]
        raw = base64.b64decode(run.replace("-", "+").replace("_", "/") + "=" * (-len(run) % 4))
        if len(raw) >= 8 and raw[1:2] == b"\0" and not any(raw[1::2]):
            raw = raw[::2]  # UTF-16, as PowerShell wants it
        if any(byte > 0x7E or (byte < 0x20 and byte not in b"\t\r\n") for byte in raw[:64]) or not raw.isascii():
            return found[0]
        opened += 1
        return raw.decode("ascii")

    return _BASE64.sub(replaced, text), opened

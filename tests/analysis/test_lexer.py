"""The lexer gives what the published pattern gives, and reads hostile text in one pass."""

from __future__ import annotations

import collections
import math
import random
import re
import zlib

import pytest

from soc_tui.analysis.encoding import lexer

REFERENCE = re.compile(
    r"""(?P<c>/\*.*?\*/|//[^\n]*|<!--.*?-->)|(?P<s>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`)"""
    r"""|(?P<i>\$?[A-Za-z_\x80-\uffff][A-Za-z0-9_\x80-\uffff]*)|(?P<n>0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?)"""
    r"""|(?P<o><\?php|<\?=|<\?|\?>|<%@|<%!|<%=|<%|%>|->|=>|::|\+\+|--|&&|\|\||[=!<>]=+|<<|>>|[^\s])""",
    re.S,
)
"""As published with the token sequences (malcode/LEXER.txt)."""

BITS = [
    "/*", "*/", "//", "\n", "<!--", "-->", '"', "'", "`", "\\", "a", "$x", "1", "0x1f", "1.5", "<?php", "<%", "=>", "==",
    "!", " ", "é", "\U0001f600", "\ud800", "_long" * 12, "x" * 40, 'ab"cd', 'é"', "y" * 33, "<%@", "-", "<",
]  # fmt: skip


def reference(text: str) -> list[int]:
    out = []
    for match in REFERENCE.finditer(text[:400_000]):
        kind, value = match.lastgroup, match.group()
        if kind == "c":
            name = "<cmt>"
        elif kind == "n":
            name = "<num>"
        elif kind == "s":
            body = value[1:-1]
            name = f'"{body.lower()}"'
            if len(body) > 32:
                part = collections.Counter(body[:4096])
                size = len(body[:4096])
                entropy = -sum(n / size * math.log2(n / size) for n in part.values())
                name = f"<str:{min(20, int(math.log2(len(body))))}:{int(entropy)}>"
        elif kind == "i":
            name = value.lower() if len(value) <= 40 else "<longid>"
        else:
            name = value
        out.append(zlib.crc32(name.encode("utf-8", "surrogatepass")) % 65536)
    return out


def test_it_agrees_with_the_published_pattern_on_any_mixture() -> None:
    rng = random.Random(1)
    for _ in range(3000):
        text = "".join(rng.choice(BITS) for _ in range(rng.randint(0, 60)))
        assert list(lexer.lex(text).ids) == reference(text), repr(text)


def test_places_are_those_of_the_tokens() -> None:
    tokens = lexer.lex("<?php  eval( $_POST['x'] );")
    shown = ["<?php  eval( $_POST['x'] );"[a:b] for a, b in zip(tokens.start, tokens.end, strict=True)]
    assert shown == ["<?php", "eval", "(", "$_POST", "[", "'x'", "]", ")", ";"]


@pytest.mark.parametrize(
    ("piece", "count"),
    [("/*", 166_672), ("/* ", 333_333), ('"a\\', 500_000), ("`\\", 500_000), ("<!--", 375_000), ("'\\'", None),
     ("\"'`\\", None), (" ", 0), ("a", 2), ("\U0001f600", 500_000), ('"' + "a" * 40 + '" ', None)],
)  # fmt: skip
def test_a_megabyte_of_openings_without_ends_is_read(piece: str, count: int | None) -> None:
    tokens = lexer.lex(piece * (1_000_000 // len(piece) + 1))
    assert len(tokens.ids) == len(tokens.start) == len(tokens.end)
    assert list(tokens.start) == sorted(tokens.start)
    if count is not None:
        assert len(tokens.ids) == pytest.approx(count, rel=0.02)


def test_the_tail_of_a_very_long_text_is_read_too() -> None:
    tokens = lexer.lex(" " * 1_000_000 + "eval")
    assert [(tokens.start[0], tokens.end[0])] == [(1_000_000, 1_000_004)]
    assert list(tokens.ids) == [zlib.crc32(b"eval") % 65536]


def test_bytes_are_text_by_their_byte_order_mark() -> None:
    assert lexer.decode("\ufeffа=1".encode("utf-16-le")) == "а=1"
    assert lexer.decode(b"a\xffb") == "a�b"
    assert lexer.decode(b"\xff\xfea") == "�"

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.analysis.encoding.decoding import LONGEST, decode


@pytest.mark.parametrize(
    ("sent", "text", "depth"),
    [
        ("plain", "plain", 0),
        ("a+b", "a b", 0),
        ("%27%20or%201%3D1", "' or 1=1", 1),
        ("%2527", "'", 2),
        ("%25252527", "'", 2),
        ("%2525252527", "%27", 2),
        ("%%32%65%%32%65/", "../", 2),
        ("100%", "100%", 0),
        ("caf%C3%A9", "café", 1),
        ("＜script＞", "<script>", 0),
        ("%EF%BC%9Cscript", "<script", 1),
        ("&lt;b&gt; &amp; &#x27;&#39", "<b> & ''", 1),
        ("a=1&copy=2&lt=3", "a=1&copy=2&lt=3", 0),
        (r"\x3cscript\u003e\u{28}", "<script>(", 1),
        ("un%e2%80%8bion", "union", 1),
        (r"C:\xampp\users", r"C:\xampp\users", 0),
        ("", "", 0),
    ],
)
def test_honest_forms_are_undone_and_counted(sent: str, text: str, depth: int) -> None:
    assert decode(sent) == (text, depth, False, False)


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ("%c0%ae%c0%ae%c0%af", "../"),
        ("%e0%80%ae%c1%9c", ".\\"),
        ("%f0%80%80%ae%f8%80%80%80%af", "./"),
        ("%25c0%25af", "/"),
        ("%c0%2e", "."),
        ("%u003cscript%U003E", "<script>"),
        ("+ADw-script+AD4-", "<script>"),
    ],
)
def test_forms_of_attackers_are_undone_and_marked(sent: str, text: str) -> None:
    assert decode(sent)[::2] == (text, True)


@pytest.mark.parametrize("sent", ["%C1lava", "%E1rbol", "%u4e2d%u6587", "+AD minus-sign", "a+Ad-b", "caf\u00e9"])
def test_other_alphabets_are_not_marked(sent: str) -> None:
    assert decode(sent).odd is False


def test_base64_of_text_is_opened_and_of_bytes_is_not() -> None:
    text = "<script>alert(1)</script>"
    plain = base64.b64encode(text.encode()).decode()
    wide = base64.b64encode("cat /etc/passwd".encode("utf-16-le")).decode()
    assert decode(plain) == (text, 0, False, True)
    assert decode(f"data:text/html;base64,{plain}").text == f"data:text/html;base64,{text}"
    assert decode(f"powershell -enc {wide}").text == "powershell -enc cat /etc/passwd"
    assert decode("Pj4+Pj4+Pj4+").text == ">>>>"
    for token in (
        bytes(range(150, 200)).hex(),
        base64.b64encode(b"\x99" * 20).decode(),
        "/images/products/thumbnail",
        "word" * 4,
    ):
        assert decode(token) == (token, 0, False, False)


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(), max_size=200))
def test_any_text_is_decoded(value: str) -> None:
    found = decode(value)
    assert 0 <= found.depth <= 2
    assert decode(value) == found


def test_a_long_value_is_read_to_its_limit() -> None:
    assert len(decode("ab" * LONGEST).text) == LONGEST
    assert decode("=" * 5000 + "aaa").text == "====aaa"

"""BSON: what goes out comes back, and no bytes do more than raise."""

from __future__ import annotations

import contextlib
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soc_tui.detection.database.bson import decode, encode
from soc_tui.detection.database.channel import ChannelError
from tests.detection.database.fakes import bson

_NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
_DOCUMENTS = st.recursive(
    st.dictionaries(_NAMES, st.one_of(st.text(max_size=9), st.binary(max_size=9), st.booleans(), st.integers(-(2**31), 2**31 - 1))),
    lambda inner: st.dictionaries(_NAMES, inner, max_size=3), max_leaves=6,
)  # fmt: skip


@given(_DOCUMENTS)
def test_what_goes_out_comes_back(document: dict[str, Any]) -> None:
    assert decode(encode(document)) == document


@given(st.binary(max_size=120), st.integers(0, 130))
def test_garbage_raises_and_nothing_else(data: bytes, length: int) -> None:
    with contextlib.suppress(ChannelError):
        decode(struct.pack("<i", length) + data)


def test_lists_doubles_and_the_types_nobody_asks_for() -> None:
    assert decode(bson({"a": [1, "x", {"b": 2.5}]})) == {"a": [1, "x", {"b": 2.5}]}
    body = b"\x07i\0" + bytes(12) + b"\x12n\0" + struct.pack("<q", 2**40) + b"\x0az\0\x09d\0" + bytes(8)
    assert decode(struct.pack("<i", len(body) + 5) + body + b"\0") == {
        "i": "00" * 12,
        "n": 2**40,
        "z": None,
        "d": "00" * 8,
    }


@pytest.mark.parametrize("depth", [25, 5000])
def test_depth_is_bounded(depth: int) -> None:
    data = b"\x05\0\0\0\0"
    for _ in range(depth):
        data = struct.pack("<i", len(data) + 8) + b"\x03a\0" + data + b"\0"
    with pytest.raises(ChannelError, match="beyond its bounds"):
        decode(data)


def test_work_is_linear_in_the_bytes() -> None:
    """A message at the limit made of the smallest elements: quadratic work would take hours."""
    body = b"\x0aa\0" * 349_000
    assert decode(struct.pack("<i", len(body) + 5) + body + b"\0") == {"a": None}

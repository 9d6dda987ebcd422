"""For each format with records of its own kind: any split of the bytes gives the same rows, and no mutation breaks it."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.fuzz import one
from benchmarks.samples import samples, seeds
from soc_tui.acquisition.formats import FORMATS, recognise
from tests.acquisition.conftest import Result, read_all

FEW = settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
WRITTEN = 1_795_000_000


@cache
def block(name: str) -> bytes:
    """A few records of a format, with their header."""
    sample = samples()[name]
    return sample.head + b"".join(sample.records[:6])


def read(path: Path, data: bytes, name: str, states: list[Any], *, final: bool) -> Result:
    path.write_bytes(data)
    os.utime(path, (WRITTEN, WRITTEN))  # the time of records that tell none
    return read_all(path, states, final=final, as_format=name)


def test_there_are_samples_of_every_format_and_each_is_recognised() -> None:
    assert {name: recognise(block(name)).name for name in FORMATS} == {name: name for name in FORMATS}


@pytest.mark.parametrize("name", FORMATS)
@FEW
@given(share=st.floats(0.01, 0.99))
def test_any_split_of_the_bytes_gives_the_same_rows(tmp_path: Path, name: str, share: float) -> None:
    data = block(name)
    whole = read(tmp_path / "whole", data, name, [], final=True)
    assert len(whole.events) >= 2
    at = int(share * len(data))
    first = read(tmp_path / "grown", data[:at], name, [], final=False)
    rest = read(tmp_path / "grown", data, name, [replace(first.state, source_id=1)], final=True)
    assert first.events + rest.events == whole.events
    assert first.rejects + rest.rejects == whole.rejects
    assert rest.state.records_read == whole.state.records_read


@pytest.mark.parametrize("name", FORMATS)
@FEW
@given(data=st.data())
def test_mutated_records_break_no_promise(name: str, data: st.DataObject) -> None:
    """The promises are those of the campaign: rows out = rows in, each in its place, no hang."""
    raw = bytearray(data.draw(st.sampled_from(seeds(name)))[:4000])
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(raw)))
        cut = data.draw(st.integers(0, 30))
        raw[at : at + cut] = data.draw(
            st.one_of(st.binary(max_size=8), st.sampled_from([b"\n", b'"', b"\\", b"{", b"\x00"]))
        )
    one(name, bytes(raw), {"executions": 0, "records": 0, "slowest": 0.0, "fallen": 0})

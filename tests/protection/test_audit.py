"""Whatever is done to the past, the chain shows it."""

from __future__ import annotations

import dataclasses
import hashlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.protection.audit import GENESIS, AuditRecord, canonical, record, verify

START = datetime(2026, 1, 2, 3, 4, 5, 123456)


def chain(count: int, words: tuple[str, ...] = ("block-ip", "undo")) -> list[AuditRecord]:
    records: list[AuditRecord] = []
    head = GENESIS
    for seq in range(1, count + 1):
        word = words[seq % len(words)]
        one = record(
            head, seq, START + timedelta(seconds=seq), "ana", word, subject=f"A{seq}", detail={"n": seq, "a": word}
        )
        records.append(one)
        head = one.hash
    return records


def test_the_hash_is_sha256_of_the_head_and_canonical_json() -> None:
    one = record(GENESIS, 1, START, "ana", "block-ip", subject="A1", detail={"b": 1, "a": "é"})
    body = (
        '{"actor":"ana","detail":"{\\"a\\":\\"\\\\u00e9\\",\\"b\\":1}","seq":1,"subject":"A1",'
        '"time":"2026-01-02T03:04:05.123456","verb":"block-ip"}'
    )
    assert one.detail == '{"a":"\\u00e9","b":1}'
    assert one.hash == hashlib.sha256((GENESIS + body).encode()).hexdigest()


def test_a_zone_is_turned_into_utc() -> None:
    local = START.replace(tzinfo=UTC).astimezone(timezone(timedelta(hours=9)))
    assert record(GENESIS, 1, local, "a", "v", subject="s", detail="") == record(
        GENESIS, 1, START, "a", "v", subject="s", detail=""
    )


def test_nan_has_no_canonical_form() -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical({"x": float("nan")})


def test_an_untouched_chain_verifies_from_records_and_from_rows() -> None:
    records = chain(20)
    for rows in (records, [one.as_dict() for one in records]):
        report = verify(iter(rows), expected_head=records[-1].hash)
        assert (report.ok, report.count, report.first_bad_seq, report.head) == (True, 20, None, records[-1].hash)
    assert verify([]).head == GENESIS
    part = verify(records[10:], prev_hash=records[9].hash, first_seq=11)
    assert (part.ok, part.count) == (True, 10)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_one_flipped_bit_anywhere_is_found(data: st.DataObject) -> None:
    records = chain(6, ("bløck", "undo", "plan"))
    index = data.draw(st.integers(0, 5))
    name = data.draw(st.sampled_from([f.name for f in dataclasses.fields(AuditRecord)]))
    row = records[index].as_dict()
    if name == "seq":
        row[name] ^= 1 << data.draw(st.integers(0, 40))
    elif name == "time":
        row[name] += timedelta(microseconds=1 << data.draw(st.integers(0, 40)))
    else:
        raw = bytearray(row[name].encode())
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        row[name] = raw.decode("utf-8", "surrogateescape")
    rows = [one.as_dict() for one in records]
    rows[index] = row
    report = verify(rows)
    assert not report.ok
    assert report.first_bad_seq == index + 1
    assert report.count == index
    assert report.reason


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 12), st.data())
def test_dropping_reordering_inserting_and_cutting_are_found(count: int, data: st.DataObject) -> None:
    records = chain(count)
    head = records[-1].hash
    victim = data.draw(st.integers(0, count - 1))
    dropped = records[:victim] + records[victim + 1 :]
    assert not verify(dropped, expected_head=head).ok
    assert verify(dropped).first_bad_seq == (victim + 1 if victim < count - 1 else None)
    repeated = [*records[: victim + 1], *records[victim:]]
    assert verify(repeated).first_bad_seq == victim + 2
    cut = verify(records[:victim], expected_head=head)
    assert (cut.ok, cut.count, cut.first_bad_seq) == (False, victim, victim + 1)
    shuffled = data.draw(st.permutations(records))
    assert verify(shuffled, expected_head=head).ok == (shuffled == records)


def test_a_forged_record_with_a_right_hash_breaks_the_next_one() -> None:
    records = chain(3)
    forged = record(GENESIS, 1, START, "mallory", "block-ip", subject="A1", detail="")
    assert verify([forged, *records[1:]]).first_bad_seq == 2


@pytest.mark.parametrize("change", [{"time": None}, {"actor": None}, {"detail": 7}, {"hash": None}])
def test_wrong_types_are_a_broken_chain_not_a_crash(change: dict[str, object]) -> None:
    assert verify([chain(1)[0].as_dict() | change]).first_bad_seq == 1


def test_a_missing_column_is_named() -> None:
    row = chain(1)[0].as_dict()
    del row["actor"]
    assert verify([row]).reason == "column 'actor' is missing"

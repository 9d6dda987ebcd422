import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from soc_tui.analysis.corpora import flow as captures
from soc_tui.analysis.encoding import flow
from soc_tui.analysis.experiments import tables
from soc_tui.core.errors import SourceError, UsageError


def test_nsl_kdd_is_the_official_split(shared_data: Path) -> None:
    data = tables.load("nsl-kdd", shared_data)
    assert {name: len(part) for name, part in data.tests.items()} == {"KDDTest+": 22544, "KDDTest-21": 11850}
    assert (len(data.train), int(data.train.risky.sum())) == (125973, 58630)
    test = data.tests["KDDTest+"]
    assert np.bincount(test.labels).tolist() == [9711, 7460, 2421, 2885, 67]  # normal, dos, probe, r2l, u2r
    assert int((test.risky & ~np.isin(test.kinds, data.train.kinds)).sum()) == 3750
    assert data.train.rows.shape == (125973, 122)  # 38 numbers and 3 + 70 + 11 values
    assert sum(c.width for c in data.columns) == 122
    assert not any("difficulty" in c.name or "attack" in c.name for c in data.columns)


def test_unsw_rows_do_not_repeat_between_train_and_test(shared_data: Path) -> None:
    data = tables.load("unsw-nb15", shared_data)
    test = data.tests["test 30%"]
    assert len(data.train) + len(test) == 82332 - 26387
    share = [len(p.labels[p.labels == c]) for c in range(10) for p in (test,)]
    whole = [int((data.train.labels == c).sum()) + s for c, s in enumerate(share)]
    assert all(abs(s - 0.3 * w) <= 0.5 for s, w in zip(share, whole, strict=True))
    again = tables.load("unsw-nb15", shared_data)
    assert np.array_equal(again.tests["test 30%"].rows, test.rows)


def test_categories_come_from_training_rows_only_and_hostile_numbers_count_as_zero() -> None:
    groups = {"a": "n word", "b": "m"}
    train = pa.table({"n": [1.0, 2.0], "word": ["x", "y"], "m": [0, 1]})
    columns = tables.columns_of(train, groups)
    assert [(c.name, c.group, c.start, c.values) for c in columns] == [
        ("n", "a", 0, ()), ("word", "a", 1, ("x", "y")), ("m", "b", 3, ()),
    ]  # fmt: skip
    strange = pa.table({"n": [float("nan"), float("inf")], "word": ["never seen", None], "m": [5, None]})
    rows = tables.rows_of(strange, columns)
    assert rows.tolist() == [[0, 0, 0, 5], [0, 0, 0, 0]]


def test_stratified_takes_of_each_kind_but_never_all() -> None:
    kinds = np.array(["a"] * 10 + ["b"] * 2 + ["c"])
    held = tables.stratified(kinds, 0.5, 3)
    assert [int(held[kinds == k].sum()) for k in "abc"] == [5, 1, 0]
    assert np.array_equal(held, tables.stratified(kinds, 0.5, 3))
    assert not np.array_equal(held, tables.stratified(kinds, 0.5, 4))


def test_an_unknown_attack_type_is_refused_not_counted_as_benign(tmp_path: Path) -> None:
    folder = tmp_path / "flows" / "NSL-KDD"
    folder.mkdir(parents=True)
    row = ",".join(["0", "tcp", "http", "SF", *["0"] * 37, "zeroday", "21"])
    (folder / "KDDTrain+.txt.gz").write_bytes(gzip.compress(row.encode()))
    for name in ("KDDTest+", "KDDTest-21"):
        (folder / f"{name}.txt.gz").write_bytes(gzip.compress(row.encode()))
    with pytest.raises(SourceError, match="zeroday"):
        tables.load("nsl-kdd", tmp_path)


def test_missing_damaged_or_unnamed_data_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="kdd99"):
        tables.load("kdd99", tmp_path)
    with pytest.raises(SourceError, match="cannot be read"):
        tables.load("nsl-kdd", tmp_path)
    folder = tmp_path / "flows" / "UNSW-NB15-82k"
    folder.mkdir(parents=True)
    (folder / "UNSW_NB15_training-set.csv.gz").write_bytes(b"no gzip")
    with pytest.raises(SourceError, match="cannot be read"):
        tables.load("unsw-nb15", tmp_path)


def test_zeek_captures_are_split_by_capture_and_lose_no_number(shared_data: Path) -> None:
    data = tables.load("zeek", shared_data)
    named = [*tables.ZEEK_TRAIN, *tables.ZEEK_VALIDATION, *(n for names in tables.ZEEK_TESTS.values() for n in names)]
    assert len(named) == len(set(named))
    assert {name: (len(p), int(p.risky.sum())) for name, p in data.tests.items()} == {
        "011, same laboratory": (8722, 3951),
        "exposed-3 and domain-2, another day": (27965, 25629),
        "zeroaccess and zat, networks never seen": (388, 207),
    }
    assert data.validation is not None
    assert set(np.unique(data.train.kinds)) == {"attack", "benign", "c2", "scan"}
    slots = sum(len(slots) for slots in flow.GROUPS.values())
    assert data.train.rows.shape[1] == len(data.columns) == slots
    assert [c.name for c in data.columns if c.group == "state"] == [
        f"conn_state ({made})" for _, made in flow.GROUPS["state"]
    ]
    refused = next(c.start for c in data.columns if c.name == "conn_state (refused)")
    test = data.tests["exposed-3 and domain-2, another day"]
    whole = captures.load(shared_data, ("exposed-3", "domain-2"))
    at = flow.PLACES["conn_state", "refused"]
    assert np.array_equal(test.rows[:, refused], whole.features.reshape(len(test), -1)[:, at])
    assert np.array_equal(test.risky, ~whole.allowed[:, 0])

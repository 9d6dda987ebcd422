"""Advisories of a mirror: what is kept, what is refused and named, and what a look-up gives."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.core.errors import KnowledgeError
from soc_tui.knowledge.advisories import reading, store
from soc_tui.knowledge.advisories.normalising import UnusableError, rows
from soc_tui.knowledge.advisories.store import AdvisoryStore


def osv(identifier: str = "GHSA-1", name: str = "x", ecosystem: str = "PyPI", **more: Any) -> dict[str, Any]:
    affected = {"package": {"ecosystem": ecosystem, "name": name},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2"}]}]}  # fmt: skip
    return {"id": identifier, "modified": "2026-01-01T00:00:00Z", "affected": [affected], **more}


def test_a_mirror_of_every_form_is_read(tmp_path: Path) -> None:
    mirror = tmp_path / "osv/deep/er"
    mirror.mkdir(parents=True)
    (mirror / "a.json").write_text(json.dumps(osv("A")))
    (mirror / "b.json").write_text(json.dumps([osv("B"), osv("C")]))
    (mirror / "c.jsonl").write_text(json.dumps(osv("D")) + "\n\n" + json.dumps(osv("E")))
    (mirror / "d.jsonl.gz").write_bytes(gzip.compress(json.dumps(osv("F")).encode()))
    (mirror / "e.json.gz").write_bytes(gzip.compress(json.dumps(osv("G")).encode()))
    with zipfile.ZipFile(mirror / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("H.json", json.dumps(osv("H", "Deb", "Debian:12")))
        archive.writestr("README", "no advisory")
    (mirror / "notes.txt").write_text("no advisory")
    (mirror / "loop").symlink_to("..")
    (mirror / "out.json").symlink_to("/etc/hostname")
    os.mkfifo(mirror / "fifo.json")
    kept = AdvisoryStore(tmp_path)
    done = kept.update([tmp_path / "osv"])
    assert (done.documents, done.damaged, done.ecosystems) == (8, 0, {"Debian": (0, 1), "PyPI": (0, 7)})
    assert [one.id for one in kept.about("PyPI", ["X"])] == list("ABCDEFG")
    (debian,) = kept.about("Debian", ["Deb"])
    assert (debian.ecosystem, debian.source) == ("Debian:12", f"{mirror}/all.zip!H.json")
    assert list(kept.about("npm", ["x"])) == []
    assert list(kept.about("PyPI", ["y"])) == []


def test_what_is_kept_of_an_advisory() -> None:
    (row,) = rows(osv(
        aliases=["CVE-2024-1", "CVE-2024-00001"], upstream=["CVE-2024-00002"], details="One\n two", related=["no"],
        severity=[{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"},
                  {"type": "CVSS_V4", "score": "damaged"}],
        database_specific={"cwe_ids": ["CWE-79", "what"]},
    ))  # fmt: skip
    assert {name: row[name] for name in ("aliases", "summary", "severity", "score", "cwes", "ranges")} == {
        "aliases": ["CVE-2024-1", "CVE-2024-00001", "CVE-2024-00002"], "summary": "One two", "severity": "critical",
        "score": 9.8, "cwes": ["CWE-79"], "ranges": '[[["introduced","0"],["fixed","2"]]]',
    }  # fmt: skip


@pytest.mark.parametrize(
    ("more", "severity"),
    [
        ({}, ""),
        ({"database_specific": {"severity": "MODERATE"}}, "medium"),
        ({"severity": [{"type": "Ubuntu", "score": "negligible"}]}, "info"),
        ({"severity": [{"type": "CVSS_V2", "score": "AV:N/AC:L/Au:N/C:P/I:P/A:P"}]}, "high"),
        ({"severity": [{"type": "CVSS_V4", "score": "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"}]}, "critical"),
        ({"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"}], "database_specific": {"severity": "HIGH"}}, "high"),
    ],
)  # fmt: skip
def test_severity_is_the_publishers_word_then_the_score(more: dict[str, Any], severity: str) -> None:
    assert rows(osv(**more))[0]["severity"] == severity


def test_debian_tells_its_urgency_per_package() -> None:
    document = osv(ecosystem="Debian:12")
    document["affected"][0]["ecosystem_specific"] = {"urgency": "unimportant"}
    assert rows(document)[0]["severity"] == "info"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({}, "has no usable id"),
        ({"id": "../../x", "affected": []}, "has no usable id"),
        ({"id": "A", "affected": {}}, "affected is no list of objects"),
        ({"id": "A", "affected": ["x"]}, "affected is no list of objects"),
        ({"id": "A", "affected": [{"package": "x"}]}, "affected.package is no object"),
        ({"id": "A", "affected": [{"package": {"name": "x"}}]}, "affected.package has no ecosystem or name"),
        ({"id": "A", "affected": [{"package": {"ecosystem": "PyPI", "name": "x"}, "versions": [1]}]}, "versions is no list of texts"),
        ({"id": "A", "affected": [{"package": {"ecosystem": "PyPI", "name": "x"}, "ranges": [{"type": "SEMVER", "events": [{"fixed": 1}]}]}]},
         "the version of fixed is no text"),
    ],
)  # fmt: skip
def test_what_breaks_the_schema_is_refused(document: dict[str, Any], said: str) -> None:
    with pytest.raises(UnusableError, match=said):
        rows(document)


def test_damage_is_named_with_file_and_line_and_the_rest_is_kept(tmp_path: Path) -> None:
    mirror = tmp_path / "osv"
    mirror.mkdir()
    lines = [
        json.dumps(osv("A")),
        "{",
        "3",
        json.dumps({"id": 3}),
        json.dumps(osv("B")),
        '{"id": "\xff',
        "[" * 99_999,
    ]
    (mirror / "a.jsonl").write_text("\n".join(lines))
    (mirror / "b.zip").write_bytes(b"PK no archive")
    (mirror / "c.json.gz").write_bytes(gzip.compress(json.dumps(osv("C")).encode())[:-9])
    (mirror / "d.json").write_text('{\n"id": "D",\n}')
    done = AdvisoryStore(tmp_path).update([mirror, tmp_path / "none"])
    assert done.ecosystems == {"PyPI": (0, 2)}
    assert [(Path(one.source).name, one.line, one.message.partition(":")[0]) for one in done.damages] == [
        ("a.jsonl", 2, "is no JSON"), ("a.jsonl", 3, "holds something that is no object"), ("a.jsonl", 4, "has no usable id"),
        ("a.jsonl", 6, "is no JSON"), ("a.jsonl", 7, "is no JSON"), ("b.zip", 0, "is no ZIP archive"),
        ("c.json.gz", 0, "cannot be read to its end"), ("d.json", 3, "is no JSON"), ("none", 0, "cannot be read"),
    ]  # fmt: skip
    assert done.damaged == 9
    assert all(one.remedy for one in done.damages)


def test_bombs_and_long_lines_are_refused_and_what_follows_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAX_DOCUMENT", 1000)
    (tmp_path / "a.jsonl").write_text("x" * 5000 + "\n" + json.dumps(osv("A")))
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.json", b"0" * 10_000_000)
        archive.writestr("B.json", json.dumps(osv("B")))
    kept = AdvisoryStore(tmp_path / "w")
    done = kept.update([tmp_path / "a.jsonl", tmp_path / "b.zip"])
    assert [(one.line, one.message) for one in done.damages] == [
        (1, "is longer than 0 MiB"),
        (0, "is longer than 0 MiB"),
    ]
    assert [one.id for one in kept.about("PyPI", ["x"])] == ["A", "B"]
    monkeypatch.setattr(reading, "MAX_UNPACKED", 1100)
    done = kept.update([tmp_path / "b.zip"])
    assert [one.message for one in done.damages][-1].startswith(
        "cannot be read to its end: archives unpack to more than"
    )


def test_an_ecosystem_is_replaced_whole_and_others_stay(tmp_path: Path) -> None:
    kept = AdvisoryStore(tmp_path / "w")
    (tmp_path / "one.json").write_text(json.dumps([osv("A"), osv("B"), osv("C", "y", "npm")]))
    kept.update([tmp_path / "one.json"])
    (tmp_path / "two.json").write_text(json.dumps([
        osv("A"), osv("A", modified="2026-02-01T00:00:00Z", summary="later"), osv("W", withdrawn="2026-01-01T00:00:00Z"),
        {"id": "G", "affected": [{"ranges": [{"type": "GIT", "events": []}]}]},
    ]))  # fmt: skip
    done = kept.update([tmp_path / "two.json"])
    assert (done.documents, done.withdrawn, done.elsewhere, done.advisories) == (4, 1, 1, 1)
    assert done.ecosystems == {"PyPI": (2, 1)}
    assert kept.ecosystems() == {"PyPI": 1, "npm": 1}
    assert [(one.id, one.summary) for one in kept.about("PyPI", ["x"])] == [("A", "later")]


def test_a_look_up_opens_only_the_groups_that_may_hold_the_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_GROUP", 100)
    monkeypatch.setattr(store, "_CHUNK", 170)
    (tmp_path / "a.jsonl").write_text(
        "\n".join(json.dumps(osv(f"A-{number}", f"p{number:04}")) for number in range(1000))
    )
    kept = AdvisoryStore(tmp_path / "w")
    kept.update([tmp_path / "a.jsonl"])
    read: list[int] = []
    opened = store._opened

    class Counting:
        def __init__(self, path: Path) -> None:
            self.file = opened(path)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.file, name)

        def read_row_group(self, number: int) -> Any:
            read.append(number)
            return self.file.read_row_group(number)

    monkeypatch.setattr(store, "_opened", Counting)
    assert [one.id for one in kept.about("PyPI", ["p0005", "P0950", "none"])] == ["A-5", "A-950"]
    assert read == [0, 9]


def test_the_list_of_exploited_ones(tmp_path: Path) -> None:
    kept = AdvisoryStore(tmp_path / "w")
    entry = {"cveID": "CVE-2024-00001", "vulnerabilityName": "Hole", "dateAdded": "2026-01-01", "cwes": ["CWE-1", 3]}
    (tmp_path / "kev.json").write_text(json.dumps({"title": "KEV", "vulnerabilities": [entry, {"cveID": "what"}, 3]}))
    done = kept.update(kev=tmp_path / "kev.json")
    assert (done.exploited, done.damaged) == ((0, 1), 2)
    assert kept.exploited()["CVE-2024-00001"].cwes == ("CWE-1",)
    (tmp_path / "kev.json").write_text("damaged")
    assert kept.update(kev=tmp_path / "kev.json").exploited == (1, 1)
    assert list(kept.exploited()) == ["CVE-2024-00001"]


def test_a_damaged_store_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    kept = AdvisoryStore(tmp_path)
    (tmp_path / "a.json").write_text(json.dumps(osv()))
    kept.update([tmp_path / "a.json"])
    path = tmp_path / "advisories/PyPI.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    for ask in (lambda: list(kept.about("PyPI", ["x"])), kept.ecosystems):
        with pytest.raises(KnowledgeError, match="is damaged") as caught:
            ask()
        assert caught.value.source == str(path)
    (tmp_path / "file").write_text("")
    with pytest.raises(KnowledgeError, match="cannot be written"):
        AdvisoryStore(tmp_path / "file").update([tmp_path / "a.json"])


def test_real_advisories_are_kept_as_they_are(shared_data: Path, tmp_path: Path) -> None:
    mirror = shared_data / "knowledge"
    kept = AdvisoryStore(tmp_path)
    done = kept.update([mirror / "pypa_advisories_osv_lite.jsonl.gz"], mirror / "cisa_kev.jsonl.gz")
    assert (done.documents, done.withdrawn, done.elsewhere, done.damaged) == (2661, 10, 1, 0)
    assert (done.ecosystems, done.exploited) == ({"PyPI": (0, 2650)}, (0, 1404))
    (found,) = [one for one in kept.about("PyPI", ["Apache_Airflow"]) if one.id == "PYSEC-2020-18"]
    assert (found.cves, found.ranges) == (("CVE-2020-13927",), ((("introduced", "0"), ("fixed", "1.10.11")),))
    assert found.cves[0] in kept.exploited()


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(
        st.sampled_from(["id", "affected", "package", "ecosystem", "name", "ranges", "events", "introduced", "type", "severity",
                         "score", "aliases", "versions", "database_specific", "cwe_ids", "withdrawn"]), inner, max_size=5)),
    max_leaves=20,
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["affected", "aliases", "severity", "withdrawn", "database_specific", "summary"]), json_values
    )
)
def test_no_document_breaks_it(document: dict[str, Any]) -> None:
    with contextlib.suppress(UnusableError):
        rows({"id": "A", **document})


def test_texts_that_are_no_unicode_are_kept_harmless(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(
        '{"id": "A", "summary": "\\ud800x", "affected": [{"package": {"ecosystem": "PyPI", "name": "x"}, "versions": ["1"]}]}'
    )
    kept = AdvisoryStore(tmp_path / "w")
    assert kept.update([tmp_path / "a.jsonl"]).damaged == 0
    (found,) = kept.about("PyPI", ["x"])
    found.summary.encode()

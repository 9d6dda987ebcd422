"""What ships is complete, and the user's own entries come on top."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
import yaml

from soc_tui.core.errors import KnowledgeError
from soc_tui.core.types import HEALTH, RISK_TYPES
from soc_tui.knowledge.entry import SECTIONS, reference_url
from soc_tui.knowledge.library import SHIPPED, Library, load
from soc_tui.management.source_health import KINDS

DETECTORS = ("suricata-alert", "zeek-notice", "ssh-brute-force", "ssh-login-after-failures", "web-login-brute-force",
             "port-scan", "web-attack", "flow-anomaly", "known-bad-indicator")  # fmt: skip


SHIPPED_IDS = (*range(1, 28), *range(30, 61))


@pytest.fixture(scope="module")
def library() -> Library:
    return Library()


def test_every_entry_ships(library: Library) -> None:
    assert [entry.id for entry in library.entries] == [f"K-{number:04}" for number in SHIPPED_IDS]


@pytest.mark.parametrize("detector", DETECTORS)
def test_every_detector_has_an_entry_of_its_own(library: Library, detector: str) -> None:
    assert [entry.slug for entry in library.entries if detector in entry.matches.detectors] == [detector]
    assert library.match({"detector": detector})[0].entry.slug == detector


@pytest.mark.parametrize("kind", KINDS)
def test_every_symptom_of_a_source_has_an_entry_of_its_own(library: Library, kind: str) -> None:
    title, techniques = KINDS[kind]
    alert = {
        "detector": "source-health",
        "title": f"{title}: /var/log/x",
        "techniques": techniques,
        "risk_type": HEALTH,
    }
    found = library.match(alert)
    assert found[0].entry.slug == f"log-source-{kind}"
    assert [one.score > 1000 for one in found].count(True) == 1


def test_the_papers_risk_classes_are_covered(library: Library) -> None:
    assert set(RISK_TYPES) - {entry.risk_type for entry in library.entries} == set()
    assert "virus" in library.get("malware-download").matches.keywords


def test_every_entry_says_something_in_every_section_and_plans_a_first_step(library: Library) -> None:
    for entry in library.entries:
        assert all(len(sentence) > 20 for name in SECTIONS for sentence in getattr(entry, name)), entry.id
        assert len(entry.plan) >= 2, entry.id
        assert all(reference.url.startswith("https://") for reference in entry.references), entry.id
        assert json.loads(json.dumps(entry.as_dict()))["id"] == entry.id


def test_techniques_exist_and_are_named_as_mitre_names_them(library: Library, shared_data: Path) -> None:
    with gzip.open(shared_data / "knowledge" / "attack_enterprise_objects.jsonl.gz", "rt", encoding="utf-8") as file:
        names = {item["id"]: item["name"] for item in map(json.loads, file) if item["type"] == "attack-pattern"}
    for entry in library.entries:
        assert set(entry.techniques) | set(entry.matches.techniques) <= set(names), entry.id
        for reference in entry.references:
            if reference.id in names:
                assert reference.name.split(": ")[-1] == names[reference.id], reference.id


def test_an_entry_is_found_by_id_and_by_slug(library: Library) -> None:
    assert library.get("k-0005") is library.get("sql-injection")
    with pytest.raises(KnowledgeError, match="no entry 'K-7777'"):
        library.get("K-7777")


def test_search_wants_every_word_and_puts_titles_first(library: Library) -> None:
    assert library.search("SQL injection")[0].slug == "sql-injection"
    assert [entry.slug for entry in library.search("log4j-core")] == ["command-injection"]
    assert [entry.slug for entry in library.search("T1046")] == ["port-scan"]
    assert library.search("no-such-word injection") == []
    assert library.search("  ") == []


def test_own_entries_are_added_and_replace_by_id(tmp_path: Path) -> None:
    text = (SHIPPED / "port-scan.yaml").read_text(encoding="utf-8")
    (tmp_path / "port-scan.yaml").write_text(text.replace("Port scan or network sweep", "Our scans"), encoding="utf-8")
    new = text.replace("K-0004", "K-9004").replace("slug: port-scan", "slug: ours")
    (tmp_path / "ours.yaml").write_text(new, encoding="utf-8")
    library = Library(tmp_path)
    assert library.get("K-0004").title == "Our scans"
    assert [entry.id for entry in library.entries] == [*(f"K-{number:04}" for number in SHIPPED_IDS), "K-9004"]
    assert Library(tmp_path / "none").get("K-0004").title == "Port scan or network sweep"


def test_a_broken_own_entry_is_an_error_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("id: K-9001\ntitel: x\n", encoding="utf-8")
    with pytest.raises(KnowledgeError) as caught:
        Library(tmp_path)
    assert (caught.value.source, caught.value.line) == (str(tmp_path / "bad.yaml"), 1)
    assert "is missing and" in caught.value.message


def test_files_are_parsed_once_until_they_change(tmp_path: Path) -> None:
    path = tmp_path / "port-scan.yaml"
    text = (SHIPPED / "port-scan.yaml").read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    assert load(tmp_path) is load(tmp_path)
    path.write_text(text.replace("Port scan or", "Now a port scan or"), encoding="utf-8")
    assert load(tmp_path)[0].title == "Now a port scan or network sweep"


def test_the_documented_schema_names_every_key() -> None:
    document = (Path(__file__).parents[2] / "docs" / "knowledge.md").read_text(encoding="utf-8")
    for key in yaml.safe_load((SHIPPED / "port-scan.yaml").read_text(encoding="utf-8")):
        assert f"`{key}`" in document, key


@pytest.mark.parametrize(
    ("identifier", "url"),
    [("T1110.001", "https://attack.mitre.org/techniques/T1110/001/"), ("T1046", "https://attack.mitre.org/techniques/T1046/"),
     ("CWE-89", "https://cwe.mitre.org/data/definitions/89.html"), ("CVE-2021-44228", "https://nvd.nist.gov/vuln/detail/CVE-2021-44228"),
     ("CAPEC-66", "https://capec.mitre.org/data/definitions/66.html"), ("elsewhere", "")],
)  # fmt: skip
def test_references_get_their_address(identifier: str, url: str) -> None:
    assert reference_url(identifier) == url

"""The selftest tells what fired, what kept silent, and what went otherwise; on the packaged cases all goes well."""

from __future__ import annotations

from pathlib import Path

import pytest

from soc_tui.core.errors import UsageError
from soc_tui.detection.cases import Case, Trial, load_cases
from soc_tui.detection.detectors import ALL_DETECTORS, TOOLS
from soc_tui.management import selftest

LINE = "Mar 27 13:{:02d}:{:02d} web1 sshd[9]: Failed password for root from {} port 4{} ssh2"


def guesses(source: str, count: int) -> str:
    return "\n".join(LINE.format(n // 60, n % 60, source, n) for n in range(count)) + "\n"


def brute(name: str, text: str, *, fires: bool, **more: str) -> Case:
    return Case("ssh-brute-force", name, more.pop("format", "syslog"), fires, text, **more)


@pytest.mark.slow
def test_every_packaged_case_goes_as_it_must(tmp_path: Path) -> None:
    told = selftest.report(selftest.run(tmp_path), 1.0)
    assert [problem for row in told["detectors"] for problem in row["problems"]] == []
    assert told["ok"] is True
    cases = load_cases()
    assert told["fired"] == told["must_fire"] >= sum(case.fires for case in cases) + len(TOOLS) + 19
    assert told["silent"] == told["must_be_silent"] >= sum(not case.fires for case in cases) + len(TOOLS) + 19
    assert told["not_covered"] == ["model-drift"]
    assert {row["detector"] for row in told["detectors"]} == {*ALL_DETECTORS, "source-health", "sigma"}


def test_a_detector_that_misses_one_that_cries_and_a_log_that_cannot_be_read_fail(tmp_path: Path) -> None:
    (outcome,) = selftest.run(
        tmp_path,
        cases=[
            brute("good", guesses("203.0.113.1", 40), fires=True),
            brute("missed", guesses("203.0.113.2", 3), fires=True),
            brute("cried", guesses("203.0.113.3", 40), fires=False),
            brute("quiet", guesses("203.0.113.4", 3), fires=False),
            brute("other title", guesses("203.0.113.5", 40), fires=True, title="no such words"),
            brute("rejected", "{\n", fires=False, format="suricata-eve"),
            brute("no such format", "x\n", fires=False, format="nothing"),
        ],
    )
    assert (outcome.fired, outcome.must_fire, outcome.silent, outcome.must_be_silent) == (1, 3, 3, 4)
    assert sorted(outcome.problems)[:3] == [
        "cried (false): fired on a benign case", "missed (true): did not fire",
        next(p for p in outcome.problems if p.startswith("no such format (false): ")),
    ]  # fmt: skip
    assert "other title (true): did not fire" in outcome.problems
    assert "rejected (false): 1 records could not be read as suricata-eve" in outcome.problems
    assert len(outcome.problems) == 5
    assert selftest.report([outcome], 0)["ok"] is False


def test_cases_that_lean_on_one_another_prove_nothing(tmp_path: Path) -> None:
    halves = [brute(name, guesses("203.0.113.1", 6), fires=True) for name in ("one half", "other half")]
    (outcome,) = selftest.run(tmp_path, cases=halves)
    assert outcome.fired == 2
    assert outcome.problems == ["the finding 'SSH brute force by 203.0.113.1 against web1' rests on several cases"]


def test_a_name_that_has_no_case_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'fly' has no case"):
        selftest.run(tmp_path, only=["fly"])


def test_a_tool_is_tried_and_its_failure_told(tmp_path: Path) -> None:
    def run(folder: Path) -> list[Trial]:
        assert list(folder.iterdir()) == []
        return [Trial("eicar", True, 1), Trial("readme", False, 0), Trial("packed", True, 0, ("clamd is away",))]

    def broken(_: Path) -> list[Trial]:
        raise UsageError("no such target")

    trojan, virus = selftest.run(tmp_path, only=["virus", "trojan"], trials={"virus": run, "trojan": broken})
    assert (virus.fired, virus.must_fire, virus.silent, virus.must_be_silent) == (1, 2, 1, 1)
    assert virus.problems == ["packed: did not fire", "packed: clamd is away"]
    assert trojan.problems == ["no such target"]
    assert "virus" not in selftest.not_covered([virus])

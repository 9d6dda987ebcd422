"""Severity reads and shows the same words everywhere."""

import pytest

from soc_tui.core.errors import UsageError
from soc_tui.core.severity import Severity


@pytest.mark.parametrize("member", list(Severity))
def test_words_numbers_and_prefixes_are_read_back(member: Severity) -> None:
    assert Severity.parse(member.word) is member
    assert Severity.parse(member.word[:3].upper()) is member
    assert Severity.parse(str(int(member))) is member


def test_ocsf_word_for_info() -> None:
    assert Severity.parse("Informational") is Severity.INFO


@pytest.mark.parametrize("text", ["", "x", "hi", "9", "highest"])
def test_anything_else_is_refused_with_the_right_words(text: str) -> None:
    with pytest.raises(UsageError, match="unknown severity") as caught:
        Severity.parse(text)
    assert "critical" in caught.value.remedy


def test_labels_are_six_cells_and_differ_without_colour() -> None:
    labels = [member.label(ascii_only=False) for member in Severity]
    assert labels == ["· INFO", "▽ LOW ", "◆ MED ", "▲ HIGH", "‼ CRIT"]
    plain = [member.label(ascii_only=True) for member in Severity]
    assert plain == [". INFO", "v LOW ", "* MED ", "^ HIGH", "! CRIT"]


@pytest.mark.parametrize(
    ("score", "word"), [(0.0, "info"), (0.2, "low"), (0.5, "medium"), (0.8, "high"), (1, "critical")]
)
def test_score_limits(score: float, word: str) -> None:
    assert Severity.from_score(score).word == word

import numpy as np

from soc_tui.analysis.corpora.sample import Sample
from soc_tui.analysis.corpora.synthesis import exchanged, with_unfamiliar

SPANS = [(0, 0, 2), (0, 2, 3), (1, 0, 3)]


def test_fields_are_exchanged_whole_and_the_original_stays() -> None:
    rows, pool = np.zeros((4000, 2, 3)), np.ones((10, 2, 3))
    made = exchanged(rows, pool, SPANS, 0.25, np.random.default_rng(1))
    assert not rows.any()
    assert np.array_equal(made[:, 0, 0], made[:, 0, 1])  # the two places of one field
    shares = [made[:, t, s].mean() for t, s, _ in SPANS]
    assert all(abs(share - 0.25) < 0.03 for share in shares)


def test_unfamiliar_rows_come_from_benign_ones_and_count_as_any_risk() -> None:
    rows = np.arange(6, dtype=np.float32).reshape(2, 1, 3)
    sample = Sample(rows, np.arange(2), np.array([[1, 0, 0], [0, 0, 1]], bool), np.array(["a", "b"]))
    more = with_unfamiliar(sample, [(0, 0, 3)], 5, 0.0, np.random.default_rng(1))
    assert more.rows[2:].tolist() == [rows[0].tolist()] * 5
    assert more.allowed[2:].tolist() == [[False, True, True]] * 5
    assert more.origin.tolist() == ["a", "b", *["synthetic"] * 5]
    assert more.owner.tolist() == list(range(7))


def test_none_wanted_or_no_benign_rows_leave_the_sample() -> None:
    risky = Sample(np.zeros((1, 1, 3)), np.arange(1), np.array([[False, True]]), np.array(["a"]))
    rng = np.random.default_rng(1)
    assert with_unfamiliar(risky, SPANS, 5, 0.5, rng) is risky
    assert with_unfamiliar(risky, SPANS, 0, 0.5, rng) is risky

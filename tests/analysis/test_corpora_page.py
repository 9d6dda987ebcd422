"""The made pairs: repeatable, varied, and parted so that a test tells something."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from soc_tui.analysis.corpora import page
from soc_tui.analysis.corpora.grammar import read_grammar
from soc_tui.analysis.corpora.page_task import sample


def test_the_same_seed_gives_the_same_pairs() -> None:
    one = page.pairs("train", 40, np.random.default_rng(3))
    assert one == page.pairs("train", 40, np.random.default_rng(3))
    assert one != page.pairs("train", 40, np.random.default_rng(4))


def test_tampered_pages_differ_and_their_families_are_those_of_the_part() -> None:
    for part, kitchen in page.KITCHENS.items():
        made = page.pairs(part, 120, np.random.default_rng(5))
        tampered = [pair for pair in made if pair.family]
        assert 30 < len(tampered) < 90
        assert {pair.family for pair in tampered} <= set(kitchen.families)
        assert all(pair.after != pair.before for pair in tampered)
        assert not any("«" in pair.after for pair in made)


def test_no_family_of_the_test_trains() -> None:
    trained = set(page.KITCHENS["train"].families)
    assert not trained & set(page.UNSEEN)
    assert not set(page.KITCHENS["train"].layouts) & set(page.KITCHENS["test"].layouts)
    assert not set(page.KITCHENS["train"].sources) & set(page.KITCHENS["test"].sources)


def test_every_family_is_written_and_has_a_class() -> None:
    sections = read_grammar("tampering.txt")
    for family in (*page.TRAINING, *page.UNSEEN):
        assert len(sections[family]) > 0
        assert page.CLASSES[page.class_of(family)].startswith(
            {"script": "script", "frame": "frame", "links": "hidden", "deface": "deface", "redirect": "redirect"}[
                family.removeprefix("unseen_").split("_")[0].removesuffix("ment")
            ]
        )


def test_real_pages_name_their_licence() -> None:
    assert set(page.real_pages()) == {"nodejs", "rust", "appengine", "libffi", "libxslt", "expat"}
    notice = Path(page.__file__).with_name("real_pages.NOTICE.txt").read_text(encoding="utf-8")
    assert all(source in notice for source in page.real_pages())


def test_a_pair_is_one_example_with_one_class() -> None:
    made = page.pairs("test", 30, np.random.default_rng(6))
    whole = sample(made, "test")
    assert len(whole.allowed) == 30
    assert (whole.allowed.sum(1) == 1).all()
    assert whole.risky.tolist() == [bool(pair.family) for pair in made]

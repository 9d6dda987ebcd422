from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from soc_tui.analysis.corpora import domain as corpus
from soc_tui.analysis.corpora import domain_made as made
from soc_tui.analysis.corpora import domain_task as task
from soc_tui.analysis.encoding import domain

WORDS = ("table", "river", "stone", "light", "paper", "cloud", "green", "house", "metal", "sugar")
MATERIAL = made.Material(WORDS, ("known.com", "site.co.uk"), ("com", "net", "org", "co.uk"))


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def test_the_same_seed_makes_the_same_names() -> None:
    for make in (made.look_alikes, made.tunnels):
        assert make(200, MATERIAL, rng()) == make(200, MATERIAL, rng())
    assert made.generated("letters", 200, MATERIAL, rng()) == made.generated("letters", 200, MATERIAL, rng())


@pytest.mark.parametrize("section", ["benign", "tunnel"])
def test_every_template_becomes_a_plain_name(section: str) -> None:
    for template in made.templates(section):
        name = made.filled(template, MATERIAL, rng(), "bad.example.com")
        assert not set("{}") & set(name), template
        assert all(len(label) <= 63 for label in name.split(".")), template
        assert len(name) <= 253, template


@pytest.mark.parametrize(
    ("kind", "shape"),
    [("letters", r"[a-z]{6,}"), ("digest", r"[a-z0-9]{8,}"), ("pronounceable", r"[a-z]{5,}"),
     ("dictionary", r"[a-z]+(?:-[a-z]+)*"), ("tail", r"[a-z]{6,}")],
)  # fmt: skip
def test_a_generator_keeps_to_its_alphabet(kind: str, shape: str) -> None:
    found = made.generated(kind, 400, MATERIAL, rng())
    assert len(found) > 150
    for name in found:
        assert re.fullmatch(shape, name.partition(".")[0]), name


def test_tunnels_of_a_batch_share_their_domain() -> None:
    found = made.tunnels(made.BATCH * 5, MATERIAL, rng())
    owners = {domain.split_domain(name).registered_domain for name in found}
    assert len(found) == made.BATCH * 5
    assert len(owners) <= 6


def test_a_family_permits_its_own_class_or_its_kind() -> None:
    assert corpus.bits_of("simda") == 1 << corpus.CLASSES.index("simda")
    assert corpus.bits_of("new_goz") == corpus.bits_of("zeus") == 1 << corpus.CLASSES.index("gameover")
    assert corpus.bits_of("never-seen") == corpus.LETTERS
    assert corpus.bits_of("kraken") == corpus.LETTERS | corpus.SYLLABLES
    assert corpus.ANY_GENERATED & (corpus.BENIGN | corpus.TUNNEL) == 0


def test_hiding_keeps_each_character_in_its_part() -> None:
    rows = domain.ids(["data01.host.example.co.uk"] * 400)
    out = task.hide_characters(rows, rng())
    for low, high in ((domain.BELOW, domain.REGISTERED), (domain.REGISTERED, domain.SUFFIX), (domain.SUFFIX, 255)):
        np.testing.assert_array_equal((rows >= low) & (rows < high), (out >= low) & (out < high))
    np.testing.assert_array_equal(rows[:, 0], out[:, 0])
    np.testing.assert_array_equal(rows == 0, out == 0)
    blind = (out == domain.SUFFIX + domain.OTHER).sum(1)
    assert set(blind.tolist()) == {0, 5}  # the whole suffix or nothing
    assert 60 < (blind > 0).sum() < 140
    changed = ((rows != out) & (rows < domain.SUFFIX)).sum()
    assert 80 < changed < 230  # two in a hundred of 20 characters of 400 rows, some by themselves again


def test_a_name_of_several_lists_counts_once_and_never_for_one_that_is_left_out() -> None:
    lists = {"a.com": frozenset({"x", "y"}), "b.com": frozenset({"y"}), "c.com": frozenset({task.HELD_LIST, "x"}),
             "d.com": frozenset({task.HELD_LIST}), "e.com": frozenset({"x", "y", "z"})}  # fmt: skip
    assert task._popular(lists, frozenset()) == {
        "x": ["a.com", "c.com"], "y": ["b.com"], task.HELD_LIST: ["d.com"], task.SEVERAL: ["e.com"],
    }  # fmt: skip
    assert task._popular(lists, frozenset({"x"})) == {
        "y": ["a.com", "b.com", "e.com"], task.HELD_LIST: ["c.com", "d.com"],
    }  # fmt: skip


def test_folds_name_real_sources() -> None:
    known = set(corpus._KINDS) | set(corpus.CLASSES) | set(task.SOURCES)
    gone = {name for fold in task.FOLDS.values() for name in fold}
    assert {"baderj", "andrewaeva"} <= gone
    assert not known & set(task.HELD) & gone


@pytest.mark.shared
def test_readers_of_the_real_names(shared_data: Path) -> None:
    families = corpus.generated(shared_data, "baderj")
    assert len(families) == 50
    assert (len(families["simda"]), len(families["suppobox"])) == (1000, 255)
    tunnelled, umbrella = corpus.exfiltration(shared_data)
    assert len(tunnelled) == 4097
    assert not set(tunnelled) & set(umbrella)
    asked = corpus.asked(shared_data, task.LOGS["test"]["zed"])
    assert "msdn.microsoft.com" in asked
    assert not [name for name in asked if name.endswith((".arpa", ".local", ".localdomain")) or "." not in name]
    assert len([n for n in corpus.asked(shared_data, task.DNSCAT) if n.endswith(task._DNSCAT_DOMAIN)]) == 23

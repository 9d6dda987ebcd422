"""The code model's training: webshells and malicious scripts against ordinary source, split by repository."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soc_tui.analysis.corpora import code as corpus
from soc_tui.analysis.corpora.sample import Sample, Task
from soc_tui.analysis.encoding import code

CLASSES = ("benign", "malicious")
TRAIN, TEST = "malcode/tokens_train.parquet", "malcode/tokens_val.parquet"

_HELD = ("yiisoft/yii2", "xl7dev/WebShell", "fuzzdb-project/fuzzdb", "JohnTroony/php-webshells")
"""Whole repositories of the training part that decide when to stop and where the threshold lies."""
_SHARE = 0.06
"""Of the other repositories, this share validates too: most languages have benign files in one repository alone."""
_FALSE_POSITIVES = 0.002
"""Five times stricter than the goal of 1 %: an unseen repository alarms more often than unseen files of a known one."""
_ALIKE = 0.8
"""A file at least so like one that trains does not validate."""


def sample(files: corpus.Files, origin: str | None = None) -> Sample:
    """Files as network input, one window each (the sequences are no longer).

    Args:
        files: what to encode.
        origin: one name for all; None names each by repository and language.
    """
    encoded = code.ENCODING.encode(files.table)
    allowed = np.stack([~files.malicious, files.malicious], 1)
    names = np.char.add(np.char.add(files.repository, " "), files.language)
    if origin is not None:
        names = np.full(len(names), origin)
    kinds = np.where(files.malicious, "malicious", "ordinary")
    lengths = (encoded.rows != 0).sum(1)
    words = np.array(
        [f"{kind} {language} file of {length} tokens, from {repository}" for kind, language, length, repository
         in zip(kinds, files.language, lengths, files.repository, strict=True)], np.str_,
    )  # fmt: skip
    return Sample(encoded.rows, encoded.owner, allowed, names, words)


def vary(rows: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """Every other row cut to a part of it, and one token in twenty replaced by any other.

    A file's head (licence, namespace, ``<?php``) tells its repository and not its intent; a cut loses it. Replaced
    tokens stand for the names that another author would have chosen.
    """
    out = rows.copy()
    lengths = (rows != 0).sum(1)
    for place in np.flatnonzero((rng.random(len(rows)) < 0.5) & (lengths > 48)):
        kept = int(lengths[place] * rng.uniform(0.4, 1.0))
        begin = int(rng.integers(0, lengths[place] - kept + 1))
        out[place, kept:] = 0
        out[place, :kept] = rows[place, begin : begin + kept]
    hit = (rng.random(rows.shape) < 0.05) & (out > 0)
    out[hit] = rng.integers(1, code.VOCABULARY, int(hit.sum()))
    return out


def parted(files: corpus.Files) -> tuple[corpus.Files, corpus.Files]:
    """The training part's files that train, and those that validate."""
    chosen = np.array([int(digest[:8] or "0", 16) / 2**32 < _SHARE for digest in files.digest], bool)
    held = np.isin(files.repository, _HELD) | chosen
    marks = corpus.sketches(files)
    alike = corpus.likest(marks[held], marks[~held]) >= _ALIKE
    kept = np.zeros(len(held), bool)
    kept[np.flatnonzero(held)[~alike]] = True
    return files.where(~held), files.where(kept)


def code_task(data: Path, seed: int) -> Task:
    """Read the token sequences below ``data`` and lay out the training.

    Args:
        data: the data folder.
        seed: the choice of files goes by their digests alone; weights, order and cuts go by the seed of the training.

    Raises:
        SourceError: a file is missing.
    """
    del seed
    whole, test = corpus.read_files(data / TRAIN), corpus.read_files(data / TEST)
    train, validation = parted(whole)
    new = test.likeness < _ALIKE
    return Task(
        name="code", classes=CLASSES,
        architecture={"kind": "characters", "classes": len(CLASSES), "vocabulary": 8192, "embedding": 24, "patch": 8,
                      "hidden": 48, "dropout": 0.3, "max_pool": True, "wide": 17,
                      "counted": True},
        train=sample(train, "training"), validation=sample(validation),
        tests={"malcode-val": sample(test), "malcode-val-new": sample(test.where(new))},
        augment=vary, files={
            "train and validation": {TRAIN: len(train.malicious) + len(validation.malicious)},
            "test": {TEST: len(test.malicious)},
        },
        split="by repository: yii2, xl7dev/WebShell, fuzzdb and php-webshells validate, and 6 % of the others' files "
        "(most languages have ordinary files in one repository alone), none of them 80 % like a file that trains; the "
        "data's own validation part, from other repositories, is the test, with and without its near duplicates of "
        "the training part",
        licence="Apache-2.0 (weights only; the data keep their own terms)", false_positives=_FALSE_POSITIVES,
        epochs=8, batch=128, patience=8, stop_calibrated=True,
        notes=(
            "Learned from whole files of at most 2,048 tokens; of a longer file every window is judged by itself.",
            "Administration tools (file managers, database consoles) do what webshells do and may score alike.",
            "Ordinary JSP, ASP and JavaScript come from one repository each: figures for them are less sure.",
        ),
    )  # fmt: skip

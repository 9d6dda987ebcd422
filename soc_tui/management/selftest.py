"""``selftest``: replay the packaged cases of every detector through the whole engine, in a workspace of their own.

The engine is the product's, with default settings and real networks, but it has no socket and no threads: each step is
taken here.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from soc_tui.core.errors import SocTuiError, UsageError
from soc_tui.core.settings import Settings
from soc_tui.detection.cases import FOLLOWED, TREE, Case, Trial, load_cases
from soc_tui.detection.detectors import ALL_DETECTORS
from soc_tui.detection.sigma.cases import cases as sigma_cases
from soc_tui.detection.sigma.loading import load as load_rules
from soc_tui.detection.trials import TRIALS
from soc_tui.management.engine import Engine
from soc_tui.management.tally import Tally
from soc_tui.management.website import Website

ABOUT_OURSELVES = ("source-health", "model-drift")
"""Detectors beside those of events."""
SIGMA = "sigma"
"""The detector of Sigma rules."""
_CHANGING = (TREE, FOLLOWED)
_MOST_ROUNDS, _PAUSE_SECONDS = 100, 0.1
_FOUND = """
SELECT DISTINCT f.finding_id, coalesce(a.title, f.title) AS title, f.detector, s.path
FROM (SELECT *, unnest(event_ids) AS event_id FROM findings WHERE detector = $detector) f
JOIN events e USING (event_id) JOIN sources s USING (source_id) LEFT JOIN alerts a USING (alert_key)
"""
_ABOUT_SOURCES = """
SELECT finding_id, title, detector, target AS path FROM findings WHERE detector = $detector AND risk_type = 'health'
"""


@dataclass
class Outcome:
    """How the cases of one detector went."""

    detector: str
    fired: int = 0
    must_fire: int = 0
    silent: int = 0
    must_be_silent: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)
    """Every case that went otherwise, and why."""

    def count(self, name: str, *, fires: bool, found: bool) -> None:
        """Take the result of one case."""
        if fires:
            self.must_fire += 1
            self.fired += found
        else:
            self.must_be_silent += 1
            self.silent += not found
        if found != fires:
            self.problems.append(f"{name}: {'did not fire' if fires else 'fired on a benign case'}")


TrialRun = Callable[[Path], Iterable[Trial]]
"""Takes an empty folder of its own to prepare targets in, and tries a tool on them."""


def run(
    folder: Path, only: Collection[str] = (), cases: Sequence[Case] | None = None,
    trials: Mapping[str, TrialRun] | None = None,
) -> list[Outcome]:  # fmt: skip
    """Replay the cases.

    Args:
        folder: empty; workspace, logs and trees are made in it.
        only: these detectors; all when empty.
        cases: others than the packaged ones, without the tools' trials.
        trials: others than the packaged ones.

    Returns:
        One outcome per detector that has cases, in order of name.

    Raises:
        UsageError: a case file is damaged, or ``only`` names a detector that has no case.
    """
    known = [*load_cases(), *_of_sigma()] if cases is None else list(cases)
    trials = (TRIALS if cases is None else {}) if trials is None else trials
    if missing := sorted(set(only) - {case.detector for case in known} - set(trials)):
        raise UsageError(f"{missing[0]!r} has no case", remedy="soc-tui selftest without a name shows what has")
    wanted = [case for case in known if not only or case.detector in only]
    outcomes: list[Outcome] = []
    for number, part in enumerate(_apart(wanted)):
        engine = Engine(_settings(folder / f"{number}" / "workspace", part))
        try:
            for outcome in _Replay(engine, folder / f"{number}" / "cases", part).outcomes():
                outcomes = _added(outcomes, outcome)
        finally:
            engine.stop()
    outcomes += [_tried(name, run, folder / "tools" / name) for name, run in trials.items() if not only or name in only]
    return sorted(outcomes, key=lambda outcome: outcome.detector)


def _apart(cases: Sequence[Case]) -> list[list[Case]]:
    """Cases that may not meet, as those that fire and those that do not are of the same addresses."""
    kinds = [(of_sigma, fires) for of_sigma in (False, True) for fires in (True, False)]
    parts = [[case for case in cases if ((case.detector == SIGMA), case.fires) == kind] for kind in kinds]
    return [part for part in parts if part]


def _added(outcomes: list[Outcome], more: Outcome) -> list[Outcome]:
    """The outcomes with those of more cases of a detector."""
    for one in outcomes:
        if one.detector == more.detector:
            for name in ("fired", "must_fire", "silent", "must_be_silent", "seconds", "problems"):
                setattr(one, name, getattr(one, name) + getattr(more, name))
            return outcomes
    return [*outcomes, more]


def _of_sigma() -> list[Case]:
    """The cases of the Sigma rules that ship and speak by themselves; each counts only for the rule it is about."""
    rules = load_rules(Path("/nonexistent"))
    speaking = [one.verdict for one in rules.rules if one.alerts] + [o.verdict for o in rules.correlations if o.alerts]
    titles = {verdict.id: verdict.title for verdict in speaking}
    return [
        Case(SIGMA, one.name, one.format, fires, text.decode(), title=titles[one.rule])
        for one in sigma_cases()
        if one.rule in titles
        for fires, text in ((True, one.found), (False, one.silent))
    ]


def _settings(workspace: Path, cases: Sequence[Case]) -> Settings:
    """The default settings with what the cases want set, of all of them together.

    Raises:
        UsageError: a case names a setting that does not exist.
    """
    settings = Settings(workspace=workspace)
    for name, wanted in ((name, value) for case in cases for name, value in case.settings.items()):
        section, _, key = name.partition(".")
        part = getattr(settings, section, None)
        if not dataclasses.is_dataclass(part) or isinstance(part, type) or not hasattr(part, key):
            raise UsageError(f"a case sets {name!r}, which is no setting", remedy="see docs/settings.md")
        before, value = getattr(part, key), wanted
        if isinstance(before, tuple):
            value = tuple(dict.fromkeys((*before, *wanted)))
        elif isinstance(before, Mapping):
            value = {**before, **wanted}
        changed: dict[str, Any] = {section: dataclasses.replace(part, **{key: value})}
        settings = dataclasses.replace(settings, **changed)
    return settings


def not_covered(outcomes: Sequence[Outcome]) -> list[str]:
    """The detectors that no case has tried."""
    return sorted({*ALL_DETECTORS, *ABOUT_OURSELVES} - {outcome.detector for outcome in outcomes})


def report(outcomes: Sequence[Outcome], seconds: float) -> dict[str, Any]:
    """The whole as programs get it; ``ok`` when every case went as it must."""
    totals = {
        name: sum(getattr(outcome, name) for outcome in outcomes)
        for name in ("fired", "must_fire", "silent", "must_be_silent")
    }
    return {
        "ok": not any(outcome.problems for outcome in outcomes),
        **totals,
        "seconds": round(seconds, 2),
        "detectors": [{**asdict(outcome), "seconds": round(outcome.seconds, 2)} for outcome in outcomes],
        "not_covered": not_covered(outcomes),
    }


def _tried(detector: str, run: TrialRun, folder: Path) -> Outcome:
    outcome, began = Outcome(detector), time.monotonic()
    folder.mkdir(parents=True)
    try:
        for trial in run(folder):
            outcome.count(trial.name, fires=trial.fires, found=trial.found > 0)
            outcome.problems += [f"{trial.name}: {problem}" for problem in trial.problems]
    except SocTuiError as error:
        outcome.problems.append(str(error))
    outcome.seconds = time.monotonic() - began
    return outcome


class _Replay:
    """Cases on the engine; each has a file or tree of its own, by which findings are told apart."""

    def __init__(self, engine: Engine, folder: Path, cases: Sequence[Case]) -> None:
        self._engine, self._store = engine, engine.store
        self._cases = {_place(folder, number, case): case for number, case in enumerate(cases)}
        self._outcomes = {case.detector: Outcome(case.detector) for case in cases}

    def outcomes(self) -> list[Outcome]:
        logs: dict[str, list[Path]] = {}
        for place, case in self._cases.items():
            began = time.monotonic()
            try:
                self._prepare(place, case)
            except SocTuiError as error:  # this case has failed; the others go on
                self._fail(place, str(error))
            if case.format in _CHANGING:
                self._outcomes[case.detector].seconds += time.monotonic() - began
            else:
                logs.setdefault(case.format, []).append(place)
        for form, paths in logs.items():
            self._ingest(form, paths)
        self._examine()
        for name, outcome in self._outcomes.items():
            self._judge(outcome)
            outcome.seconds += self._engine.pipeline.seconds.get(name, 0.0)
        return list(self._outcomes.values())

    def _fail(self, place: Path | str, what: str) -> None:
        case = self._cases.get(Path(place))
        if case is not None:
            self._outcomes[case.detector].problems.append(f"{_called(case)}: {what}")

    def _prepare(self, place: Path, case: Case) -> None:
        if case.indicators:
            given = place.with_suffix(".indicators.txt")
            _write(given, case.indicators)
            self._engine.enrichment.load(given, "")
        if case.format == TREE:
            self._tree(place, case)
        elif case.format == FOLLOWED:
            self._followed(place, case)
        else:
            _write(place, case.text)

    def _ingest(self, form: str, paths: Sequence[Path]) -> None:
        tally = Tally()
        try:
            for _ in self._engine.intake.ingest(list(paths), form, tally):
                pass
        except SocTuiError as error:  # there is no such format
            for path in paths:
                self._fail(path, str(error))
        for told in (*tally.errors, *tally.skipped):
            self._fail(told.source or "", str(told))
        for source in tally.sources.values():
            if source.records_rejected:
                self._fail(source.path, f"{source.records_rejected} records could not be read as {form}")

    def _tree(self, place: Path, case: Case) -> None:
        engine = self._engine
        for name, text in case.before.items():
            _write(place / name, text)
        place.mkdir(parents=True, exist_ok=True)
        site = Website(self._store, str(place), engine.settings.acquisition, engine.clock, lambda: None)
        try:
            _until(site.step, lambda: self._count(place) > 0)
            seen = self._count(place)
            for name, text in case.after.items():
                _write(place / name, text)
            _until(site.step, lambda: self._count(place) >= seen + len(case.after))
        finally:
            site.stop()

    def _count(self, place: Path) -> int:
        text = "SELECT count(*) AS n FROM events JOIN sources USING (source_id) WHERE path = $path"
        return int(self._store.sql(text, {"path": str(place)}).column("n")[0].as_py())

    def _followed(self, place: Path, case: Case) -> None:
        engine = self._engine
        _write(place, case.before)
        engine.follower.watch([place])
        _until(engine.follower.step, lambda: self._stored(place) > 0)
        engine.source_health.check()
        place.write_text(case.after, encoding="utf-8")  # in place, as a log is cut or goes on
        size = place.stat().st_size
        _until(engine.follower.step, lambda: self._stored(place) == size)
        engine.source_health.check()

    def _stored(self, place: Path) -> int:
        self._engine.intake.flush()
        rows = self._store.sql(
            'SELECT "offset" FROM sources WHERE path = $path ORDER BY source_id DESC LIMIT 1', {"path": str(place)}
        ).to_pylist()
        return int(rows[0]["offset"]) if rows else 0

    def _examine(self) -> None:
        """Every consumer up to the last event."""
        engine = self._engine
        steps = {
            "enrichment": engine.enrichment.step, "detection": engine.pipeline.detect,
            "analysis": engine.pipeline.analyse,
        }  # fmt: skip
        engine.pipeline.awaited.update(steps)
        for name, step in steps.items():
            _until(step, lambda name=name: engine.lag(name) == 0)  # type: ignore[misc]

    def _judge(self, outcome: Outcome) -> None:
        """Which of a detector's cases it has found; a finding that rests on several of them proves none."""
        rows = [
            row
            for text in (_FOUND, _ABOUT_SOURCES)
            for row in self._store.sql(text, {"detector": outcome.detector}).to_pylist()
        ]
        for place, case in self._cases.items():
            if case.detector == outcome.detector:
                found = any(row["path"] == str(place) and case.title in row["title"] for row in rows)
                outcome.count(_called(case), fires=case.fires, found=found)
        places: dict[str, set[str]] = {}
        for row in rows:
            places.setdefault(row["finding_id"], set()).add(row["path"])
        for row in rows:
            if len(places.pop(row["finding_id"], ())) > 1:
                outcome.problems.append(f"the finding {row['title']!r} rests on several cases")


def _called(case: Case) -> str:
    return f"{case.name} ({'true' if case.fires else 'false'})"


def _place(folder: Path, number: int, case: Case) -> Path:
    end = "" if case.format == TREE else ".log"
    return folder / case.detector / f"{number:03d}-{'true' if case.fires else 'false'}{end}"


def _until(step: Callable[[], float], done: Callable[[], bool]) -> None:
    for _ in range(_MOST_ROUNDS):
        if done():
            return
        time.sleep(min(step(), _PAUSE_SECONDS))
    raise UsageError("a case was not worked through", remedy="see the engine log")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")

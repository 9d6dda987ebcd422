"""Rule files to compiled rules: pySigma parses, our pipeline and backend convert.

Every document gets its line in the coverage report, whatever is the matter with it. Importing this module loads pySigma
(half a second), so ``loading`` does it only when something has to be compiled.
"""

from __future__ import annotations

import copy
import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaError, SigmaRegularExpressionError
from sigma.filters import SigmaFilter
from sigma.rule import SigmaRule

from soc_tui.core.text import safe
from soc_tui.detection.sigma.backend import DuckDBBackend
from soc_tui.detection.sigma.compiled import Correlation, Entry, Rule, Ruleset, State, Verdict
from soc_tui.detection.sigma.correlations import convert_correlation
from soc_tui.detection.sigma.documents import Damage, Document, read_folder
from soc_tui.detection.sigma.pipeline import NotApplicableError, pipeline_for
from soc_tui.detection.sigma.predicates import UnquotableError, any_of
from soc_tui.detection.sigma.prefilter import needs
from soc_tui.detection.sigma.sources import SOURCES, Source, described, source_for

MAX_SQL = 256 * 1024
"""Characters of one rule's condition."""
MAX_CONDITION = 4000
"""Characters of one condition; a parser that recurses reads it."""
_SEVERITY = {"informational": "info", "low": "low", "medium": "medium", "high": "high", "critical": "critical"}
_SCORES = {"info": 0.1, "low": 0.3, "medium": 0.6, "high": 0.85, "critical": 0.97}
_TECHNIQUE = re.compile(r"t\d{4}(?:\.\d{3})?")
_KEYS = {
    "SigmaLevelError": "level", "SigmaStatusError": "status", "SigmaIdentifierError": "id", "SigmaDateError": "date",
    "SigmaModifiedError": "modified", "SigmaTagError": "tags", "SigmaTitleError": "title",
    "SigmaConditionError": "condition", "SigmaDetectionError": "detection", "SigmaLogsourceError": "logsource",
    "SigmaModifierError": "detection", "SigmaCorrelationRuleError": "correlation",
    "SigmaCorrelationTypeError": "type", "SigmaTimespanError": "timespan",
    "SigmaCorrelationConditionError": "condition", "SigmaFilterError": "filter",
    "SigmaFilterConditionError": "condition", "SigmaRelatedError": "related", "SigmaReferencesError": "references",
    "SigmaAuthorError": "author", "SigmaFieldsError": "fields", "SigmaFalsePositivesError": "falsepositives",
    "SigmaDescriptionError": "description",
}  # fmt: skip
"""The key that an error of pySigma speaks of, which names the line."""


def compile_folders(folders: Sequence[tuple[str, Path]], replacing: bool = True) -> Ruleset:
    """Compile every rule of some folders; a later folder's rule replaces an earlier one's of the same id.

    Args:
        folders: (name of the set, folder).
        replacing: False: a second rule of an id counts as damaged, wherever it stands.

    Returns:
        The rules, and one entry for each document.

    Raises:
        SourceError: a folder is none, or too large.
    """
    compiler = _Compiler(replacing)
    for name, folder in folders:
        documents, damages = read_folder(folder)
        compiler.add(name, documents, damages)
    return compiler.finish()


class _RefusedError(Exception):
    """A document that is no rule of ours, with its state and the key it is about."""

    def __init__(self, state: State, why: str, key: str = "") -> None:
        super().__init__(why)
        self.state, self.why, self.key = state, why, key


class _Compiler:
    def __init__(self, replacing: bool) -> None:
        self._replacing = replacing
        self._entries: list[Entry] = []
        self._parsed: dict[str, tuple[SigmaRule | SigmaCorrelationRule, Document, str]] = {}
        self._names: dict[str, str] = {}
        self._filters: list[tuple[SigmaFilter, Document, str]] = []

    def add(self, set_name: str, documents: Iterable[Document], damages: Iterable[Damage]) -> None:
        """Parse; what is damaged gets its entry at once."""
        seen: dict[str, Document] = {}
        for damage in damages:
            self._entries.append(
                Entry("", "", "damaged", damage.why, damage.place.file, damage.place.line, "file", set=set_name)
            )
        for document in documents:
            try:
                parsed = _parsed(document)
                if isinstance(parsed, SigmaFilter):
                    self._filters.append((parsed, document, set_name))
                    continue
                rule_id = _id_of(parsed)
                if rule_id in seen or (rule_id in self._parsed and not self._replacing):
                    first = seen[rule_id].place if rule_id in seen else self._parsed[rule_id][1].place
                    raise _RefusedError("damaged", f"has the id of the rule in {first}", "id")
            except _RefusedError as refused:
                self._entries.append(_entry(document, refused, set_name))
                continue
            seen[rule_id] = document
            self._parsed[rule_id] = (parsed, document, set_name)
            if parsed.name:
                self._names[str(parsed.name)] = rule_id

    def finish(self) -> Ruleset:
        """Apply the filters, convert, and report."""
        rules: dict[str, Rule] = {}
        correlations: list[Correlation] = []
        plain = [(i, p) for i, p in self._parsed.items() if isinstance(p[0], SigmaRule)]
        linked = [(i, p) for i, p in self._parsed.items() if isinstance(p[0], SigmaCorrelationRule)]
        silent = {
            self._resolve(ref)
            for _, (rule, _, _) in linked
            for ref in _references(rule)
            if not getattr(rule, "generate", False)
        }
        self._apply_filters([p[0] for _, p in plain])
        for rule_id, (rule, document, set_name) in plain:
            assert isinstance(rule, SigmaRule)
            try:
                made = _guarded(lambda rule=rule: _convert(rule))
                rules[rule_id] = replace(made, alerts=rule_id not in silent)
                self._entries.append(_done(document, made.verdict, made.source, set_name, "rule"))
            except _RefusedError as refused:
                self._entries.append(_entry(document, refused, set_name, _verdict(rule, None)))
        for _, (rule, document, set_name) in linked:
            assert isinstance(rule, SigmaCorrelationRule)
            try:
                made_of = self._base(rule, rules)
                made_one = _guarded(
                    lambda rule=rule, base=made_of: convert_correlation(rule, base, _verdict(rule, base[0]))
                )
                correlations.append(made_one)
                self._entries.append(_done(document, made_one.verdict, made_of[0].source, set_name, "correlation"))
            except _RefusedError as refused:
                self._entries.append(_entry(document, refused, set_name, _verdict(rule, None), "correlation"))
        entries = sorted(self._entries, key=lambda each: (each.set != "shipped", each.set, each.file, each.line))
        return Ruleset(tuple(rules.values()), tuple(correlations), tuple(entries))

    def _resolve(self, reference: str) -> str:
        return self._names.get(reference, reference.lower())

    def _base(self, rule: SigmaCorrelationRule, rules: dict[str, Rule]) -> list[Rule]:
        base = []
        for reference in _references(rule):
            rule_id = self._resolve(reference)
            if rule_id in rules:
                base.append(rules[rule_id])
            elif rule_id not in self._parsed:
                raise _RefusedError(
                    "damaged", f"names the rule {safe(reference, limit=60)}, which there is none of", "rules"
                )
            elif isinstance(self._parsed[rule_id][0], SigmaCorrelationRule):
                raise _RefusedError("not applicable", "correlates correlations")
            else:
                raise _RefusedError("not applicable", f"its rule {safe(reference, limit=60)} is not converted")
        if not base:
            raise _RefusedError("damaged", "names no rule", "rules")
        return base

    def _apply_filters(self, rules: Sequence[Any]) -> None:
        for exclusion, document, set_name in self._filters:
            hit, why = [], ""
            for rule in rules:
                before = list(rule.detection.condition)
                try:
                    exclusion.apply_on_rule(rule)
                except (SigmaError, ValueError, RecursionError) as error:
                    why = _said(error)
                    rule.detection.condition = before
                    continue
                if rule.detection.condition != before:
                    hit.append(rule)
            said = why or ("" if hit else "fits no rule that is loaded")
            state: State = "converted" if hit and not why else "damaged" if why else "not applicable"
            title = safe(exclusion.title, limit=200)
            self._entries.append(Entry(str(exclusion.id or ""), title, state, said or f"narrows {len(hit)} rules",
                                       document.place.file, document.place.line, "filter", set=set_name))  # fmt: skip


def _parsed(document: Document) -> SigmaRule | SigmaCorrelationRule | SigmaFilter:
    data = copy.deepcopy(document.data)
    if "action" in data:
        raise _RefusedError("damaged", "collections (action: global, reset, repeat) are no part of Sigma 2", "action")
    if not isinstance(data.get("title"), str) or not data["title"].strip():
        raise _RefusedError("damaged", "has no title", "title")
    for section in ("detection", "filter"):
        conditions = data[section].get("condition") if isinstance(data.get(section), dict) else None
        for text in conditions if isinstance(conditions, list) else [conditions]:
            if isinstance(text, str) and len(text) > MAX_CONDITION:
                raise _RefusedError("damaged", f"has a condition longer than {MAX_CONDITION} characters", "condition")

    def parse() -> Any:
        kind = SigmaCorrelationRule if "correlation" in data else SigmaFilter if "filter" in data else SigmaRule
        parsed = kind.from_dict(data)
        if isinstance(parsed, SigmaRule):
            for condition in parsed.detection.parsed_condition:
                _ = condition.parsed  # parses it now, while the document can be named
        return parsed

    parsed: SigmaRule | SigmaCorrelationRule | SigmaFilter = _guarded(parse)
    return parsed


def _guarded(make: Any) -> Any:
    """What ``make`` gives; whatever pySigma raises becomes a refusal."""
    try:
        return make()
    except _RefusedError:
        raise
    except NotApplicableError as error:
        raise _RefusedError("not applicable", _said(error)) from error
    except SigmaRegularExpressionError as error:
        why = f"{_said(error)} (RE2 reads it: no look-around, no back-references, at most 1000 repetitions)"
        raise _RefusedError("damaged", why, _pattern(error)) from error
    except SigmaError as error:
        raise _RefusedError("damaged", _said(error), _KEYS.get(type(error).__name__, "")) from error
    except RecursionError as error:
        raise _RefusedError("damaged", "is nested too deeply", "condition") from error
    except UnquotableError as error:
        raise _RefusedError("damaged", str(error), "detection") from error
    except Exception as error:
        # pySigma meets types that it did not expect (a list for a title) with whatever Python raises there.
        raise _RefusedError("damaged", f"is no sound rule: {type(error).__name__}: {_said(error)}") from error


def _convert(rule: SigmaRule) -> Rule:
    logsource = rule.logsource
    source = source_for(logsource.category, logsource.product, logsource.service)
    if source is None:
        said = described(logsource.category, logsource.product, logsource.service)
        raise _RefusedError("not applicable", f"no log of this source is read: {safe(said, limit=120)}")
    lacking = sorted({name for name in _fields(rule) if source.find(name) is None})
    if lacking:
        raise _RefusedError("not applicable", f"no field {safe(', '.join(lacking), limit=120)} in {source.title}")
    rule.fields = []
    backend = DuckDBBackend(pipeline_for(source))
    found = [str(text) for text in backend.convert_rule(rule) or rule.get_conversion_result()]
    where = any_of(found)
    if len(where) > MAX_SQL:
        raise _RefusedError("damaged", f"is larger than {MAX_SQL // 1024} KiB of SQL", "detection")
    needed = [needs(condition.parsed, source) for condition in rule.detection.parsed_condition]
    known = None if any(need is None for need in needed) else tuple(sorted({p for need in needed for p in need or ()}))
    return Rule(
        _verdict(rule, source),
        source.name,
        where,
        dict(backend.columns),
        known,
        tuple(backend.shown.items())[:8],
        name=str(rule.name or ""),
    )


def _fields(rule: SigmaRule) -> set[str]:
    names: set[str] = set()
    pending: list[Any] = list(rule.detection.detections.values())
    while pending:
        item = pending.pop()
        pending += getattr(item, "detection_items", [])
        if getattr(item, "field", None):
            names.add(item.field)
    return names


def _verdict(rule: SigmaRule | SigmaCorrelationRule, source: Source | Rule | None) -> Verdict:
    severity = _SEVERITY[rule.level.name.lower()] if rule.level else "medium"
    tags = [f"{tag.namespace}.{tag.name}".lower() for tag in rule.tags]
    techniques = [tag[7:].upper() for tag in tags if tag.startswith("attack.") and _TECHNIQUE.fullmatch(tag[7:])]
    where = SOURCES[source.source] if isinstance(source, Rule) else source
    return Verdict(
        _id_of(rule), safe(rule.title, limit=200), severity, _SCORES[severity],
        _risk_type(tags, where), tuple(dict.fromkeys(techniques)),
        tuple(safe(text, limit=200) for text in rule.falsepositives or [] if isinstance(text, str))[:5],
    )  # fmt: skip


def _risk_type(tags: Sequence[str], source: Source | None) -> str:
    """The tags decide where they are plain about it, else the source."""
    if any(tag.startswith("attack.t1505.003") for tag in tags):
        return "malicious-code"
    if any(tag.startswith("attack.t1491") for tag in tags):
        return "page-tampering"
    if source is not None and source.risk_type != "intrusion":
        return source.risk_type
    if any(
        tag in {"attack.command-and-control", "attack.command_and_control"} or tag.startswith("attack.t1071")
        for tag in tags
    ):
        return "trojan"
    return "intrusion"


def _id_of(rule: Any) -> str:
    return str(rule.id).lower() if rule.id else str(uuid.uuid5(uuid.NAMESPACE_URL, f"sigma:{rule.title}"))


def _references(rule: Any) -> list[str]:
    return [str(reference.reference) for reference in rule.rules or []]


def _done(document: Document, verdict: Verdict, source: str, set_name: str, kind: str) -> Entry:
    return Entry(verdict.id, verdict.title, "converted", "", document.place.file, document.place.line, kind, source,
                 verdict.severity, set_name)  # fmt: skip


def _entry(
    document: Document, refused: _RefusedError, set_name: str, verdict: Verdict | None = None, kind: str = "rule"
) -> Entry:
    line = document.place.line
    if refused.key and refused.state == "damaged":
        line = document.line_of(refused.key)
        if line == document.place.line and refused.key == "condition":  # there is none
            line = document.line_of("detection")
    title = verdict.title if verdict else safe(document.data.get("title"), limit=200)
    rule_id = verdict.id if verdict else safe(document.data.get("id"), limit=60)
    level = verdict.severity if verdict else ""
    return Entry(rule_id, title, refused.state, refused.why, document.place.file, line, kind, "", level, set_name)


def _said(error: BaseException) -> str:
    """The error in one line; pySigma adds the rule's place, which we name ourselves."""
    text = str(error.args[0]) if error.args else str(error)
    return safe(text.split(" in rule ")[0].split(" (while ")[0], limit=240)


def _pattern(error: BaseException) -> str:
    found = re.match(r"Regular expression '(.*)' is invalid", str(error), re.DOTALL)
    return found[1][:24] if found else "detection"

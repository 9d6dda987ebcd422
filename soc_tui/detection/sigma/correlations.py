"""Sigma's correlation rules: what pySigma parsed becomes a :class:`~soc_tui.detection.sigma.compiled.Correlation`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sigma.correlations import (
    SigmaCorrelationCondition,
    SigmaCorrelationConditionOperator,
    SigmaCorrelationRule,
    SigmaCorrelationType,
)
from sigma.exceptions import SigmaFeatureNotSupportedByBackendError

from soc_tui.core.text import safe
from soc_tui.detection.sigma.compiled import Correlation, Rule, Verdict
from soc_tui.detection.sigma.pipeline import NotApplicableError
from soc_tui.detection.sigma.sources import SOURCES

LONGEST = 7 * 86_400
"""Seconds of the longest time that is looked at."""
MOST_RULES = 20
_KINDS: dict[SigmaCorrelationType, Any] = {
    SigmaCorrelationType.EVENT_COUNT: "event_count", SigmaCorrelationType.VALUE_COUNT: "value_count",
    SigmaCorrelationType.TEMPORAL: "temporal", SigmaCorrelationType.TEMPORAL_ORDERED: "temporal_ordered",
}  # fmt: skip


def convert_correlation(rule: SigmaCorrelationRule, base: Sequence[Rule], verdict: Verdict) -> Correlation:
    """The correlation over its converted rules.

    Raises:
        NotApplicableError: a field that the events of one of its rules do not have, or a time over :data:`LONGEST`.
        SigmaError: a kind or condition that cannot be decided while events still arrive.
    """
    kind = _KINDS.get(rule.type)
    if kind is None:
        raise SigmaFeatureNotSupportedByBackendError(
            f"correlations of the type {rule.type.name.lower()} are not supported"
        )
    if rule.timespan.seconds > LONGEST:
        raise NotApplicableError(f"looks at more than {LONGEST // 86_400} days at once")
    if len(base) > MOST_RULES:
        raise SigmaFeatureNotSupportedByBackendError(f"correlates more than {MOST_RULES} rules")
    condition = rule.condition
    if not isinstance(condition, SigmaCorrelationCondition):
        raise SigmaFeatureNotSupportedByBackendError("conditions over the names of rules are not supported")
    value = None
    if kind == "value_count":
        fields = condition.fieldref if isinstance(condition.fieldref, list) else [condition.fieldref]
        value = ("+".join(map(str, fields)), tuple(_joined(rule, each, list(map(str, fields))) for each in base))
    groups = tuple(
        (str(name), tuple(_expression(rule, each, str(name)) for each in base)) for name in rule.group_by or []
    )
    return Correlation(
        verdict, kind, tuple(each.verdict.id for each in base), groups, value, rule.timespan.seconds,
        _least(condition, kind, len(base)), base=tuple(each.fingerprint for each in base),
    )  # fmt: skip


def _least(condition: SigmaCorrelationCondition, kind: str, rules: int) -> int:
    """The number from which on there is a finding. A number that more events can leave again decides nothing."""
    if condition.op == SigmaCorrelationConditionOperator.GTE:
        least = int(-(-condition.count // 1))
    elif condition.op == SigmaCorrelationConditionOperator.GT:
        least = int(condition.count // 1) + 1
    else:
        raise SigmaFeatureNotSupportedByBackendError(
            f"the condition {condition.op.name.lower()} can turn false again when more events come: use gte or gt"
        )
    if kind.startswith("temporal"):
        return rules if kind == "temporal_ordered" else min(max(least, 1), rules)
    return max(least, 1)


def _joined(rule: SigmaCorrelationRule, base: Rule, names: list[str]) -> str:
    texts = [_expression(rule, base, name) for name in names]
    return texts[0] if len(texts) == 1 else f"concat_ws(chr(31), {', '.join(texts)})"


def _expression(rule: SigmaCorrelationRule, base: Rule, name: str) -> str:
    """A field, or an alias of one, of the events of a rule."""
    for alias in rule.aliases:
        if alias.alias == name:
            for reference, field in alias.mapping.items():
                if reference.reference.lower() in {base.verdict.id, base.name.lower()}:
                    name = field
    source = SOURCES[base.source]
    field_ = source.find(name)
    if field_ is None:
        raise NotApplicableError(f"no field {safe(name, limit=60)} in {source.title}")
    return f"array_to_string({field_.sql}, ' ')" if field_.kind == "list" else f"lower(({field_.sql})::VARCHAR)"

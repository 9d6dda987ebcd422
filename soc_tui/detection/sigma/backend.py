"""pySigma's backend for DuckDB: the tree of a rule's condition as SQL over the columns of one source.

A value is compared without case, as Sigma says, unless it is ``cased`` or a regular expression; a missing field makes
its comparison false, also under *not*. Columns are named by what they hold (``l_``: lower case, ``r_``: as it is) and
collected while a rule is converted, so a query works each out once for all rules.
"""

from __future__ import annotations

import hashlib
import ipaddress
from typing import Any, ClassVar

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.conversion.base import TextQueryBackend
from sigma.conversion.state import ConversionState
from sigma.exceptions import SigmaFeatureNotSupportedByBackendError
from sigma.types import (
    CompareOperators,
    Placeholder,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SpecialChars,
)

from soc_tui.core.text import safe
from soc_tui.detection.sigma.pipeline import mapped_field
from soc_tui.detection.sigma.predicates import Form, Wanted, all_of, any_of, literal, quoted_regex, several
from soc_tui.detection.sigma.sources import SOURCES, Field

MAX_REGEX = 4096
"""Characters of one regular expression."""
_OPERATORS = {
    CompareOperators.LT: "<", CompareOperators.LTE: "<=", CompareOperators.GT: ">", CompareOperators.GTE: ">=",
    CompareOperators.NEQ: "<>",
}  # fmt: skip
_FLAGS = {
    SigmaRegularExpressionFlag.IGNORECASE: "i", SigmaRegularExpressionFlag.MULTILINE: "m",
    SigmaRegularExpressionFlag.DOTALL: "s",
}  # fmt: skip
_WILDCARDS: dict[Any, str] = {SpecialChars.WILDCARD_MULTI: "*", SpecialChars.WILDCARD_SINGLE: "?"}
"""pySigma keeps a regular expression as a text with wildcards in it."""
_FORMS: dict[tuple[bool, bool], Form] = {
    (True, True): "contains", (False, True): "starts", (True, False): "ends", (False, False): "equals"
}  # fmt: skip
"""By whether a wildcard stands before and after a literal."""
_Leaf = ConditionFieldEqualsValueExpression | ConditionValueExpression


class DuckDBBackend(TextQueryBackend):
    """One condition of one rule at a time; :attr:`columns` and :attr:`shown` are of the rule converted last."""

    name: ClassVar[str] = "DuckDB over soc-tui events"
    formats: ClassVar[dict[str, str]] = {"default": "a condition"}
    requires_pipeline: ClassVar[bool] = True
    query_expression: ClassVar[str] = "{query}"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.columns: dict[str, str] = {}
        """Column name to the expression over ``events``."""
        self.shown: dict[str, str] = {}
        """What an alert shows: the rule's field to the expression of its text."""
        self._negated = 0

    def finish_query(self, rule: Any, query: Any, state: ConversionState) -> Any:  # noqa: ARG002
        """The condition as it is: nothing is deferred, and braces in it are no template."""
        return query

    # -- the tree ------------------------------------------------------------------------------------------------------

    def convert_condition_or(self, cond: ConditionOR, state: ConversionState) -> Any:
        """Texts wanted of one field are told in one pass over it; anything else is an alternative of its own."""
        parts: list[str] = []
        together: dict[tuple[str, bool], list[Any]] = {}
        for arg in cond.args:
            if isinstance(arg, _Leaf) and isinstance(arg.value, SigmaString):
                name = arg.field if isinstance(arg, ConditionFieldEqualsValueExpression) else ""
                together.setdefault((name, isinstance(arg.value, SigmaCasedString)), []).append(arg)
            elif arg is not None:
                parts.append(str(self.convert_condition(arg, state)))
        for (_, cased), leaves in together.items():
            field = self._field(leaves[0], state)
            parts.append(self._texts(field, [self._wanted(leaf, cased) for leaf in leaves], cased))
        return any_of(parts) if parts else None

    def convert_condition_and(self, cond: ConditionAND, state: ConversionState) -> Any:
        """All parts."""
        parts = [self.convert_condition(arg, state) for arg in cond.args if arg is not None]
        return all_of([str(part) for part in parts if part is not None])

    def convert_condition_not(self, cond: ConditionNOT, state: ConversionState) -> Any:
        """True also where the part is unknown, because a field is missing."""
        self._negated += 1
        try:
            part = self.convert_condition(cond.args[0], state) if cond.args else None
        finally:
            self._negated -= 1
        return "TRUE" if part is None else f"NOT coalesce({part}, FALSE)"

    # -- leaves --------------------------------------------------------------------------------------------------------

    def convert_condition_field_eq_val(self, cond: ConditionFieldEqualsValueExpression, state: ConversionState) -> Any:
        """Field = value of any type."""
        return self._leaf(cond, state)

    def convert_condition_val(self, cond: ConditionValueExpression, state: ConversionState) -> Any:
        """A value that is looked for in the whole record."""
        return self._leaf(cond, state)

    def _leaf(self, cond: _Leaf, state: ConversionState) -> str:  # noqa: PLR0911 - one for each type
        field, value = self._field(cond, state), cond.value
        match value:
            case SigmaString():
                cased = isinstance(value, SigmaCasedString)
                return self._texts(field, [self._wanted(cond, cased)], cased)
            case SigmaExpansion():  # base64offset, windash: any of the forms, whatever links the values around
                leaves = [self._like(cond, inner) for inner in value.values]
                return str(self.convert_condition_or(ConditionOR(leaves), state))
            case SigmaNumber():
                return self._number(cond, field, value)
            case SigmaBool():
                words = ("true", "t", "1", "yes") if value.boolean else ("false", "f", "0", "no")
                return self._texts(field, [Wanted("equals", word) for word in words], cased=False)
            case SigmaRegularExpression():
                return self._regex(field, value)
            case SigmaCIDRExpression():
                return self._each(field, self._network(value), cased=True)
            case SigmaCompareExpression():
                return f"{self._numeric(field)} {_OPERATORS[value.op]} {_plain_number(value.number.number)}"
            case SigmaNull():
                return f"coalesce({self._column(field, cased=True)}::VARCHAR, '') = ''"
            case SigmaExists():
                return f"{self._column(field, cased=True)} IS {'NOT ' if value.exists else ''}NULL"
            case SigmaFieldReference():
                return self._reference(field, value)
        raise SigmaFeatureNotSupportedByBackendError(f"values of the kind {type(value).__name__} are not supported")

    def _like(self, cond: _Leaf, value: Any) -> Any:
        if isinstance(cond, ConditionFieldEqualsValueExpression):
            return ConditionFieldEqualsValueExpression(cond.field, value)
        return ConditionValueExpression(value)

    def _field(self, cond: _Leaf, state: ConversionState) -> Field:
        if isinstance(cond, ConditionFieldEqualsValueExpression):
            source, name = mapped_field(cond.field)
            field = source.find(name)
            if field is None:
                raise SigmaFeatureNotSupportedByBackendError(f"no field {safe(name, limit=60)} in {source.title}")
            shown = name
        else:
            source = SOURCES[str(state.processing_state["source"])]
            field, shown = source.keywords, "message"
        if not self._negated:
            self.shown.setdefault(
                shown, f"array_to_string({field.sql}, ' ')" if field.kind == "list" else f"{field.sql}::VARCHAR"
            )
        return field

    def _column(self, field: Field, *, cased: bool) -> str:
        """The column of a field's value, as it is or as text in lower case; for a list, of its members."""
        text = field.sql
        if not cased and field.kind == "list":
            text = f"list_transform({text}, lambda one: lower(one))"
        elif not cased:
            text = f"lower(({text})::VARCHAR)" if field.kind == "number" else f"lower({text})"
        name = ("r_" if cased else "l_") + hashlib.sha256(text.encode()).hexdigest()[:12]
        self.columns[name] = text
        return name

    def _each(self, field: Field, predicate: str, *, cased: bool) -> str:
        """A predicate over ``{}``, of the value or of any member of a list."""
        column = self._column(field, cased=cased)
        if field.kind == "list":
            return f"len(list_filter({column}, lambda one: {predicate.replace('{}', 'one')})) > 0"
        return predicate.replace("{}", column)

    def _texts(self, field: Field, wanted: list[Wanted], cased: bool) -> str:
        column = self._column(field, cased=cased)
        if field.kind == "number" and cased:
            column = f"{column}::VARCHAR"
        if field.kind == "list":
            return f"len(list_filter({column}, lambda one: {several('one', wanted)})) > 0"
        return several(column, wanted)

    def _wanted(self, cond: _Leaf, cased: bool) -> Wanted:
        value = cond.value
        assert isinstance(value, SigmaString)
        parts = list(value.s)
        if any(isinstance(part, Placeholder) for part in parts):
            raise SigmaFeatureNotSupportedByBackendError("placeholders (%name%) have no values here")
        keyword = isinstance(cond, ConditionValueExpression)
        before = keyword or (bool(parts) and parts[0] == SpecialChars.WILDCARD_MULTI)
        after = keyword or (bool(parts) and parts[-1] == SpecialChars.WILDCARD_MULTI)
        while parts and parts[0] == SpecialChars.WILDCARD_MULTI:
            parts.pop(0)
        while parts and parts[-1] == SpecialChars.WILDCARD_MULTI:
            parts.pop()
        if not parts:
            return Wanted("any" if before or after else "equals", "")
        texts = [part if cased or not isinstance(part, str) else _lower(part) for part in parts]
        if len(texts) == 1 and isinstance(texts[0], str):
            return Wanted(_FORMS[before, after], texts[0])
        said = [
            quoted_regex(t) if isinstance(t, str) else "." if t == SpecialChars.WILDCARD_SINGLE else ".*" for t in texts
        ]
        return Wanted("pattern", ".*" * before + "".join(said) + ".*" * after)

    def _number(self, cond: _Leaf, field: Field, value: SigmaNumber) -> str:
        number = _plain_number(value.number)
        if isinstance(cond, ConditionValueExpression):
            return self._texts(field, [Wanted("contains", number)], cased=False)
        if field.kind == "number":
            return f"{self._column(field, cased=True)} = {number}"
        return self._texts(field, [Wanted("equals", number)], cased=False)

    def _numeric(self, field: Field) -> str:
        if field.kind == "list":
            raise SigmaFeatureNotSupportedByBackendError("a field with several values cannot be compared by size")
        column = self._column(field, cased=True)
        return column if field.kind == "number" else f"try_cast({column} AS DOUBLE)"

    def _regex(self, field: Field, value: SigmaRegularExpression) -> str:
        if any(isinstance(part, Placeholder) for part in value.regexp.s):
            raise SigmaFeatureNotSupportedByBackendError("placeholders (%name%) have no values here")
        pattern = "".join(part if isinstance(part, str) else _WILDCARDS[part] for part in value.regexp.s)
        if len(pattern) > MAX_REGEX:
            raise SigmaFeatureNotSupportedByBackendError(f"a regular expression is longer than {MAX_REGEX} characters")
        flags = "".join(sorted(_FLAGS[flag] for flag in value.flags))
        column = "{}::VARCHAR" if field.kind == "number" else "{}"
        text = literal((f"(?{flags})" if flags else "") + pattern)
        if field.kind == "list":
            return f"len(list_filter({self._column(field, cased=True)}, lambda one: regexp_matches(one, {text}))) > 0"
        return f"regexp_matches({column.replace('{}', self._column(field, cased=True))}, {text})"

    def _network(self, value: SigmaCIDRExpression) -> str:
        network = value.network
        if isinstance(network, ipaddress.IPv4Network):
            low, high = int(network[0]), int(network[-1])
            return f"coalesce(ipv4_number({{}}) BETWEEN {low}::UBIGINT AND {high}::UBIGINT, FALSE)"
        low6, high6 = network[0].exploded, network[-1].exploded
        return f"coalesce(ipv6_exploded({{}}) BETWEEN '{low6}' AND '{high6}', FALSE)"

    def _reference(self, field: Field, value: SigmaFieldReference) -> str:
        source, name = mapped_field(value.field)
        other = source.find(name)
        if other is None or "list" in (field.kind, other.kind):
            raise SigmaFeatureNotSupportedByBackendError(f"field {safe(name, limit=60)} cannot be compared with")
        mine, its = self._column(field, cased=False), self._column(other, cased=False)
        if value.starts_with:
            return f"starts_with({mine}, {its})"
        return f"ends_with({mine}, {its})" if value.ends_with else f"{mine} = {its}"


def _lower(text: str) -> str:
    """Lower case as DuckDB's ``lower`` makes it: character by character, one for one."""
    return text.lower() if text.isascii() else "".join(char.lower()[0] for char in text)


def _plain_number(number: int | float) -> str:
    """A number as SQL; pySigma lets no infinity and no NaN through."""
    return repr(int(number)) if number == int(number) else repr(float(number))

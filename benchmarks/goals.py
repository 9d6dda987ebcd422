"""What the networks are to reach, and by how much they do or do not: the overview of docs/detection.md."""

from __future__ import annotations

import statistics
from typing import Any

from benchmarks import loso
from benchmarks.documents import GAP, RESULTS, read_result, table

LEFT_OUT = {"query": 0.98, "domain": 0.975}
"""AUROC on whole sources kept out of training."""
FALSE_ALARMS = 0.001
"""Share of distinct benign values of real access and dns logs that may alarm."""
CODE_AUROC, CODE_RECALL = 0.985, 0.90
"""On the published validation part; recall at 1 % false positives of it."""
FLOW_RECALL, FLOW_FALSE = 0.95, 0.01
"""On captures of networks that were in no training, at the shipped rule for thresholds."""
FAITHFUL = 0.9

Row = list[str]


def pooled(logs: dict[str, Any]) -> tuple[int, int]:
    """Alarms and distinct values of the logs that no training saw."""
    unseen = [m for m in logs.values() if m["role"] == "unseen"]
    return sum(m["alarms"] for m in unseen), sum(m["values"] for m in unseen)


def met(value: float, goal: float, *, at_most: bool = False, percent: bool = False) -> str:
    """``yes``, or by how much a goal is missed."""
    missing = value - goal if at_most else goal - value
    if missing <= 0:
        return "yes"
    return f"no, by {100 * missing:.2f} points" if percent else f"no, by {missing:.4f}"


def left_out(name: str) -> list[Row]:
    """Mean over the left-out sources, and the sources that miss."""
    goal, what = LEFT_OUT[name], "AUROC, each source left out in turn (short trainings)"
    results = loso.finished(RESULTS / f"loso-{name}.jsonl")
    found = loso.areas(results)
    if not found:
        return [[name, what, f"at least {goal}", GAP, ""]]
    mean = statistics.mean(found.values())
    missing = sorted((area, source) for source, area in found.items() if area < goal)
    told = f"mean {mean:.4f} of {len(found)}"
    if missing:
        told += "; below it: " + ", ".join(f"{source} {area:.4f}" for area, source in missing)
    if gone := loso.lacking(name, results):
        told += f"; not measured: {', '.join(gone)}"
    verdict = met(mean, goal) if mean < goal or not missing else f"mean yes, {len(missing)} of {len(found)} no"
    return [[name, what, f"at least {goal}", told, verdict]]


def false_alarms(name: str, found: dict[str, Any]) -> list[Row]:
    """Alarms on logs that no training saw."""
    alarms, values = pooled(found["logs"])
    if not values:
        return []
    return [[
        name, f"false alarms among distinct values of unseen real {'dns' if name == 'domain' else 'access and http'} logs",
        f"at most {FALSE_ALARMS:.1%}", f"{alarms} of {values:,} ({alarms / values:.3%})",
        met(alarms / values, FALSE_ALARMS, at_most=True, percent=True),
    ]]  # fmt: skip


def flow(found: dict[str, Any]) -> list[Row]:
    """ZeroAccess by the shipped weights; every other network by trainings without it."""
    rows = []
    m = found["sets"]["zeroaccess"]
    verdicts = [met(m["recall"], FLOW_RECALL, percent=True), met(m["fpr"], FLOW_FALSE, at_most=True, percent=True)]
    wanted = f"recall at least {FLOW_RECALL:.0%}, false positives at most {FLOW_FALSE:.0%}"
    rows.append(["flow", "ZeroAccess, shipped weights", wanted, f"{m['recall']:.1%}, {m['fpr']:.1%}",
                 "; ".join(f"{w} {v}" for w, v in zip(("recall", "false positives"), verdicts, strict=True))])  # fmt: skip
    networks = read_result("flow-networks")
    tests: dict[str, list[dict[str, Any]]] = {}
    for key, run in networks.items():
        if not key.endswith("|lightgbm"):
            for test, figures in run["tests"].items():
                if test not in {"zeroaccess", "zat"}:
                    tests.setdefault(f"{key.partition('|')[0]}: {test}", []).append(figures)
    what = "captures of a network left out of training"
    if not tests:
        return [*rows, ["flow", what, wanted, GAP, ""]]
    good, bad = [], []
    for test, runs in sorted(tests.items()):
        rates = [[r[key] for r in runs if r[key] is not None] for key in ("recall", "fpr")]
        recall, false = (statistics.mean(r) if r else None for r in rates)
        fine = (recall is None or recall >= FLOW_RECALL) and (false is None or false <= FLOW_FALSE)
        told = [f"{word} {rate:.1%}" for word, rate in (("recall", recall), ("false", false)) if rate is not None]
        (good if fine else bad).append(f"{test} ({', '.join(told)})")
    told_all = f"{len(good)} of {len(tests)} captures"
    if bad:
        told_all += "; not: " + ", ".join(bad)
    return [*rows, ["flow", what, wanted, told_all, "yes" if not bad else f"no, {len(bad)} of {len(tests)} miss"]]


def code(found: dict[str, Any]) -> list[Row]:
    """The published validation part."""
    m = found["sets"]["malcode-val"]
    recall = m["recall_at_1_percent"]
    rows = [
        ["code", "AUROC on malcode val", f"at least {CODE_AUROC}", f"{m['auroc']:.4f}", met(m["auroc"], CODE_AUROC)]
    ]
    if recall is None:
        return rows
    return [
        *rows,
        ["code", "recall at 1 % false positives on malcode val", f"at least {CODE_RECALL:.0%}", f"{recall:.1%}",
         met(recall, CODE_RECALL, percent=True)],
    ]  # fmt: skip


def explained() -> list[Row]:
    """Faithfulness, the lowest set of each network."""
    rows = []
    for name, sets in read_result("faithfulness").items():
        alerts = sum(one["alerts"] for one in sets.values())
        share = sum(one["alerts"] * one["share"] for one in sets.values()) / alerts
        least = min(sets, key=lambda part: sets[part]["share"])
        told = f"{share:.1%} of {alerts} alerts; lowest {least} {sets[least]['share']:.1%}"
        rows.append([name, "alerts in which what is named moves the score more than chance", f"at least {FAITHFUL:.0%}",
                     told, met(share, FAITHFUL, percent=True)])  # fmt: skip
    return rows


def overview(results: dict[str, Any]) -> str:
    """The table of goals."""
    rows: list[Row] = []
    if "flow" in results:
        rows += flow(results["flow"])
    for name in LEFT_OUT:
        rows += left_out(name)
        if name in results:
            rows += false_alarms(name, results[name])
    if "code" in results:
        rows += code(results["code"])
    return table(["network", "what", "goal", "measured", "met"], rows + explained())

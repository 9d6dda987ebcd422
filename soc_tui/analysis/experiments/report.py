"""Results as a document: Markdown tables, SVG plots beside it, bars for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from soc_tui.analysis.experiments import goals, protocol, variants
from soc_tui.analysis.experiments.picking import Pick, at, grouped, spread, tests_of
from soc_tui.analysis.experiments.plots import Bar, Chart, scale, svg, terminal
from soc_tui.analysis.experiments.running import DETECTOR, DETECTOR_GRID, SMALL, TAUGHT_GRID, Job, read

RATES = ("precision", "recall", "f1", "fpr", "auroc")
FIGURES: dict[str, tuple[str, tuple[str, ...]]] = {
    "parts": ("Figure 7: the whole network and its two halves", ("bilstm-dnn", "bilstm", "dnn")),
    "direction": ("Figure 8: reading both ways or one", ("bilstm-dnn", "lstm-dnn")),
    "switches": ("Figure 9: without BatchNorm, without attention", ("bilstm-dnn", "no-bn", "no-attention")),
}
"""File stem -> title and variants compared, as in the paper's figures."""


def _cell(found: tuple[float, float, float] | None) -> str:
    if found is None:
        return "-"
    mean, least, most = found
    return f"{mean:.3f} ({least:.3f} - {most:.3f})" if least < most else f"{mean:.3f}"


def rates_table(methods: dict[str, list[Job]], test: str) -> str:
    """One row a method: rates at its own threshold, mean and range over the seeds; the interval of F1 of one seed."""
    lines = ["| method | seeds | precision | recall | F1 | 95 % of F1, first seed | false positives | AUROC |",
             "|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for jobs in methods.values():
        cells = [_cell(spread(jobs, test, at(rate))) for rate in RATES]
        low, high = jobs[0].result["tests"][test]["intervals"]["f1"] or (float("nan"),) * 2
        row = [jobs[0].title, str(len(jobs)), *cells[:3], f"{low:.3f} - {high:.3f}", *cells[3:]]
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def matched_table(methods: dict[str, list[Job]], test: str) -> str:
    """One row a method: the same false-positive rate for all, and recall on known and unknown attack types."""
    lines = ["| method | recall at 1 % | F1 at 1 % | recall at 5 % | F1 at 5 % | recall, seen types | unseen types |",
             "|---|---|---|---|---|---|---|"]  # fmt: skip
    picks = [
        at("at 1%", "recall"), at("at 1%", "f1"), at("at 5%", "recall"), at("at 5%", "f1"),
        at("recall_seen"), at("recall_unseen"),
    ]  # fmt: skip
    for jobs in methods.values():
        lines.append("| " + " | ".join([jobs[0].title, *(_cell(spread(jobs, test, pick)) for pick in picks)]) + " |")
    return "\n".join(lines) + "\n"


def classes_table(methods: dict[str, list[Job]], test: str) -> str:
    """One row a method: accuracy, macro F1 and the F1 of each class."""
    names = list(next(iter(methods.values()))[0].result["tests"][test]["classes"]["f1"])
    lines = [f"| method | accuracy | macro F1 | {' | '.join(names)} |", "|" + "---|" * (len(names) + 3)]
    for jobs in methods.values():
        cells = [_cell(spread(jobs, test, at("classes", key))) for key in ("accuracy", "macro_f1")]
        each = [spread(jobs, test, at("classes", "f1", name)) for name in names]
        cells += ["-" if found is None else f"{found[0]:.3f}" for found in each]
        lines.append("| " + " | ".join([jobs[0].title, *cells]) + " |")
    return "\n".join(lines) + "\n"


def margins_table(methods: dict[str, list[Job]], test: str) -> str:
    """The network less each of the paper's rivals and LightGBM, in points; empty when there is nothing to compare."""
    ours = methods.get(DETECTOR)
    others = {name: methods[name] for name in (*goals.PAPER, "lightgbm") if name in methods}
    if not ours or not others:
        return ""
    picks: dict[str, Pick] = {rate: at(rate) for rate in ("precision", "recall", "f1", "auroc")}
    picks |= {f"{rate} at 5 %": at("at 5%", rate) for rate in ("precision", "recall", "f1")}
    lines = [f"| the network less | {' | '.join(picks)} |", "|" + "---|" * (len(picks) + 1)]
    for jobs in others.values():
        cells = []
        for pick in picks.values():
            mine, theirs = spread(ours, test, pick), spread(jobs, test, pick)
            cells.append("-" if mine is None or theirs is None else f"{100 * (mine[0] - theirs[0]):+.1f}")
        lines.append("| " + " | ".join([jobs[0].title, *cells]) + " |")
    return "\n".join(lines) + "\n"


def chart(methods: dict[str, list[Job]], test: str, names: Sequence[str], title: str) -> Chart | None:
    """Precision, recall and F1 of some methods, with the range over the seeds; None with fewer than two."""
    shown = [name for name in names if name in methods]
    if len(shown) < 2:
        return None
    groups: list[tuple[str, tuple[Bar, ...]]] = []
    values: list[float] = []
    for rate, label in (("precision", "precision"), ("recall", "recall"), ("f1", "F1"), ("auroc", "AUROC")):
        bars = []
        for name in shown:
            found = spread(methods[name], test, at(rate))
            bars.append(Bar(None) if found is None else Bar(*found))
            values += [] if found is None else [found[1]]
        groups.append((label, tuple(bars)))
    start, end = scale(values)
    return Chart(title, tuple(methods[name][0].title for name in shown), tuple(groups), start, end)


def charts(jobs: Sequence[Job]) -> dict[str, Chart]:
    """File stem -> chart: the paper's figures 7 to 9 and the comparison with the rivals, for each test."""
    out: dict[str, Chart] = {}
    for data in dict.fromkeys(job.data for job in jobs):
        methods = grouped(jobs, data, "binary")
        if not methods:
            continue
        for test in tests_of(methods):
            stem = f"{data}-{test}".lower().replace("%", "").replace("+", "-plus").replace(" ", "-")
            others = [name for name in methods if name not in variants.VARIANTS]
            wanted = {**FIGURES, "rivals": ("Against the rivals", tuple(others))}
            for name, (title, shown) in wanted.items():
                drawn = chart(methods, test, shown, f"{title} ({data}, {test})")
                if drawn:
                    out[f"{stem}-{name}"] = drawn
    return out


def document(jobs: Sequence[Job]) -> str:
    """The results as Markdown; plots are named as :func:`charts` names them, in the folder ``experiments``."""
    seen = [length["epochs"] * length["rows_per_epoch"] for length in (SMALL, TAUGHT_GRID[0], DETECTOR_GRID[0])]
    head = _HEAD.format(rows=seen[0], taught=seen[1], longer=seen[2], trial=protocol.CHOICE_ROWS)
    out = ["# The paper's experiments\n", head]
    drawn = charts(jobs)
    out.append(goals.summary(jobs))
    for data in dict.fromkeys(job.data for job in jobs):
        out.append(f"## {data}\n\nRows: {next(job.split for job in jobs if job.data == data)}.\n")
        for task, heading in (("binary", "Attack or benign"), ("classes", "All classes")):
            methods = grouped(jobs, data, task)
            for test in tests_of(methods) if methods else ():
                out.append(f"### {heading}: {test}\n")
                if task == "classes":
                    out.append(classes_table(methods, test))
                    continue
                out += [rates_table(methods, test), _MATCHED, matched_table(methods, test)]
                margins = margins_table(methods, test)
                out += [_MARGINS, margins] if margins else []
                out += [
                    f"![{c.title}](experiments/{stem}.svg)\n"
                    for stem, c in drawn.items()
                    if f"({data}, {test})" in c.title
                ]
        out += ["### Settings chosen on training rows\n", _settings(jobs, data)]
    return "\n".join(out)


def _settings(jobs: Sequence[Job], data: str) -> str:
    lines = ["| method | setting | figures of the settings tried |", "|---|---|---|"]
    for method, found in grouped(jobs, data, "binary").items():
        job = found[0]
        tried = ", ".join(f"{figure:.4f}" for _, figure in job.trials) or "one setting"
        lines.append(f"| {job.title} (`{method}`) | `{job.options}` | {tried} |")
    return "\n".join(lines) + "\n"


def publish(folder: Path) -> Path:
    """Write ``experiments.md`` and its plots from ``experiments/results.json``; returns the document's path.

    ``experiments/notes.md``, words by hand on what was tried, is taken in at the end when it is there.

    Args:
        folder: of the document, with the results below it.
    """
    plots = folder / "experiments"
    jobs = read(plots)
    for stem, drawn in charts(jobs).items():
        (plots / f"{stem}.svg").write_text(svg(drawn), "utf-8")
    notes = plots / "notes.md"
    path = folder / "experiments.md"
    path.write_text(document(jobs) + ("\n" + notes.read_text("utf-8") if notes.exists() else ""), "utf-8")
    return path


def bars(jobs: Sequence[Job]) -> str:
    """Every chart for the terminal."""
    return "\n".join(terminal(drawn) for drawn in charts(jobs).values())


_HEAD = """Written by `soc-tui models experiments --data DIR`. Every method gets the same columns, the same rows,
at most four settings to choose from on training rows, and the same rule for its threshold: at most 1 % of the benign
rows of a validation part (a fifth of the training rows, or other captures) are alarms. Cells are the mean over
the seeds with the least and the greatest; a seed draws the validation part and everything random in the method. The
variants of the network see at most {rows:,} rows in all, the taught one {taught:,}, that of the detector {longer:,},
the rivals as many as they ask for;
settings are tried on {trial:,} rows. Longer trainings were not tried: the figures compare methods.
"""
_MATCHED = "At the same false-positive rate on the test rows for all (read off the curve; it fixes no threshold):\n"
_MARGINS = "In points, mean over the seeds, at each method's own threshold and at the same false-positive rate:\n"

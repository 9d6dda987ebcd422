"""``models`` and ``score``: the risk networks."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from soc_tui.cli.main import Globals, app
from soc_tui.cli.output import emit, emit_one, talk
from soc_tui.core.errors import SourceError, UsageError

group = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="The risk networks: list, train, evaluate, calibrate, learn."
)
app.add_typer(group, name="models")

Model = Annotated[str, typer.Argument(metavar="NAME", help="flow, query, domain, code, page or session.")]


def _folder(options: Globals) -> Path | None:
    chosen = options.settings().analysis.models_dir
    return Path(chosen) if chosen else None


@group.command("list")
def list_models(context: typer.Context) -> None:
    """Every installed network by its model card."""
    from soc_tui.analysis.prediction import list_models as listed

    options: Globals = context.obj
    columns = ("name", "classes", "threshold", "threshold_source", "parameters", "seed", "date", "licence")
    emit(listed(_folder(options)), options.format, columns if options.format == "table" else ())


@group.command()
def evaluate(
    context: typer.Context,
    name: Model,
    data: Annotated[
        Path, typer.Option(readable=False, help="A labelled Zeek log, or Parquet, CSV or JSONL with value and label.")
    ],
) -> None:
    """Figures of a network on a labelled file, at its fixed threshold."""
    from soc_tui.analysis.prediction import evaluate_file

    options: Globals = context.obj
    emit_one(evaluate_file(name, data, _folder(options)), options.format)


@group.command()
def train(
    context: typer.Context,
    name: Model,
    data: Annotated[
        Path, typer.Option(readable=False, help="The folder of training data (see the model card for its files).")
    ],
    out: Annotated[Path, typer.Option(help="Where NAME.safetensors and NAME.json are written.")] = Path("models"),
    seed: Annotated[int, typer.Option(help="Same seed and data, same network.")] = 7,
) -> None:
    """Train a network from labelled data; repeatable by seed. Ctrl-C keeps the last epoch: start again to go on.

    With --format json the whole model card is printed.
    """
    from dataclasses import asdict

    from soc_tui.analysis.building import train as build
    from soc_tui.cli.progress import Progress

    options: Globals = context.obj
    with Progress() as bar:
        card = build(
            name, data, out, seed=seed, progress=lambda said: talk(str(said)),
            bar=lambda share: bar.show({"step": "train", "share": share, "path": name}),
        )  # fmt: skip
    if options.format != "table":
        emit_one(asdict(card), options.format)
        return
    told = ("rows", "positives", "auroc", "recall", "fpr", "precision", "f1")
    emit(({"set": name, **figures} for name, figures in card.metrics.items()), "table", ("set", *told))
    print()
    shown = ("name", "threshold", "threshold_source", "ece", "epochs", "parameters", "weights_sha256")
    emit_one({key: getattr(card, key) for key in shown} | {"card": str(out / f"{name}.json")}, "table")


@group.command()
def calibrate(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Only these networks.")] = None,
    budget: Annotated[str, typer.Option(metavar="N/day", help="Alerts a day that all of them may raise.")] = "20/day",
    days: Annotated[float, typer.Option(help="How many of the latest days of traffic to look at.")] = 7.0,
    restore: Annotated[bool, typer.Option("--restore", help="Go back to the thresholds of the model cards.")] = False,
) -> None:
    """Fix thresholds on the workspace's own traffic, so that alerts stay within a budget; no labels are needed."""
    from soc_tui.cli.progress import Progress
    from soc_tui.management.launch import connect

    options: Globals = context.obj
    result: dict[str, Any] = {}
    with connect(options.settings().workspace) as client, Progress() as bar:
        if restore:
            result = {"models": [client.command("restore_threshold", model=name) for name in names or _names()]}
        else:
            for said in client.stream("calibrate", budget=_per_day(budget), days=days, names=names or []):
                if "progress" in said:
                    bar.show(said["progress"])
                result = said.get("result", result)
    if options.format != "table":
        emit_one(result, options.format)
        return
    columns = ("model", "threshold_before", "threshold", "alerts_per_day_before", "alerts_per_day", "rows")
    emit(result["models"], "table", ("model", "threshold") if restore else columns)
    for one in result["models"]:
        for name, recall in one.get("recall", {}).items():
            was, now = f"{recall['card']:.1%}", f"{recall['here']:.1%}"
            talk(f"{one['model']}: recall on {name} {was} at the card's threshold, {now} here")


@group.command()
def learn(
    context: typer.Context,
    name: Model,
    approve: Annotated[
        bool, typer.Option("--approve", help="Accept more lost recall than marks alone may cost; audited.")
    ] = False,
) -> None:
    """Learn from the true and false positives that analysts have marked (t and f in the console)."""
    from soc_tui.management.launch import connect

    options: Globals = context.obj
    with connect(options.settings().workspace) as client:
        learned = client.command("learn", model=name, approved=approve)
    emit_one(learned, options.format)
    if learned["share"] < 1:
        talk(
            f"held back to {learned['share']:.0%}: followed whole, the marks would lose"
            f" {learned['recall_lost_whole']:.1%} of known attacks; an admin may accept that with --approve"
        )


@group.command()
def drift(context: typer.Context) -> None:
    """How far the latest day is from the traffic that thresholds were fixed on (PSI; 0.25: another population)."""
    from soc_tui.management.launch import connect

    options: Globals = context.obj
    with connect(options.settings().workspace) as client:
        found = client.command("drift")["models"]
    columns = ("model", "drifted", "psi_score", "psi_worst", "rows", "calibrated", "stale")
    emit(found, options.format, columns if options.format == "table" else ())


def _names() -> tuple[str, ...]:
    from soc_tui.analysis.encoding import NAMES

    return NAMES


def _per_day(text: str) -> float:
    number, _, unit = text.partition("/")
    per = {"": 1.0, "day": 1.0, "hour": 24.0, "week": 1 / 7}.get(unit.strip().lower())
    try:
        found = float(number) * per if per else 0.0
    except ValueError:
        found = 0.0
    if not 0 < found < float("inf"):
        raise UsageError(f"{text!r} is no budget", remedy="write 20/day, 2/hour or 50/week")
    return found


@group.command()
def explain(context: typer.Context, name: Model, value: Annotated[str, typer.Argument(help="One value.")]) -> None:
    """Why a value gets its score, also below the threshold."""
    from soc_tui.analysis.prediction import explain as explained

    options: Globals = context.obj
    emit_one(explained(name, value, _folder(options)), options.format)


@group.command()
def experiments(
    context: typer.Context,
    data: Annotated[Path, typer.Option(readable=False, help="The data folder, with flows/ and sensor/.")],
    out: Annotated[Path, typer.Option(help="Where experiments.md and experiments/ are written.")] = Path("docs"),
    only: Annotated[
        list[str] | None, typer.Option(help="A data set, method or task (binary, classes); may be repeated.")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Trainings of each method; 3 show the spread.")] = 3,
) -> None:
    """The paper's experiments on public tables and captures; goes on where it was stopped."""
    from dataclasses import asdict

    from soc_tui.analysis.experiments import report, running

    options: Globals = context.obj
    jobs = running.experiments(data, out / "experiments", seeds, only or [], lambda said: talk(str(said)))
    report.publish(out)
    if options.format == "table":
        print(report.bars(jobs))
    else:
        emit((asdict(job) for job in jobs), options.format)


@app.command()
def score(
    context: typer.Context,
    name: Model,
    file: Annotated[
        str,
        typer.Argument(
            metavar="[FILE|-]", help="One value a line, or Parquet with value or tokens; - is standard input."
        ),
    ] = "-",
) -> None:
    """Score one value a line; prints one JSON object a line."""
    options: Globals = context.obj
    rows = _table_scores(name, Path(file), options) if file.endswith(".parquet") else _line_scores(name, file, options)
    form = "jsonl" if options.format == "table" else options.format
    emit(rows, form)


def _line_scores(name: str, file: str, options: Globals) -> list[dict[str, Any]]:
    from soc_tui.analysis.prediction import score_values

    return score_values(name, _lines(file), _folder(options))


def _table_scores(name: str, file: Path, options: Globals) -> list[dict[str, Any]]:
    from soc_tui.analysis.corpora.labelled import read_table
    from soc_tui.analysis.prediction import Predictor, score_table, score_values

    table = read_table(file)
    if table.column_names == ["value"]:
        return score_values(name, [value or "" for value in table["value"].to_pylist()], _folder(options))
    shown = [f"row {place}" for place in range(1, table.num_rows + 1)]
    return score_table(name, table, shown, {}, Predictor.load(_folder(options), name))


def _lines(file: str) -> list[str]:
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", source=file, remedy="name a text file, or -") from error
    lines = raw.decode("utf-8", "backslashreplace").split("\n")  # not splitlines: U+2028 is part of a value
    return [line.removesuffix("\r") for line in (lines[:-1] if lines[-1] == "" else lines)]

"""``models`` and ``score``: the risk networks."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from soc_tui.cli.main import Globals, app
from soc_tui.cli.output import emit, emit_one, talk
from soc_tui.core.errors import SourceError

group = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="The risk networks: list, train, evaluate.")
app.add_typer(group, name="models")

Model = Annotated[str, typer.Argument(metavar="NAME", help="flow or query.")]


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
    """Train a network from labelled data; repeatable by seed."""
    from dataclasses import asdict

    from soc_tui.analysis.building import train as build

    options: Globals = context.obj
    emit_one(asdict(build(name, data, out, seed=seed, progress=lambda said: talk(str(said)))), options.format)


@group.command()
def explain(context: typer.Context, name: Model, value: Annotated[str, typer.Argument(help="One value.")]) -> None:
    """Why a value gets its score, also below the threshold."""
    from soc_tui.analysis.prediction import explain as explained

    options: Globals = context.obj
    emit_one(explained(name, value, _folder(options)), options.format)


@group.command()
def experiments(
    context: typer.Context,
    data: Annotated[
        Path, typer.Option(readable=False, help="The data folder, with flows/NSL-KDD and flows/UNSW-NB15-82k.")
    ],
    out: Annotated[Path, typer.Option(help="Where experiments.md and experiments/ are written.")] = Path("docs"),
    only: Annotated[
        list[str] | None, typer.Option(help="A data set, method or task (binary, classes); may be repeated.")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Trainings of each method; 3 show the spread.")] = 3,
) -> None:
    """The paper's experiments on public tables; goes on where it was stopped."""
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
    file: Annotated[str, typer.Argument(metavar="[FILE|-]", help="One value a line; - is standard input.")] = "-",
) -> None:
    """Score one value a line; prints one JSON object a line."""
    from soc_tui.analysis.prediction import score_values

    options: Globals = context.obj
    rows: list[dict[str, Any]] = score_values(name, _lines(file), _folder(options))
    form = "jsonl" if options.format == "table" else options.format
    emit(rows, form)


def _lines(file: str) -> list[str]:
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", source=file, remedy="name a text file, or -") from error
    lines = raw.decode("utf-8", "backslashreplace").split("\n")  # not splitlines: U+2028 is part of a value
    return [line.removesuffix("\r") for line in (lines[:-1] if lines[-1] == "" else lines)]

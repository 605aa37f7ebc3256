"""Optimisers beside each other: one command per experiment, of Python's standard library alone."""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from curves import draw

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PROBLEMS = ROOT / "cli/src/main/resources/io/backpack4j/cli/problems"
EPOCH = re.compile(r"^epoch (\d+)/\d+\s+(.*)$")
VALUE = re.compile(r"(held-out loss|held-out accuracy|loss|accuracy) (\S+)")


@dataclass(frozen=True)
class Contender:
    """An optimiser with a grid of options: the best of them by the last training loss with the tuning seeds is run with others."""

    name: str
    template: str
    grid: dict
    epochs: int

    def expressions(self):
        for values in product(*self.grid.values()):
            yield self.template.format(**dict(zip(self.grid, values)))


@dataclass(frozen=True)
class Experiment:
    model: str
    batch: int
    contenders: tuple


def first_order(epochs, momentum=(0.003, 0.01, 0.03, 0.1, 0.2, 0.3)):
    return (
        Contender("Momentum", "SGD(lr={lr},momentum=0.9)", {"lr": momentum}, epochs),
        Contender("Adam", "Adam(lr={lr})", {"lr": (0.001, 0.003, 0.01)}, epochs),
    )


def preconditioned(names, epochs, rates, dampings):
    template = "PreconditionedGradient(curvature=%s,lr={lr},damping={damping})"
    return tuple(Contender(n, template % n, {"lr": rates, "damping": dampings}, epochs) for n in names)


TUNING_SEED = 100
RARE = "curvature=KFLR,curvature_update_period=10,inverse_update_period=50"
EXPERIMENTS = {
    "logreg": Experiment(
        "logreg",
        128,
        first_order(10, (0.003, 0.01, 0.03, 0.1))
        + preconditioned(("DiagGGNExact", "DiagGGNMC", "KFAC", "KFLR", "KFRA"), 10, (0.1, 0.3), (0.01, 0.1)),
    ),
    "2c2d": Experiment(
        "2c2d",
        128,
        first_order(3, (0.01, 0.03)) + preconditioned(("DiagGGNMC", "KFAC"), 3, (0.03, 0.1), (0.01,)),
    ),
    "mlp": Experiment(
        "mlp",
        512,
        first_order(20)
        + (
            Contender(
                "KFAC averaged",
                "KFAC(lr={lr},damping=0.005,norm_constraint={most},momentum={momentum},curvature_ema=0.5," + RARE + ")",
                {"lr": (0.04, 0.05), "most": (0.01, 0.015), "momentum": (0.6, 0.65)},
                7,
            ),
        ),
    ),
}


def train(launcher, experiment, expression, epochs, seed, data, out):
    """Runs one training; returns its epochs with the seconds since the first of them ended, which warms up, or nothing if it failed."""
    command = [launcher, "train", "--model", str(PROBLEMS / (experiment.model + ".json")), "--batch", str(experiment.batch)]
    command += ["--epochs", str(epochs), "--seed", str(seed), "--optimizer", expression, "--out", str(out)]
    command += data
    rows, begun = [], None
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        last = ""
        for line in process.stdout:
            last = line.strip() or last
            match = EPOCH.match(line)
            if match:
                begun = begun or time.monotonic()
                values = {name.replace(" ", "_"): float(number) for name, number in VALUE.findall(match.group(2))}
                rows.append({"epoch": int(match.group(1)), "seconds": time.monotonic() - begun, **values})
    if process.returncode != 0:
        print("    failed: " + last[:150], file=sys.stderr)
        return []
    with open(out / "run.jsonl", encoding="utf-8") as log:
        steps = [line for line in map(json.loads, log) if "step" in line]
    for row in rows:
        row["steps"] = round(len(steps) * row["epoch"] / len(rows))
    return rows


def last_loss(rows):
    return rows[-1]["loss"] if rows and rows[-1]["loss"] == rows[-1]["loss"] else float("inf")


def compare(name, launcher, seeds, epochs, data, target):
    experiment = EXPERIMENTS[name]
    results = []
    for contender in experiment.contenders:
        count = epochs or contender.epochs
        tried = {}
        for expression in contender.expressions():
            print("  " + expression, file=sys.stderr)
            tried[expression] = train(
                launcher, experiment, expression, count, TUNING_SEED, data, target / "runs" / contender.name
            )
        best = min(tried, key=lambda expression: last_loss(tried[expression]))
        runs = []
        for seed in range(seeds):
            runs.append(train(launcher, experiment, best, count, seed, data, target / "runs" / contender.name))
        grid = {expression: last_loss(rows) for expression, rows in tried.items()}
        results.append({"name": contender.name, "optimizer": best, "runs": [run for run in runs if run], "grid": grid})
    return results


def quartiles(values):
    """Median, and the quartiles where there are enough values."""
    if not values:
        return "–"
    middle = statistics.median(values)
    if len(values) < 3:
        return f"{middle:.4g}"
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return f"{middle:.4g} ({low:.4g} to {high:.4g})"


def reaching(rows, loss):
    """The first epoch whose loss is no more than that of another."""
    return next((row for row in rows if row["loss"] <= loss), None)


def report(name, results, seeds):
    experiment = EXPERIMENTS[name]
    lines = [
        f"# {name}: batches of {experiment.batch}, {seeds} seed(s)",
        "",
        f"Grids were tuned with seed {TUNING_SEED}, which is none of those that are reported. Medians over seeds, quartiles in brackets. Seconds count from the end of the first epoch, which warms up. The last two columns say how many steps and seconds an optimiser takes to the loss that Momentum ends with.",
        "",
        "| optimiser | best of its grid | training loss | held-out accuracy | ms per step | steps to Momentum's loss | seconds to it |",
        "|---|---|---|---|---|---|---|",
    ]
    base = [run[-1]["loss"] for run in next(r for r in results if r["name"] == "Momentum")["runs"]]
    goal = statistics.median(base) if base else float("-inf")
    for result in results:
        runs = result["runs"]
        ends = [run[-1] for run in runs]
        there = [reaching(run, goal) for run in runs]
        if result["name"] == "Momentum":
            there = ends
        reached = bool(there) and all(there)
        cells = [
            result["name"],
            "`%s`" % result["optimizer"],
            quartiles([end["loss"] for end in ends]),
            quartiles([end.get("held-out_accuracy", float("nan")) for end in ends]),
            quartiles([1000 * run[-1]["seconds"] / (run[-1]["steps"] - run[0]["steps"]) for run in runs if len(run) > 1]),
            quartiles([row["steps"] for row in there]) if reached else "not reached",
            quartiles([row["seconds"] for row in there]) if reached else "not reached",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(prog="bench/experiments/run", description=__doc__)
    parser.add_argument("experiment", choices=sorted(EXPERIMENTS))
    parser.add_argument("--seeds", type=int, default=3, help="of the best of each grid; 3 by default")
    parser.add_argument("--epochs", type=int, help="instead of those of the experiment")
    parser.add_argument("--data", help="IMAGES,LABELS as `backpack train --data`; the shipped digits by default")
    parser.add_argument("--valid", help="as `backpack train --valid`")
    parser.add_argument("--out", type=Path, help="bench/target/experiments/NAME by default")
    parser.add_argument("--launcher", default=os.environ.get("BACKPACK", str(ROOT / "backpack")), help="of the command line")
    arguments = parser.parse_args()
    name = arguments.experiment
    target = arguments.out or ROOT / "bench/target/experiments" / name
    target.mkdir(parents=True, exist_ok=True)
    data = [word for option in ("data", "valid") if getattr(arguments, option) for word in ("--" + option, getattr(arguments, option))]
    results = compare(name, arguments.launcher, arguments.seeds, arguments.epochs, data, target)
    (target / "results.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    (target / "report.md").write_text(report(name, results, arguments.seeds), encoding="utf-8")
    (target / "curves.svg").write_text(draw(results), encoding="utf-8")
    print((target / "report.md").read_text(encoding="utf-8"))
    print(f"results.json, report.md and curves.svg are in {target}.")


if __name__ == "__main__":
    main()

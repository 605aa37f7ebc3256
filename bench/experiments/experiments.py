"""Optimisers beside each other: one command per experiment, of Python's standard library alone."""

import argparse
import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from curves import draw

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PROBLEMS = ROOT / "cli/src/main/resources/io/backpack4j/cli/problems"


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


def first_order(epochs, momentum=(0.003, 0.01, 0.03, 0.1, 0.2, 0.3), adam=(0.001, 0.003, 0.01)):
    return (
        Contender("Momentum", "SGD(lr={lr},momentum=0.9)", {"lr": momentum}, epochs),
        Contender("Adam", "Adam(lr={lr})", {"lr": adam}, epochs),
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
        first_order(5, (0.01, 0.03, 0.1), (0.001, 0.003))
        # Many pixels are dark in nearly all images: their diagonal is next to nothing, and damping is what divides.
        + preconditioned(("DiagGGNExact", "DiagGGNMC"), 5, (0.003, 0.01, 0.03), (0.1,))
        + preconditioned(("KFAC", "KFLR", "KFRA"), 5, (0.1, 0.3), (0.01,)),
    ),
    "2c2d": Experiment(
        "2c2d",
        128,
        first_order(4, (0.01, 0.03), (0.001,)) + preconditioned(("DiagGGNMC", "KFAC"), 4, (0.03, 0.1), (0.01,)),
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


class Runner:
    """A JVM that trains one network again and again, and is warm after the first run."""

    def __init__(self, home, experiment, data):
        jars = [str(jar) for jar in sorted(home.glob("backpack4j-cli-*.jar")) if not jar.stem.endswith(("-sources", "-javadoc"))]
        if not jars:
            raise SystemExit(f"nothing is built in {home}: run ./backpack once.")
        java = os.path.join(os.environ["JAVA_HOME"], "bin/java") if "JAVA_HOME" in os.environ else "java"
        command = [java, "-XX:+UseSerialGC", "-Dguice_custom_class_loading=CHILD", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
        command += ["-Dorg.bytedeco.javacpp.maxbytes=0", "-Dorg.bytedeco.javacpp.maxphysicalbytes=0"]
        command += ["-cp", ":".join(jars + [str(home / "lib/*")]), str(HERE / "Runs.java")]
        command += [str(PROBLEMS / (experiment.model + ".json")), *data]
        self._batch = experiment.batch
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def train(self, expression, epochs, seed):
        """Runs one training; returns its epochs, or nothing if it failed."""
        self._process.stdin.write(f"{self._batch}\t{epochs}\t{seed}\t{expression}\n")
        self._process.stdin.flush()
        rows = []
        for line in self._process.stdout:
            if line.startswith("{"):
                rows.append(json.loads(line.replace("NaN", "null")))
            elif line.startswith("done"):
                return rows
            elif line.startswith("failed"):
                print("    " + line.strip()[:150], file=sys.stderr)
                return []
        raise SystemExit("the JVM ended")

    def close(self):
        self._process.stdin.close()
        self._process.wait()


def last_loss(rows):
    return rows[-1]["loss"] if rows and rows[-1]["loss"] is not None else float("inf")


def compare(name, home, seeds, epochs, data, only, known):
    """Runs the contenders, or only some; what is known of the others is kept."""
    experiment = EXPERIMENTS[name]
    runner = Runner(home, experiment, data)
    # One run that nobody looks at: the JVM compiles meanwhile.
    runner.train(next(experiment.contenders[0].expressions()), 3, TUNING_SEED)
    results = []
    for contender in experiment.contenders:
        if only and contender.name not in only:
            results += [result for result in known if result["name"] == contender.name]
            continue
        count = epochs or contender.epochs
        tried = {}
        for expression in contender.expressions():
            print("  " + expression, file=sys.stderr)
            tried[expression] = runner.train(expression, count, TUNING_SEED)
        best = min(tried, key=lambda expression: last_loss(tried[expression]))
        runs = [runner.train(best, count, seed) for seed in range(seeds)]
        grid = {expression: last_loss(rows) for expression, rows in tried.items()}
        results.append({"name": contender.name, "optimizer": best, "runs": [run for run in runs if run], "grid": grid})
    runner.close()
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
        f"Grids were tuned with seed {TUNING_SEED}, which is none of those that are reported. Medians over seeds, quartiles in brackets. Seconds count from the start, validation included, in a JVM that is warm. The last two columns say how many steps and seconds an optimiser takes to the loss that Momentum ends with.",
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
            quartiles([1000 * run[-1]["seconds"] / run[-1]["steps"] for run in runs]),
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
    parser.add_argument("--data", help="IMAGES,LABELS as IDX files, or fashion-mnist; the shipped digits by default")
    parser.add_argument("--valid", help="IMAGES,LABELS that are held out of --data")
    parser.add_argument("--only", help="optimisers of the table to run again, with commas; the others stay as --out has them")
    parser.add_argument("--out", type=Path, help="bench/target/experiments/NAME by default")
    parser.add_argument("--built", type=Path, default=ROOT / "cli/target", help="where the jars are; cli/target by default")
    arguments = parser.parse_args()
    name = arguments.experiment
    target = arguments.out or ROOT / "bench/target/experiments" / name
    target.mkdir(parents=True, exist_ok=True)
    if bool(arguments.data) != bool(arguments.valid):
        parser.error("--data and --valid go together")
    data = [arguments.data, arguments.valid] if arguments.data else []
    file = target / "results.json"
    known = json.loads(file.read_text(encoding="utf-8")) if arguments.only and file.exists() else []
    only = arguments.only.split(",") if arguments.only else []
    results = compare(name, arguments.built, arguments.seeds, arguments.epochs, data, only, known)
    file.write_text(json.dumps(results, indent=1), encoding="utf-8")
    (target / "report.md").write_text(report(name, results, arguments.seeds), encoding="utf-8")
    (target / "curves.svg").write_text(draw(results), encoding="utf-8")
    print((target / "report.md").read_text(encoding="utf-8"))
    print(f"results.json, report.md and curves.svg are in {target}.")


if __name__ == "__main__":
    main()

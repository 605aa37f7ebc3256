"""Optimisers beside each other: one command per experiment, of Python's standard library alone."""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from contenders import EXPERIMENTS
from curves import draw
from report import report, times_report

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PROBLEMS = ROOT / "cli/src/main/resources/io/backpack4j/cli/problems"
TUNING_SEED = 100
# Steps that are not timed: plans are made and memory is taken.
LEFT_OUT = 3


class Runner:
    """A JVM that trains one network again and again, and is warm after the first run."""

    def __init__(self, home, experiment, data, threads):
        jars = [str(jar) for jar in sorted(home.glob("backpack4j-cli-*.jar")) if not jar.stem.endswith(("-sources", "-javadoc"))]
        if not jars:
            raise SystemExit(f"nothing is built in {home}: run ./backpack once.")
        java = os.path.join(os.environ["JAVA_HOME"], "bin/java") if "JAVA_HOME" in os.environ else "java"
        command = [java, "-XX:+UseSerialGC", "-Dguice_custom_class_loading=CHILD", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
        command += ["-Dorg.bytedeco.javacpp.maxbytes=0", "-Dorg.bytedeco.javacpp.maxphysicalbytes=0"]
        command += [f"-Dbackpack.threads={threads}"] if threads else []
        command += ["-cp", ":".join(jars + [str(home / "lib/*")]), str(HERE / "Runs.java")]
        command += [str(PROBLEMS / (experiment.model + ".json")), *data]
        self._experiment = experiment
        self.clock = "processor" if threads == 1 else "wall"
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def _ask(self, *words):
        """Has something run; returns the lines that were printed, or nothing if it failed."""
        self._process.stdin.write("\t".join(map(str, words)) + "\n")
        self._process.stdin.flush()
        rows = []
        for line in self._process.stdout:
            if line.startswith("{"):
                rows.append(json.loads(line.replace("NaN", "null").replace("Infinity", "null")))
            elif line.startswith("done"):
                return rows
            elif line.startswith("failed"):
                print("    " + line.strip()[:150], file=sys.stderr)
                return []
        raise SystemExit("the JVM ended")

    def train(self, expression, stretches, seed):
        """Runs one training; returns what was evaluated after each stretch, or nothing if it failed."""
        return self._ask("train", self._experiment.batch, self._experiment.every, stretches, seed, expression)

    def time(self, expression, steps):
        """The milliseconds of steps, one by one: processor time where one thread does all, for then it tells nothing of other work."""
        rows = self._ask("time", self._experiment.batch, LEFT_OUT, steps, expression)
        return rows[0][self.clock] if rows else []

    def close(self):
        self._process.stdin.close()
        self._process.wait()


def last_loss(rows):
    return rows[-1]["loss"] if rows and rows[-1]["loss"] is not None else float("inf")


def compare(experiment, runner, only, seeds, keep):
    """Runs the contenders, or only some, and keeps the results of each as they come."""
    for contender in experiment.contenders:
        if only and contender.name not in only:
            continue
        tried = {}
        for expression in contender.expressions():
            print("  " + expression, file=sys.stderr, flush=True)
            tried[expression] = runner.train(expression, contender.stretches, TUNING_SEED)
        grid = {expression: last_loss(rows) for expression, rows in tried.items()}
        best = min(grid, key=grid.get)
        runs = [runner.train(best, contender.stretches, seed) for seed in range(seeds)]
        finite = {expression: None if loss == float("inf") else loss for expression, loss in grid.items()}
        keep({"name": contender.name, "optimizer": best, "grid": finite, "runs": runs})


def measure(experiment, runner, results, only, rounds, steps):
    """Times of steps; the contenders take turns, so that what else the machine does meets all of them."""
    chosen = {result["name"]: result["optimizer"] for result in results}
    taken = {}
    for turn in range(rounds + 1):
        for contender in experiment.contenders:
            if only and contender.name not in (*only, "Momentum"):
                continue
            count = max(steps, contender.period)
            count -= count % contender.period
            ms = runner.time(chosen.get(contender.name, next(contender.expressions())), count)
            # The first round warms up.
            if ms and turn > 0:
                value = statistics.median(ms) if contender.period == 1 else statistics.mean(ms)
                taken.setdefault(contender.name, {})[turn] = value
    base = taken["Momentum"]
    return {
        name: {
            "ms": round(statistics.median(of.values()), 3),
            "of_momentum": round(statistics.median(of[turn] / base[turn] for turn in of), 3),
            "clock": runner.clock,
        }
        for name, of in taken.items()
    }


def read(file, otherwise):
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else otherwise


def write(file, content):
    beside = file.with_suffix(f".{os.getpid()}")
    beside.write_text(content, encoding="utf-8")
    beside.replace(file)


def arguments():
    parser = argparse.ArgumentParser(prog="bench/experiments/run", description=__doc__)
    parser.add_argument("experiment", choices=sorted(EXPERIMENTS))
    parser.add_argument("--times", action="store_true", help="only times steps, of the optimisers that were chosen, beside Momentum's; results.json gets them. Starts from docs/ where nothing was run here")
    parser.add_argument("--report", action="store_true", help="only writes report.md and curves.svg again, of results.json")
    parser.add_argument("--publish", action="store_true", help="puts results.json and curves.svg into docs/ as well; tables of docs/experiments.md are report.md's")
    parser.add_argument("--seeds", type=int, default=3, help="of the best of each grid; 3 by default")
    parser.add_argument("--rounds", type=int, default=5, help="of --times; 5 by default")
    parser.add_argument("--steps", type=int, default=10, help="per optimiser and round of --times; 10 by default")
    parser.add_argument("--data", help="IMAGES,LABELS as IDX files, or fashion-mnist; what the experiment says by default")
    parser.add_argument("--valid", help="IMAGES,LABELS that are held out of --data")
    parser.add_argument("--only", help="optimisers to run, with commas; the others stay as --out has them")
    parser.add_argument("--threads", type=int, help="of the backend; all processors by default")
    parser.add_argument("--out", type=Path, help="bench/target/experiments/NAME by default")
    parser.add_argument("--built", type=Path, default=ROOT / "cli/target", help="where the jars are; cli/target by default")
    given = parser.parse_args()
    if bool(given.data) != bool(given.valid):
        parser.error("--data and --valid go together")
    if EXPERIMENTS[given.experiment].is_random() and not (given.times or given.report):
        parser.error(f"{given.experiment} has no data: only its steps are timed, with --times")
    return given


def main():
    given = arguments()
    name, experiment = given.experiment, EXPERIMENTS[given.experiment]
    target = given.out or ROOT / "bench/target/experiments" / name
    target.mkdir(parents=True, exist_ok=True)
    file, published = target / "results.json", ROOT / f"docs/experiments/{name}.json"
    if not file.exists() and (given.times or given.report or given.only) and published.exists():
        write(file, published.read_text(encoding="utf-8"))
    order = [contender.name for contender in experiment.contenders]
    only = given.only.split(",") if given.only else []
    unknown = set(only) - set(order)
    if unknown:
        raise SystemExit(f"--only {','.join(sorted(unknown))}: {name} compares {', '.join(order)}.")

    def keep(result):
        others = read(file, {})
        results = [other for other in others.get("results", []) if other["name"] != result["name"]] + [result]
        write(file, json.dumps(others | {"results": sorted(results, key=lambda of: order.index(of["name"]))}))

    if not given.report:
        data = (given.data, given.valid) if given.data else experiment.data
        runner = Runner(given.built, experiment, data, given.threads)
        if given.times:
            known = read(file, {}).get("results", [])
            times = measure(experiment, runner, known, only, given.rounds, given.steps)
            others = read(file, {})
            write(file, json.dumps(others | {"times": others.get("times", {}) | times}))
        else:
            compare(experiment, runner, only, given.seeds, keep)
        runner.close()
    content = read(file, {})
    results, times = content.get("results", []), content.get("times", {})
    text = report(name, experiment, results, times) if results else times_report(name, experiment, times)
    write(target / "report.md", text)
    if results:
        write(target / "curves.svg", draw(results, times))
    if given.publish:
        write(published, json.dumps(content) + "\n")
        if results:
            write(ROOT / f"docs/images/experiment-{name}.svg", draw(results, times))
    print(text)
    print(f"results.json and report.md are in {target}.")


if __name__ == "__main__":
    main()

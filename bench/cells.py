"""What is measured, in which order, and the file of lines that keeps it: a header, then one line per finished cell."""

from __future__ import annotations

import datetime
import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Callable, Optional

import contenders
from contenders import BackPack, CellFailed
from networks import PROBLEMS, Problem

FIRST_ORDER = ["BatchGrad", "BatchL2Grad", "SumGradSquared", "Variance"]
SINGLE = [*FIRST_ORDER, "DiagGGNMC", "KFAC", "DiagGGNExact", "KFLR", "DiagHessian"]
SETS = {
    **{name: [name] for name in [*SINGLE, "KFRA"]},
    "first-order all": FIRST_ORDER,
    "Cheap6": ["BatchL2Grad", "SumGradSquared", "Variance", "DiagGGNMC", "KFAC"],
    "everything": SINGLE,
}
QUICK_SETS = ["SumGradSquared", "KFAC", "Cheap6"]
OURS, DEFAULT_MALLOC, KEPT_PAGES = "backpack4j", "backpack", "backpack_kept_pages"


def default_sets(problem: Problem) -> list[str]:
    """All; but KFRA, whose recursion is as large as the square of a layer's outputs, on the small networks only."""
    return [name for name in SETS if name != "KFRA" or problem.name in ("logreg", "mlp")]


@dataclass(frozen=True)
class Settings:
    """How long and how often a cell is measured; `seconds` is for one contender's round, `limit` for one answer."""

    threads: int
    rounds: int = 3
    seconds: float = 1.0
    limit: float = 60.0

    def repetitions(self, pass_milliseconds: float) -> int:
        return max(2, min(1000, round(self.seconds * 1000 / max(pass_milliseconds, 1e-3))))


def measure(problem: Problem, name: str, settings: Settings) -> dict:
    """Measures the contenders of a cell in turns. What fails once is not tried again."""
    results: dict[str, dict] = {key: {"rounds": []} for key in (OURS, DEFAULT_MALLOC, KEPT_PAGES)}
    opponents: dict[str, BackPack] = {}
    try:
        for key in (DEFAULT_MALLOC, KEPT_PAGES):
            opponents[key] = BackPack(problem, SETS[name], settings.threads, key == KEPT_PAGES, settings.limit)
    except CellFailed as failure:
        for key in (DEFAULT_MALLOC, KEPT_PAGES)[len(opponents):]:
            results[key]["failed"] = str(failure)
    try:
        _rounds(problem, name, settings, opponents, results)
    finally:
        for opponent in opponents.values():
            opponent.close()
    return {"problem": problem.name, "batch": problem.batch, "set": name, "extensions": SETS[name], "contenders": results}


def _rounds(problem: Problem, name: str, settings: Settings, opponents: dict[str, BackPack], results: dict[str, dict]) -> None:
    slowest = max((opponent.warm_milliseconds for opponent in opponents.values()), default=float("inf"))

    def ours() -> dict:
        known = results[OURS]["rounds"]
        expected = known[-1]["pass_ms"]["median"] if known else slowest / 4
        # Without an opponent the pass is a heavy one, and one round of few repetitions has to do.
        repetitions = settings.repetitions(expected) if opponents else 1
        # Ours starts a JVM in every round and so gets the time of starting, too.
        return contenders.backpack4j(problem, SETS[name], settings.threads, repetitions, 2 * settings.limit)

    turns: dict[str, Callable[[], dict]] = {OURS: ours}
    for key, opponent in opponents.items():
        turns[key] = lambda opponent=opponent: opponent.measure(settings.repetitions(opponent.warm_milliseconds))
    for _ in range(settings.rounds if opponents else 1):
        for key, turn in turns.items():
            if "failed" in results[key]:
                continue
            try:
                results[key]["rounds"].append(turn())
            except CellFailed as failure:
                results[key]["failed"] = str(failure)


def header(settings: Settings) -> dict:
    """The machine, the versions, the date and the ceiling."""
    ours = contenders.version_of_ours()
    ceiling = contenders.ceiling(settings.threads)
    return {
        "date": _today(),
        "machine": {"processor": _processor(), "processors": os.cpu_count(), "memory_gib": _memory_gib(), "system": platform.platform()},
        "versions": {"backpack4j": ours, "java": _java(), **ceiling.pop("versions")},
        "ceiling": ceiling,
        "settings": asdict(settings),
    }


def _today() -> str:
    return datetime.date.today().isoformat()


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _memory_gib() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)


def _java() -> str:
    import subprocess

    home = os.environ.get("JAVA_HOME")
    command = f"{home}/bin/java" if home else "java"
    return subprocess.run([command, "-version"], capture_output=True, text=True, check=True).stderr.splitlines()[0].split('"')[1]


def read(path: Path) -> tuple[Optional[dict], list[dict]]:
    """The header and the finished cells of a file; a last line that was cut off is left out."""
    if not path.exists():
        return None, []
    lines = []
    for text in path.read_text().splitlines():
        try:
            lines.append(json.loads(text))
        except json.JSONDecodeError:
            break
    return (lines[0], lines[1:]) if lines else (None, [])


def run(path: Path, wanted: list[tuple[str, str]], settings: Settings, resume: bool, say: Callable[[str], None]) -> None:
    """Measures what is wanted and not there yet."""
    head, done = read(path) if resume else (None, [])
    if head is not None and head["settings"] != asdict(settings):
        raise SystemExit(f"duel: {path} was measured with {head['settings']}. Use the same settings to resume, or start anew without --resume.")
    head = head or header(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in [head, *done]))
    finished = {(cell["problem"], cell["set"]) for cell in done}
    left = [cell for cell in wanted if cell not in finished]
    ours = contenders.version_of_ours() + ("" if _today() == head["date"] else " on " + _today())
    for number, (problem, name) in enumerate(left, 1):
        say(f"{number}/{len(left)} {problem} {name}")
        cell = {**measure(PROBLEMS[problem], name, settings), "version": ours}
        with path.open("a") as file:
            file.write(json.dumps(cell) + "\n")

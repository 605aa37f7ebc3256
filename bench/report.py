"""From measured cells to rows, and from rows to tables."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass
from typing import Optional

import floors
from cells import DEFAULT_MALLOC, KEPT_PAGES, OURS, SETS
from networks import PROBLEMS

TITLES = {"logreg": "Logistic regression", "2c2d": "2C2D", "3c3d": "3C3D", "allcnnc": "All-CNN-C", "mlp": "MLP 784-100-10"}
COMMAND = "bench/duel"


@dataclass(frozen=True)
class Figures:
    """One contender in one cell, milliseconds and MiB: the median of the rounds' medians, and the range of these medians."""

    median: float
    low: float
    high: float
    least: float
    gradient: float
    memory: Optional[float]

    @property
    def ratio(self) -> float:
        """How many of its own gradients the pass costs."""
        return self.median / self.gradient


@dataclass(frozen=True)
class Row:
    """A pass of one problem by all contenders; a contender that failed has no figures but a reason."""

    problem: str
    batch: int
    name: str
    ours: Optional[Figures]
    default: Optional[Figures]
    kept: Optional[Figures]
    failures: dict[str, str]
    operations: Optional[float]
    floor: Optional[float]
    version: str

    def ratio(self, contender: str, figure: str = "median") -> Optional[float]:
        """Our time by the contender's (default or kept), by medians or least times."""
        theirs = getattr(self, contender)
        return getattr(self.ours, figure) / getattr(theirs, figure) if self.ours and theirs else None

    def rate(self, figures: Optional[Figures]) -> Optional[float]:
        """GFLOP/s: counted operations per time."""
        return self.operations / figures.median / 1e6 if figures and self.operations else None

    def to_json(self) -> dict:
        values = asdict(self)
        for key in ("ours", "default", "kept"):
            figures = getattr(self, key)
            if figures:
                share = self.floor / figures.median if self.floor else None
                values[key] |= {"times_own_gradient": figures.ratio, "gflops": self.rate(figures), "floor_by_time": share}
        ratios = {f"{prefix}ours_by_{contender}": self.ratio(contender, figure)
                  for prefix, figure in (("", "median"), ("least_", "least")) for contender in ("default", "kept")}
        return values | ratios


def figures(rounds: list[dict], kind: str = "pass_ms") -> Optional[Figures]:
    if not rounds:
        return None
    medians = [one[kind]["median"] for one in rounds]
    above_idle = [one["peak_rss_mib"] - one["idle_rss_mib"] for one in rounds if "idle_rss_mib" in one]
    return Figures(
        median=statistics.median(medians),
        low=min(medians),
        high=max(medians),
        least=min(one[kind]["min"] for one in rounds),
        gradient=statistics.median(one["gradient_ms"]["median"] for one in rounds),
        memory=max(above_idle) if above_idle else None,
    )


def rows(head: dict, cells: list[dict]) -> list[Row]:
    """A row per cell, and before each problem's cells one for the gradient, from the gradients of all its cells."""
    result = []
    for problem in (name for name in PROBLEMS if any(cell["problem"] == name for cell in cells)):
        mine = sorted((cell for cell in cells if cell["problem"] == problem), key=lambda cell: list(SETS).index(cell["set"]))
        result.append(_gradient_row(head, problem, mine))
        result += [_row(head, cell) for cell in mine]
    return result


def _gradient_row(head: dict, problem: str, cells: list[dict]) -> Row:
    found: dict[str, Optional[Figures]] = {}
    for key in (OURS, DEFAULT_MALLOC, KEPT_PAGES):
        rounds = [{k: v for k, v in one.items() if k != "idle_rss_mib"} for cell in cells for one in cell["contenders"][key]["rounds"]]
        found[key] = figures(rounds, "gradient_ms")
    return _make(head, problem, "gradient", [], found, {}, " and ".join(dict.fromkeys(version(head, cell) for cell in cells)))


def _row(head: dict, cell: dict) -> Row:
    contenders = cell["contenders"]
    failures = {key: value["failed"] for key, value in contenders.items() if "failed" in value}
    found = {key: figures(value["rounds"]) for key, value in contenders.items()}
    return _make(head, cell["problem"], cell["set"], cell["extensions"], found, failures, version(head, cell))


def version(head: dict, cell: dict) -> str:
    """The version of ours that was measured; a resumed run may have gone on with a later one."""
    return cell.get("version", head["versions"]["backpack4j"])


def _make(head: dict, problem: str, name: str, extensions: list[str], found: dict, failures: dict[str, str], ours: str) -> Row:
    counted = floors.operations(PROBLEMS[problem], extensions)
    total = counted.total() if counted else None
    floor = total / head["ceiling"]["gemm_gflops"] / 1e6 if total else None
    return Row(problem, PROBLEMS[problem].batch, name, found[OURS], found[DEFAULT_MALLOC], found[KEPT_PAGES], failures, total, floor, ours)


def number(value: Optional[float], factor: bool = False) -> str:
    """Three digits."""
    if value is None:
        return "–"
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:.{max(digits, 2) if factor and value < 10 else digits}f}"


def _times(row: Row, found: Optional[Figures], key: str) -> str:
    if found is None:
        return row.failures.get(key, "–")
    return f"{number(found.median)} ({number(found.low)}–{number(found.high)})"


def detail(table: list[Row]) -> str:
    """Two tables per problem: medians with memory, and least times beside the floor."""
    parts = []
    for problem in dict.fromkeys(row.problem for row in table):
        mine = [row for row in table if row.problem == problem]
        parts.append(f"## {TITLES[problem]}, N={mine[0].batch}\n")
        parts.append("| pass | backpack4j | BackPACK | BackPACK, pages kept | ours / BackPACK | ours / pages kept | × gradient: ours | BackPACK"
                     " | pages kept | GFLOP/s: ours | BackPACK | pages kept | MiB: ours | BackPACK | pages kept |")
        parts.append("|---|" + "---|" * 14)
        parts += [_median_line(row) for row in mine]
        parts.append("\n| pass, least times | backpack4j | BackPACK | BackPACK, pages kept | ours / BackPACK | ours / pages kept | floor | ours / floor |")
        parts.append("|---|" + "---|" * 7)
        parts += [_least_line(row) for row in mine]
        parts.append("")
    return "\n".join(parts)


def _median_line(row: Row) -> str:
    contenders = ((row.ours, OURS), (row.default, DEFAULT_MALLOC), (row.kept, KEPT_PAGES))
    fields = [row.name, *(_times(row, found, key) for found, key in contenders), number(row.ratio("default"), True), number(row.ratio("kept"), True)]
    fields += [number(found.ratio) if found else "–" for found, _ in contenders]
    fields += [number(row.rate(found)) for found, _ in contenders]
    fields += [f"{found.memory:.0f}" if found and found.memory is not None else "–" for found, _ in contenders]
    return "| " + " | ".join(fields) + " |"


def _least_line(row: Row) -> str:
    fields = [row.name, *(number(found.least if found else None) for found in (row.ours, row.default, row.kept))]
    fields += [number(row.ratio("default", "least"), True), number(row.ratio("kept", "least"), True), number(row.floor)]
    fields.append(number(row.ours.least / row.floor, True) if row.floor and row.ours else "–")
    return "| " + " | ".join(fields) + " |"


def short(table: list[Row]) -> str:
    """Passes by problems: ours, BackPACK with the malloc that is best for it, and the ratio."""
    problems = list(dict.fromkeys(row.problem for row in table))
    batch = {row.problem: row.batch for row in table}
    lines = ["| pass | " + " | ".join(f"{TITLES[problem]}, N={batch[problem]}" for problem in problems) + " |", "|---|" + "---|" * len(problems)]
    for name in ("gradient", *SETS):
        cells = [next((row for row in table if row.problem == problem and row.name == name), None) for problem in problems]
        if any(cells):
            lines.append(f"| {name} | " + " | ".join(_short_cell(row) for row in cells) + " |")
    return "\n".join(lines)


def _short_cell(row: Optional[Row]) -> str:
    if row is None:
        return ""
    ours = number(row.ours.median) if row.ours else row.failures.get(OURS, "–")
    theirs = min((found.median for found in (row.default, row.kept) if found), default=None)
    if theirs is None:
        return f"{ours} / {row.failures.get(DEFAULT_MALLOC, '–')}"
    ratio = f" ({number(row.ours.median / theirs, True)})" if row.ours else ""
    return f"{ours} / {number(theirs)}{ratio}"


def _by_version(table: list[Row]) -> dict[str, list[Row]]:
    """Passes by the version of ours that did them."""
    by_version: dict[str, list[Row]] = {}
    for row in table:
        if row.name != "gradient":
            by_version.setdefault(row.version, []).append(row)
    return by_version


def _shares(table: list[Row]) -> str:
    """What each version of ours did, where there are several."""
    by_version = _by_version(table)
    passes = [row for rows in by_version.values() for row in rows]
    lines = [f"- {ours}: {_scope(rows, passes)}\n" for ours, rows in by_version.items()]
    return "".join(["Cells are of several versions:\n\n", *lines, "\n"]) if len(lines) > 1 else ""


def _scope(rows: list[Row], table: list[Row]) -> str:
    """The problems of these rows; with the passes of them where other rows have the rest."""
    parts = []
    for problem in dict.fromkeys(row.problem for row in rows):
        mine = [row.name for row in rows if row.problem == problem]
        everything = len(mine) == sum(row.problem == problem for row in table)
        parts.append(TITLES[problem] if everything else f"{TITLES[problem]} ({', '.join(mine)})")
    return ", ".join(parts)


def setting(head: dict, table: list[Row]) -> str:
    """The machine, the versions and the date as a sentence."""
    machine, versions, settings = head["machine"], head["versions"], head["settings"]
    return (f"{head['date']}, {machine['processor']}, {machine['processors']} processors, {machine['memory_gib']} GiB, {machine['system']}; "
            f"{settings['threads']} threads, float32; {', '.join(_by_version(table))} on Java {versions['java']}; BackPACK {versions['backpack-for-pytorch']} on "
            f"PyTorch {versions['torch']}, Python {versions['python']}. Matrix products of 1024³ reach {head['ceiling']['gemm_gflops']:.0f} GFLOP/s at best, {head['ceiling']['median_gflops']:.0f} in the median.")


def page(head: dict, table: list[Row], picture: str) -> str:
    """The whole report."""
    return f"""# A duel with BackPACK

{setting(head, table)}

{_shares(table)}`{COMMAND}` measures again and makes such a page; `bench/README.md` says how.

![Times of all passes]({picture})

{_EXPLANATION.format(rounds=head['settings']['rounds'])}

{detail(table)}"""


_EXPLANATION = """Milliseconds per pass, forward + backward on resident data, the gradient included: the median of {rounds} rounds' medians, and their range. The
contenders take turns. *Pages kept* is BackPACK with `MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=4000000000 MALLOC_TOP_PAD_=1000000000`. *× gradient* is
the time by that of the contender's own plain gradient in the same process. *Floor* and GFLOP/s follow from counted operations (`bench/floors.py`), the
floor at the best rate of the matrix products above; kernels that need fewer operations than their definition may come below it. The *least times* of all
rounds stand beside it, since what else the machine does only slows. MiB is peak resident memory above that of the idle process, which has the network
and the data. Where a contender has no time, the reason stands instead. A heavy pass that BackPACK cannot do was measured once."""


def fill(text: str, content: str) -> str:
    """The text with `content` between the marks of the duel."""
    begin, end = "<!-- duel:begin -->", "<!-- duel:end -->"
    before, found, rest = text.partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise SystemExit(f"duel: the file has no {begin} ... {end} to fill.")
    return f"{before}{begin}\n{content.strip()}\n{end}{after}"

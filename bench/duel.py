"""A duel of backpack4j with BackPACK on this machine."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import unittest
from pathlib import Path

import cells
from networks import PROBLEMS, ROOT

RESULTS = Path(__file__).resolve().parent / "target/duel"


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/duel", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="measure, then report (the default)")
    _add_run_options(run)
    for name, text in (("report", "make table, JSON and picture again from what was measured"),
                       ("publish", "report, and put it into docs/ and README.md")):
        commands.add_parser(name, help=text).add_argument("--out", type=Path, default=RESULTS, help="directory of the results (%(default)s)")
    commands.add_parser("test", help="run the unit tests of the duel")
    commands.add_parser("architectures", help="real architectures beside other libraries", add_help=False)
    words = sys.argv[1:]
    if words and words[0] == "architectures":
        import architectures

        architectures.main(words[1:])
        return
    if not words or words[0].startswith("-") and words[0] not in ("-h", "--help"):
        words = ["run", *words]
    arguments = parser.parse_args(words)
    {"run": _run, "report": _report, "publish": _publish, "test": _test}[arguments.command](arguments)


def _add_run_options(run: argparse.ArgumentParser) -> None:
    run.add_argument("--out", type=Path, default=RESULTS, help="directory of the results (%(default)s)")
    run.add_argument("--problems", nargs="+", choices=PROBLEMS, default=list(PROBLEMS))
    run.add_argument("--sets", nargs="+", choices=cells.SETS, metavar="SET", help=f"of {', '.join(cells.SETS)}")
    run.add_argument("--quick", action="store_true", help="one short round of few sets")
    run.add_argument("--rounds", type=int, help="how often the contenders take turns (3)")
    run.add_argument("--seconds", type=float, help="time to fill with repetitions, per contender and round (1.0)")
    run.add_argument("--limit", type=float, default=60.0, help="seconds after which BackPACK's warm-up or round is given up; ours, which starts"
                     " a JVM per round, has twice that (%(default)s)")
    run.add_argument("--threads", type=int, default=os.cpu_count())
    run.add_argument("--resume", action="store_true", help="keep the cells that an earlier run with these settings has finished")


def _run(arguments: argparse.Namespace) -> None:
    rounds = arguments.rounds or (1 if arguments.quick else 3)
    seconds = arguments.seconds or (0.3 if arguments.quick else 1.0)
    settings = cells.Settings(arguments.threads, rounds, seconds, arguments.limit)
    wanted = []
    for name in arguments.problems:
        sets = arguments.sets or (cells.QUICK_SETS if arguments.quick else cells.default_sets(PROBLEMS[name]))
        wanted += [(name, one) for one in sets]
    start = time.monotonic()
    cells.run(arguments.out / "cells.jsonl", wanted, settings, arguments.resume,
              lambda text: print(f"duel: {time.monotonic() - start:5.0f} s  {text}", file=sys.stderr, flush=True))
    _report(arguments)


def _report(arguments: argparse.Namespace) -> None:
    _write(arguments.out, arguments.out / "report.md", arguments.out / "report.json", arguments.out / "times.svg")
    print((arguments.out / "report.md").read_text())


def _write(results: Path, page: Path, data: Path, image: Path) -> str:
    """Writes table, JSON and picture. Returns the short table with its setting."""
    import picture
    import report

    head, measured = cells.read(results / "cells.jsonl")
    if head is None or not measured:
        raise SystemExit(f"duel: {results / 'cells.jsonl'} has no finished cell. Run bench/duel first.")
    table = report.rows(head, measured)
    for path in (page, data, image):
        path.parent.mkdir(parents=True, exist_ok=True)
    data.write_text(json.dumps({**head, "rows": [row.to_json() for row in table]}, indent=1) + "\n")
    versions = head["versions"]
    picture.draw(table, f"{head['date']}, {head['settings']['threads']} threads, BackPACK {versions['backpack-for-pytorch']}, PyTorch {versions['torch']}", image)
    page.write_text(report.page(head, table, os.path.relpath(image, page.parent)))
    return f"{report.short(table)}\n\n{report.setting(head, table)}"


def _publish(arguments: argparse.Namespace) -> None:
    import report

    docs, readme = ROOT / "docs", ROOT / "README.md"
    content = _write(arguments.out, docs / "benchmark.md", docs / "benchmark.json", docs / "images/benchmark.svg")
    readme.write_text(report.fill(readme.read_text(), content))


def _test(_: argparse.Namespace) -> None:
    here = Path(__file__).resolve().parent
    found = unittest.defaultTestLoader.discover(str(here / "tests"), top_level_dir=str(here))
    sys.exit(not unittest.TextTestRunner(verbosity=1).run(found).wasSuccessful())


if __name__ == "__main__":
    main()

"""Steps of training beside PyTorch's: the same networks, batches and optimiser, forward, backward, a look at the loss, update.

    bench/training.py [--threads 2] [--cells mlp:32,lenet:64,3c3d:128] [--rounds 2] [--seconds 3] [--optimizer adam|momentum]

Needs a Python with torch, such as the one that `bench/duel` makes. Rounds of both sides alternate; each is a process of its own that is warm before it is timed.
Inputs are random and resident. PyTorch's optimiser is measured as it comes, and fused; the faster one counts.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from networks import PROBLEMS, ROOT, Problem, build

LENET = Problem("lenet", (1, 28, 28), 10, 64)
OURS = {"adam": "Adam(lr=1e-3)", "momentum": "SGD(lr=1e-3,momentum=0.9)"}


def problem(name: str) -> Problem:
    return LENET if name == LENET.name else PROBLEMS[name]


def timed(work, seconds: float) -> list[float]:
    """Times of repetitions in ms, after a third of the time as a warm-up."""
    end = time.perf_counter() + seconds / 3
    while time.perf_counter() < end:
        work()
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        begin = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - begin))
    return times


def torch_side(name: str, batch: int, threads: int, optimizer: str, seconds: float) -> dict[str, float]:
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    inputs = torch.randn(batch, *problem(name).sample)
    targets = torch.randint(problem(name).classes, (batch,))
    loss = nn.CrossEntropyLoss()
    steps, updates = [], []
    for fused in (False, True):
        network = build(problem(name))
        make = torch.optim.Adam if optimizer == "adam" else torch.optim.SGD
        more = {} if optimizer == "adam" else {"momentum": 0.9}
        # A rate that is next to nothing, as on our side: numbers stay what they are while all arithmetic is done.
        update = make(network.parameters(), lr=1e-12, fused=fused, **more)

        def step():
            update.zero_grad(set_to_none=True)
            value = loss(network(inputs), targets)
            value.backward()
            update.step()
            return value.item()

        steps.append(timed(step, seconds))
        updates.append(timed(update.step, seconds / 2))
    step_times, update_times = min(steps, key=statistics.median), min(updates, key=statistics.median)
    return {"step": statistics.median(step_times), "least": min(step_times), "update": statistics.median(update_times)}


def our_side(launcher: str, name: str, batch: int, threads: int, optimizer: str, seconds: float) -> dict[str, float]:
    command = [launcher, "--threads", str(threads), "bench", "--problem", name, "--batch", str(batch), "--extensions", "gradient"]
    command += ["--train", "--optimizer", OURS[optimizer], "--repetitions", "100" if batch < 128 else "30"]
    command += ["--warm-up", str(max(1, round(seconds))), "--json"]
    result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return {"step": result["step_ms"]["median"], "least": result["step_ms"]["min"], "update": result["update_ms"]["median"]}


def their_side(arguments: argparse.Namespace, cell: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--torch", cell, "--threads", str(arguments.threads)]
    command += ["--optimizer", arguments.optimizer, "--seconds", str(arguments.seconds)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cells", default="mlp:32,lenet:64,3c3d:128", help="networks and batch sizes")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--optimizer", choices=sorted(OURS), default="adam")
    parser.add_argument("--launcher", default=os.environ.get("BACKPACK", str(ROOT / "backpack")))
    parser.add_argument("--torch", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.torch:
        name, batch = arguments.torch.split(":")
        print(json.dumps(torch_side(name, int(batch), arguments.threads, arguments.optimizer, arguments.seconds)))
        return
    print("Medians, least times in brackets, ms.\n")
    print("| network | N | our step | PyTorch's | ours / PyTorch's | our update | PyTorch's | our update / step |")
    print("|---|---|---|---|---|---|---|---|")
    for cell in arguments.cells.split(","):
        name, batch = cell.split(":")
        ours, theirs = [], []
        for _ in range(arguments.rounds):
            ours.append(
                our_side(arguments.launcher, name, int(batch), arguments.threads, arguments.optimizer, arguments.seconds)
            )
            theirs.append(their_side(arguments, cell))
        mine, other = ({key: statistics.median(side[key] for side in sides) for key in sides[0]} for sides in (ours, theirs))
        print(
            f"| {name} | {batch} | {mine['step']:.3g} ({mine['least']:.3g}) | {other['step']:.3g} ({other['least']:.3g})"
            f" | {mine['step'] / other['step']:.2f} ({mine['least'] / other['least']:.2f})"
            f" | {mine['update']:.3g} | {other['update']:.3g} | {100 * mine['update'] / mine['step']:.1f} % |",
            flush=True,
        )


if __name__ == "__main__":
    main()

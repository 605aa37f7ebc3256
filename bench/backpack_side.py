"""One process of BackPACK: prepares a network, then times passes whenever it is told to.

It prints a line of JSON when it is ready, and one for every line that it reads, which is the number of repetitions to measure.
With --ceiling it prints the rate of a 1024^3 matrix product and ends.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import statistics
import sys
import time
from typing import Callable

MIB = 1 << 20
WARM_UP_PASSES = 3
WARM_UP_MILLISECONDS = 1500.0


def memory(field: str) -> float:
    """This process' VmRSS (now) or VmHWM (most) in MiB."""
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024
    raise OSError(f"/proc/self/status has no {field}")


def limit_memory(mebibytes: int) -> None:
    """Lets allocations beyond the limit fail, so that the process can tell instead of being killed."""
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, (mebibytes * MIB, mebibytes * MIB))


def milliseconds(action: Callable[[], None]) -> float:
    start = time.perf_counter_ns()
    action()
    return (time.perf_counter_ns() - start) / 1e6


def summary(times: list[float]) -> dict:
    return {"median": statistics.median(times), "min": min(times), "max": max(times)}


class Passes:
    """A network, its resident batch, and the two passes that are timed: the plain gradient, and BackPACK's."""

    def __init__(self, problem_name: str, extensions: list[str], seed: int):
        import torch
        from backpack import backpack, extend, extensions as available
        from networks import PROBLEMS, build

        problem = PROBLEMS[problem_name]
        torch.manual_seed(seed)
        self._inputs = torch.randn(problem.batch, *problem.sample)
        self._labels = torch.randint(0, problem.classes, (problem.batch,))
        self._plain = build(problem)
        self._plain_loss = torch.nn.CrossEntropyLoss()
        self._model = extend(copy.deepcopy(self._plain))
        self._loss = extend(torch.nn.CrossEntropyLoss())
        self._context = backpack
        self._extensions = [getattr(available, name)() for name in extensions]
        self._attributes = [extension.savefield for extension in self._extensions]

    def gradient(self) -> None:
        """Forward and backward by PyTorch alone, on modules that BackPACK does not know."""
        loss = self._plain_loss(self._plain(self._inputs), self._labels)
        loss.backward()
        loss.item()
        self._plain.zero_grad(set_to_none=True)

    def run(self) -> None:
        """Forward and backward with the extensions; giving the results back is part of it, as on the other side."""
        loss = self._loss(self._model(self._inputs), self._labels)
        with self._context(*self._extensions):
            loss.backward()
        loss.item()
        self._clear()

    def _clear(self) -> None:
        for parameter in self._model.parameters():
            for attribute in self._attributes:
                if not hasattr(parameter, attribute):
                    raise RuntimeError(f"BackPACK left no {attribute}")
                delattr(parameter, attribute)
        self._model.zero_grad(set_to_none=True)

    def warm_up(self) -> float:
        """Runs both passes until times have settled. Returns the shortest of BackPACK's; a pass of many seconds runs once."""
        _warm(self.gradient)
        return min(_warm(self.run))

    def measure(self, repetitions: int) -> dict:
        """Times both in turns."""
        gradient, passes = [], []
        for _ in range(repetitions):
            gradient.append(milliseconds(self.gradient))
            passes.append(milliseconds(self.run))
        return {
            "repetitions": repetitions,
            "gradient_ms": summary(gradient),
            "pass_ms": summary(passes),
            "times_ms": {"gradient": gradient, "pass": passes},
            "peak_rss_mib": memory("VmHWM"),
        }


def _warm(action: Callable[[], None]) -> list[float]:
    times: list[float] = []
    while sum(times) < 3000 and (len(times) < WARM_UP_PASSES or sum(times) < WARM_UP_MILLISECONDS):
        times.append(milliseconds(action))
    return times


def reset_peak() -> None:
    """Forgets what importing took at most."""
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as references:
            references.write("5")
    except OSError:
        pass  # The peak then includes the import's, which is seldom more than what stays.


def ceiling() -> dict:
    """The best rate of a product of two matrices of 1024 rows and columns, into a result that exists, in GFLOP/s."""
    import torch

    left, right, result = (torch.randn(1024, 1024) for _ in range(3))
    times = [milliseconds(lambda: torch.mm(left, right, out=result)) for _ in range(300)]
    return {"gemm_gflops": 2 * 1024**3 / min(times) / 1e6, "median_gflops": 2 * 1024**3 / statistics.median(times) / 1e6}


def versions() -> dict:
    from importlib.metadata import version

    return {"torch": version("torch"), "backpack-for-pytorch": version("backpack-for-pytorch"), "python": sys.version.split()[0]}


def serve(passes: Passes) -> None:
    idle = memory("VmRSS")
    reset_peak()
    fastest = passes.warm_up()
    print(json.dumps({"idle_rss_mib": idle, "warm_pass_ms": fastest}), flush=True)
    for line in sys.stdin:
        print(json.dumps(passes.measure(int(line))), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problem")
    parser.add_argument("--extensions", default="", help="comma-separated; none for the gradient alone")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--memory", type=int, default=0, metavar="MIB", help="allocate no more than this")
    parser.add_argument("--ceiling", action="store_true")
    arguments = parser.parse_args()
    import torch

    torch.set_num_threads(arguments.threads)
    if arguments.ceiling:
        print(json.dumps({**ceiling(), "versions": versions()}))
        return
    if arguments.memory:
        limit_memory(arguments.memory)
    try:
        serve(Passes(arguments.problem, [name for name in arguments.extensions.split(",") if name], arguments.seed))
    except (RuntimeError, MemoryError, NotImplementedError) as failure:
        text = str(failure).strip() or type(failure).__name__
        out_of_memory = isinstance(failure, MemoryError) or "allocate" in text
        print(json.dumps({"failed": "out of memory" if out_of_memory else text.splitlines()[0][:200]}), flush=True)


if __name__ == "__main__":
    main()

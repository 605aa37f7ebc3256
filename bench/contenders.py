"""The processes that are measured: ours, a new one for each round, and BackPACK's, which wait between their rounds."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
from pathlib import Path
from typing import Optional

from networks import ROOT, Problem

HERE = Path(__file__).resolve().parent

# Keeps freed pages in the process instead of giving them back, which saves BackPACK the page faults it is bound by.
KEEP_PAGES = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "4000000000", "MALLOC_TOP_PAD_": "1000000000"}

# What the JVM runs often gets compiled meanwhile.
WARM_UP_SECONDS = 6


class CellFailed(Exception):
    """A contender cannot do a cell; the message is the reason that the table shows."""


def environment(threads: int, **more: str) -> dict[str, str]:
    """This process' environment without settings of malloc, and with the number of threads."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MALLOC_")}
    return {**kept, "OMP_NUM_THREADS": str(threads), **more}


def available_mebibytes() -> int:
    with open("/proc/meminfo", encoding="ascii") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")) // 1024


class BackPack:
    """A process of BackPACK that is warm after construction."""

    def __init__(self, problem: Problem, extensions: list[str], threads: int, keep_pages: bool, limit: float):
        self._limit = limit
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "backpack_side.py"), "--problem", problem.name, "--extensions", ",".join(extensions),
             "--threads", str(threads), "--memory", str(int(0.9 * available_mebibytes()))],
            env=environment(threads, **(KEEP_PAGES if keep_pages else {})),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        try:
            ready = self._read()
        except CellFailed:
            self.close()
            raise
        self.idle_mebibytes: float = ready["idle_rss_mib"]
        self.warm_milliseconds: float = ready["warm_pass_ms"]

    def measure(self, repetitions: int) -> dict:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{repetitions}\n")
        self._process.stdin.flush()
        return {**self._read(), "idle_rss_mib": self.idle_mebibytes}

    def _read(self) -> dict:
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(self._limit):
                raise CellFailed(f"not done in {self._limit:.0f} s")
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            raise CellFailed("out of memory (killed)" if code == -9 else f"ended with exit code {code}")
        answer = json.loads(line)
        if "failed" in answer:
            raise CellFailed(answer["failed"])
        return answer

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def backpack4j(problem: Problem, extensions: list[str], threads: int, repetitions: int, limit: float) -> dict:
    """One round of ours in a process of its own."""
    command = [str(ROOT / "backpack"), "bench", "--problem", problem.name, "--batch", str(problem.batch),
               "--extensions", ",".join(extensions), "--repetitions", str(repetitions), "--threads", str(threads), "--json",
               "--warm-up", str(WARM_UP_SECONDS), "--idle-memory"]
    try:
        done = subprocess.run(command, env=environment(threads), capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        raise CellFailed(f"not done in {limit:.0f} s") from None
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"ended with exit code {done.returncode}"])[0]
        raise CellFailed("out of memory" if "OutOfMemory" in done.stderr else reason[:200])
    return json.loads(done.stdout)


def ceiling(threads: int) -> dict:
    """The measured rate of matrix products, and the versions of BackPACK's side."""
    done = subprocess.run([sys.executable, str(HERE / "backpack_side.py"), "--ceiling", "--threads", str(threads)],
                          env=environment(threads), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def version_of_ours() -> str:
    """Also builds what is out of date, so that no build falls into a measurement."""
    done = subprocess.run([str(ROOT / "backpack"), "--version"], capture_output=True, text=True, check=True)
    commit: Optional[str] = None
    try:
        commit = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        pass  # A source archive has no history.
    return done.stdout.strip().splitlines()[0] + (f" ({commit})" if commit else "")

"""Real architectures beside PyTorch and the libraries for gradients of single samples and curvature: rows of a published report.

Every cell is a process of its own: ours `./backpack bench` on the exported files, which times its own gradient and a pass in turns; a peer's one pass. Cells that a
run has finished are kept in a file of JSON lines, so that a run can be cut and go on. What a library cannot do stands in the report with its reason.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable

import full_size
from full_size import ARCHITECTURES, FOUR, ROOT

NAMES = ("resnet18_64", "resnet18", "mobilenet_v3_large", "unet", "vit_s_16_96", "encoder", "lstm", "gpt2")
PEERS = {
    "gradient": "PyTorch's gradient, NCHW",
    "channels_last": "PyTorch's gradient, channels_last",
    "func": "torch.func, gradients of single samples",
    "opacus": "Opacus, ghost norms",
    "curvlinops": "curvlinops, KFAC",
    "backpack": "BackPACK, BatchL2Grad",
}
SETS = ("BatchL2Grad", "BatchGrad", "Variance", "DiagGGNMC", "KFAC", FOUR)
RESULTS = Path(__file__).resolve().parent / "target/duel/architectures.jsonl"


def sets(name: str) -> tuple[str, ...]:
    """What ours computes: Kronecker factors only of the blocks of GPT-2, whose embedding is tied to the last layer."""
    return ("BatchL2Grad", "KFAC(parameters=[*.h.*])") if name == "gpt2" else SETS


# --- a peer's process


def loss_of(architecture: full_size.Architecture) -> Callable:
    from torch.nn.functional import cross_entropy

    def loss(output, targets):
        logits = getattr(output, "logits", output)
        return cross_entropy(logits.transpose(1, 2) if architecture.language else logits, targets)

    return loss


def passes(name: str, peer: str) -> Callable[[], None]:
    """One pass of a peer; raises what the peer raises where it does not know the network."""
    import torch

    architecture = ARCHITECTURES[name]
    model, inputs, targets = full_size.made(architecture)
    loss = loss_of(architecture)
    if peer == "channels_last":
        if inputs.dim() != 4:
            raise ValueError("for images only")
        model, inputs = model.to(memory_format=torch.channels_last), inputs.to(memory_format=torch.channels_last)
    if peer == "func":
        from torch.func import functional_call, grad, vmap

        parameters = {key: value.detach() for key, value in model.named_parameters()}
        buffers = dict(model.named_buffers())

        def one(values, x, y):
            return loss(functional_call(model, (values, buffers), (x.unsqueeze(0),)), y.unsqueeze(0))

        each = vmap(grad(one), in_dims=(None, 0, 0))
        return lambda: each(parameters, inputs, targets)
    if peer == "opacus":
        from opacus.grad_sample import GradSampleModuleFastGradientClipping

        # Its hooks look at modules in train mode only; nothing must be dropped all the same.
        model.train()
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        wrapped = GradSampleModuleFastGradientClipping(model, max_grad_norm=1.0, use_ghost_clipping=True, loss_reduction="mean")

        def norms() -> None:
            loss(wrapped(inputs), targets).backward()
            wrapped.get_norm_sample()
            wrapped.zero_grad(set_to_none=True)

        return norms
    if peer == "curvlinops":
        from curvlinops import KFACLinearOperator

        if any(isinstance(module, torch.nn.RNNBase) for module in model.modules()):
            raise ValueError("no factors of recurrent layers")
        # Exact types, since MultiheadAttention's output projection is a Linear that is never called.
        known = [p for module in model.modules() if type(module) in (torch.nn.Linear, torch.nn.Conv2d) for p in module.parameters()]

        def factors() -> None:
            operator = KFACLinearOperator(model, torch.nn.CrossEntropyLoss(), known, [(inputs, targets)], fisher_type="mc", mc_samples=1,
                                          check_deterministic=False)
            operator @ [torch.zeros_like(parameter) for parameter in known]

        return factors
    if peer == "backpack":
        from backpack import backpack, extend
        from backpack.extensions import BatchL2Grad

        extended, criterion = extend(model, use_converter=True), extend(torch.nn.CrossEntropyLoss())

        def batch_l2() -> None:
            with backpack(BatchL2Grad()):
                criterion(extended(inputs), targets).backward()
            if any(p.requires_grad and not hasattr(p, "batch_l2") for p in extended.parameters()):
                raise RuntimeError("BackPACK left parameters out")
            extended.zero_grad(set_to_none=True)

        return batch_l2

    def gradient() -> None:
        loss(model(inputs), targets).backward()
        model.zero_grad(set_to_none=True)

    return gradient


def resident_mib(key: str) -> float:
    """VmRSS or VmHWM, the most that ever was, of this process; Linux only."""
    status = Path("/proc/self/status").read_text()
    return round(int(next(line for line in status.splitlines() if line.startswith(key)).split()[1]) / 1024, 1)


def peer_process(name: str, peer: str, seconds: float, threads: int) -> dict:
    import torch

    torch.set_num_threads(threads)
    try:
        action = passes(name, peer)
        idle = resident_mib("VmRSS")
        times: list[float] = []
        end = time.perf_counter() + 2 * seconds
        while time.perf_counter() < end or len(times) < 3:
            start = time.perf_counter()
            action()
            times.append((time.perf_counter() - start) * 1e3)
    except Exception as failure:  # whatever a library raises is its answer  # noqa: BLE001
        lines = str(failure).strip().splitlines() or [type(failure).__name__]
        return {"failed": lines[0][:160]}
    return {"median_ms": statistics.median(times[len(times) // 2 :]), "passes": len(times) - len(times) // 2, "torch": torch.__version__,
            "idle_rss_mib": idle, "peak_rss_mib": resident_mib("VmHWM")}


# --- the runner


def cell(name: str, what: str, options: argparse.Namespace) -> dict:
    if what in PEERS:
        command = [sys.executable, str(Path(__file__).resolve()), "--peer", name, what, "--seconds", str(options.seconds), "--threads", str(options.threads)]
    else:
        folder = options.models / name
        command = [str(ROOT / "backpack"), "bench", "--model", str(folder / "model.json"), "--data", str(folder / "data.safetensors"), "--extensions", what,
                   "--threads", str(options.threads), "--repetitions", str(options.repetitions), "--warm-up", str(max(1, round(options.seconds))),
                   "--idle-memory", "--json"]
    environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads)}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=options.limit)
    except subprocess.TimeoutExpired:
        return {"failed": f"more than {options.limit:.0f} s"}
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or ["no message"])[-1][:160]}
    return json.loads(done.stdout.strip().splitlines()[-1])


def read(path: Path) -> tuple[dict, dict]:
    """The run's settings, and the cells by network and what was measured."""
    settings, cells = {}, {}
    for line in path.read_text().splitlines() if path.exists() else []:
        entry = json.loads(line)
        if "cell" in entry:
            cells[tuple(entry["cell"])] = entry["found"]
        else:
            settings = entry
    return settings, cells


def run(options: argparse.Namespace) -> None:
    settings, cells = read(options.out)
    with_settings = {"date": str(datetime.date.today()), "threads": options.threads, "seconds": options.seconds, "repetitions": options.repetitions,
                     "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores", "load": options.load}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    has_ours = options.export_only or any(what not in PEERS for what in options.cells or SETS)
    for name in options.networks if has_ours else ():
        if not (options.models / name / "model.json").exists():
            full_size.own_process("--export", name, "--out", str(options.models))
    if options.export_only:
        return
    with options.out.open("a") as out:
        if settings != with_settings:
            out.write(json.dumps(with_settings) + "\n")
        for name in options.networks:
            for what in options.cells or (*PEERS, *sets(name)):
                if (name, what) in cells or (what not in PEERS and what not in sets(name)):
                    continue
                found = cell(name, what, options)
                out.write(json.dumps({"cell": [name, what], "found": found}) + "\n")
                out.flush()
                print(f"{name}, {what}: {found.get('failed') or found.get('median_ms') or found['pass_ms']['median']}", file=sys.stderr, flush=True)


# --- the report


def number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def report(settings: dict, cells: dict) -> str:
    """A table of peers, a table of ours, and what could not be measured and why."""
    lines = ["# Real architectures beside other libraries", "",
             f"Made by `bench/duel architectures`: {settings['date']}, {settings['machine']}, {settings['threads']} threads, float32, batch norms in eval mode, random",
             f"numbers; {settings['load']}. Median milliseconds of a pass, each cell a process of its own. A dash was not measured; * has its reason below.", "",
             "## Peers", "", "| network | N | " + " | ".join(PEERS.values()) + " |", "|---|---|" + "---|" * len(PEERS)]
    reasons = []

    def shown(name: str, what: str, value: Callable[[dict], float]) -> str:
        found = cells.get((name, what))
        if found is None:
            return "–"
        if "failed" in found:
            reasons.append(f"- {name}, {PEERS.get(what, what)}: {found['failed']}")
            return "*"
        return number(value(found))

    for name in NAMES:
        row = [shown(name, peer, lambda found: found["median_ms"]) for peer in PEERS]
        lines.append(f"| {name} | {ARCHITECTURES[name].samples} | " + " | ".join(row) + " |")
    lines += ["", "## Ours", "",
              "The gradient is the least median of the processes; behind a pass stands its ratio to PyTorch's gradient (NCHW).", "",
              "| network | gradient | " + " | ".join("the four" if one == FOUR else one for one in SETS) + " |", "|---|---|" + "---|" * len(SETS)]
    for name in NAMES:
        own = [cells[name, what]["gradient_ms"]["median"] for what in sets(name) if "gradient_ms" in cells.get((name, what), {})]
        peer = cells.get((name, "gradient"), {}).get("median_ms")
        row = []
        for what in SETS:
            measured = next((one for one in sets(name) if one.split("(")[0] == what), what)
            text = shown(name, measured, lambda found: found["pass_ms"]["median"])
            found = cells.get((name, measured), {})
            row.append(f"{text} ({found['pass_ms']['median'] / peer:.2f})" if peer and "pass_ms" in found else text)
        gradient = "–" if not own else number(min(own)) + (f" ({min(own) / peer:.2f})" if peer else "")
        lines.append(f"| {name} | {gradient} | " + " | ".join(row) + " |")
    lines += ["", f"*The four* are {FOUR.replace(',', ', ')} in one pass. GPT-2's KFAC is that of its blocks, `KFAC(parameters=[*.h.*])`. torch.func makes gradients of single samples, as",
              "BatchGrad does; Opacus' ghost norms are what BatchL2Grad is, without the gradient of the clipped sum; curvlinops' factors are those of convolutions and Linears."]
    lines += memory(cells)
    if reasons:
        lines += ["", "## Not possible", "", *dict.fromkeys(reasons)]
    return "\n".join(lines) + "\n"


def memory(cells: dict) -> list[str]:
    """A table of the most resident memory of each process, less that of the process with network and data in place."""

    def shown(name: str, what: str) -> str:
        found = cells.get((name, what), {})
        return number(found["peak_rss_mib"] - found["idle_rss_mib"]) if "peak_rss_mib" in found else "–"

    lines = ["", "## Memory", "",
             "MiB of the most resident memory of a process above what it had with network and data in place. Ours has some 70 MiB in it that PyTorch's has not:",
             "what the JVM compiles, and pages of oneDNN's library, which are not there before its first primitive. Of that PyTorch's libraries have most when they are imported.", "",
             "| network | " + " | ".join(PEERS.values()) + " | " + " | ".join(f"ours: {'the four' if one == FOUR else one}" for one in SETS) + " |",
             "|---|" + "---|" * (len(PEERS) + len(SETS))]
    for name in NAMES:
        own = [next((one for one in sets(name) if one.split("(")[0] == what), what) for what in SETS]
        lines.append(f"| {name} | " + " | ".join(shown(name, what) for what in (*PEERS, *own)) + " |")
    return lines


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench/duel architectures", description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=list(NAMES), help=f"some of {', '.join(NAMES)}; all by default")
    parser.add_argument("--cells", nargs="+", metavar="CELL", help=f"of {', '.join((*PEERS, *SETS))}; all by default")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the cells (%(default)s)")
    parser.add_argument("--models", type=Path, default=RESULTS.parent / "architectures", help="folder of the exported models (%(default)s)")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seconds", type=float, default=3.0, help="of warm-up and of measuring a peer (%(default)s)")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--limit", type=float, default=300.0, help="seconds after which a cell is given up (%(default)s)")
    parser.add_argument("--load", default="whether the machine was quiet was not noted", help="a remark for the report on what else ran")
    parser.add_argument("--export-only", action="store_true", help="write the models and measure nothing")
    parser.add_argument("--publish", action="store_true", help="write docs/benchmark-architectures.md of the cells, and measure nothing")
    parser.add_argument("--peer", nargs=2, metavar=("NETWORK", "PEER"), help=argparse.SUPPRESS)
    options = parser.parse_args(words)
    if options.peer:
        print(json.dumps(peer_process(*options.peer, options.seconds, options.threads)))
        return
    unknown = [name for name in options.networks if name not in NAMES]
    if unknown:
        parser.error(f"no network {', '.join(unknown)}; there are {', '.join(NAMES)}")
    if not options.publish:
        run(options)
        return
    settings, cells = read(options.out)
    if not cells:
        raise SystemExit(f"{options.out} has no finished cell. Run bench/duel architectures first.")
    (ROOT / "docs/benchmark-architectures.md").write_text(report(settings, cells))


if __name__ == "__main__":
    main()

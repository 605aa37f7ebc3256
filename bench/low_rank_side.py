"""Eigenvalues of the generalised Gauss-Newton matrix on PyTorch, for comparison with `backpack bench --extensions GgnEigenvalues`.

Prints a line of JSON per route, each measured in a process of its own, whose memory is read:
    gradient  forward and backward
    gram      ViViT's way: all columns V of the root, [C*N, D], by torch.func, their Gram matrix, its eigenvalues
    lanczos   curvlinops' matrix-free operator and SciPy's eigsh for the largest eigenpairs
`lanczos` needs curvlinops-for-pytorch and scipy, which the duel does not install.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from typing import Callable

from backpack_side import memory, milliseconds, summary
from networks import PROBLEMS, build

ROUTES = ("gradient", "gram", "lanczos")


def prepared(arguments: argparse.Namespace):
    import torch

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    problem = PROBLEMS[arguments.problem]
    inputs = torch.randn(arguments.batch, *problem.sample)
    labels = torch.randint(0, problem.classes, (arguments.batch,))
    return build(problem), inputs, labels


def gradient(model, inputs, labels, top: int) -> Callable[[], list[float]]:
    import torch

    loss = torch.nn.CrossEntropyLoss()

    def run() -> list[float]:
        loss(model(inputs), labels).backward()
        model.zero_grad(set_to_none=True)
        return []

    return run


def gram(model, inputs, labels, top: int) -> Callable[[], list[float]]:
    import torch
    from torch.func import functional_call, vjp, vmap

    parameters = {name: value.detach() for name, value in model.named_parameters()}

    def root(logits):
        """Columns s_c with the sum of s_c s_cT the Hessian of a sample's cross-entropy."""
        p = logits.softmax(0)
        return p.sqrt()[:, None] * (torch.eye(len(p)) - p[None, :])

    def columns(x):
        logits, pull_back = vjp(lambda own: functional_call(model, own, (x[None],))[0], parameters)
        (jacobians,) = vmap(pull_back)(root(logits))
        return torch.cat([each.flatten(1) for each in jacobians.values()], 1)

    def run() -> list[float]:
        with torch.no_grad():
            v = vmap(columns)(inputs).flatten(0, 1)
            return torch.linalg.eigvalsh(v @ v.T / len(inputs))[-top:].flip(0).tolist()

    return run


def lanczos(model, inputs, labels, top: int) -> Callable[[], list[float]]:
    import torch
    from curvlinops import GGNLinearOperator
    from scipy.sparse.linalg import eigsh

    parameters = list(model.parameters())

    def run() -> list[float]:
        operator = GGNLinearOperator(
            model, torch.nn.CrossEntropyLoss(), parameters, [(inputs, labels)], check_deterministic=False)
        return eigsh(operator.to_scipy(), k=top, which="LA", return_eigenvectors=False)[::-1].tolist()

    return run


def measure(arguments: argparse.Namespace) -> dict:
    model, inputs, labels = prepared(arguments)
    gradient(model, inputs, labels, 0)()
    idle = memory("VmRSS")
    run = globals()[arguments.route](model, inputs, labels, arguments.top)
    largest = run()
    times = [milliseconds(run) for _ in range(arguments.repetitions)]
    return {
        "route": arguments.route, "problem": arguments.problem, "batch": arguments.batch, "threads": arguments.threads,
        "milliseconds": summary(times), "mebibytes_above_idle": memory("VmHWM") - idle, "largest": largest,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problem", default="3c3d", choices=sorted(PROBLEMS))
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--top", type=int, default=10)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--route", choices=ROUTES, help="measure this one in this process; by default one process for each")
    arguments = parser.parse_args()
    if arguments.route:
        print(json.dumps(measure(arguments)), flush=True)
        return
    for route in ROUTES:
        code = subprocess.call([sys.executable, __file__, *sys.argv[1:], "--route", route])
        if code != 0:
            print(json.dumps({"route": route, "failed": f"exit code {code}"}), flush=True)


if __name__ == "__main__":
    main()

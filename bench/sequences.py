"""An encoder and an LSTM beside PyTorch, Opacus' ghost norms and curvlinops' KFAC: `bench/sequences` writes the networks as files and times passes.

Every figure is the median of passes in milliseconds; those of ours are a new process for each set, which measures its own gradient in turns with the set.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import statistics
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable

import torch
from torch import nn

ROOT = Path(__file__).resolve().parent.parent
SAMPLES, STEPS, WIDTH, HEADS, INNER, CLASSES, LAYERS = 64, 32, 64, 4, 256, 10, 2
SETS = ["BatchL2Grad", "Variance", "DiagGGNMC", "KFAC", "BatchL2Grad,Variance,DiagGGNMC,KFAC"]


class Last(nn.Module):
    """An LSTM and a linear map of its last step."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(WIDTH, WIDTH, batch_first=True)
        self.out = nn.Linear(WIDTH, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.lstm(x)[0][:, -1])


class Encoder(nn.Module):
    """PyTorch's encoder layers, the mean over steps, a linear map."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.TransformerEncoderLayer(WIDTH, HEADS, INNER, 0.0, batch_first=True) for _ in range(LAYERS))
        self.out = nn.Linear(WIDTH, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = layer(x)
        return self.out(x.mean(1))


class WrittenLayer(nn.Module):
    """The same layer in Linears, which Opacus and curvlinops know."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.linear1, self.linear2 = nn.Linear(WIDTH, INNER), nn.Linear(INNER, WIDTH)
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        def heads(y: torch.Tensor) -> torch.Tensor:
            return y.unflatten(-1, (HEADS, WIDTH // HEADS)).transpose(1, 2)

        seen = nn.functional.scaled_dot_product_attention(heads(self.q(x)), heads(self.k(x)), heads(self.v(x)))
        x = self.norm1(x + self.o(seen.transpose(1, 2).flatten(2)))
        return self.norm2(x + self.linear2(torch.relu(self.linear1(x))))


class Mean(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(1)


def written() -> nn.Module:
    return nn.Sequential(*(WrittenLayer() for _ in range(LAYERS)), Mean(), nn.Linear(WIDTH, CLASSES))


def nodes(name: str) -> list[dict]:
    out = {"name": "out", "type": "Linear", "in_features": WIDTH, "out_features": CLASSES}
    if name == "lstm":
        return [{"name": "lstm", "type": "LSTM", "input_size": WIDTH, "hidden_size": WIDTH, "batch_first": True},
                {"name": "last", "type": "Slice", "slices": [[None, None, None], -1]}, out]
    layer = {"type": "TransformerEncoderLayer", "d_model": WIDTH, "nhead": HEADS, "dim_feedforward": INNER, "dropout": 0.0, "batch_first": True}
    return [*({"name": f"layers.{i}", **layer} for i in range(LAYERS)), {"name": "mean", "type": "Mean", "dim": 1}, out]


def write(folder: Path, name: str, model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> None:
    """The model file and the data file of ours."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps({"nodes": nodes(name), "loss": {"type": "CrossEntropyLoss", "reduction": "mean"}}))
    header, blobs, offset = {}, [], 0
    for key, tensor in {"input": x, "target": y, **dict(model.named_parameters())}.items():
        blob = tensor.detach().contiguous().numpy().tobytes()
        header[key] = {"dtype": "I64" if tensor.dtype == torch.int64 else "F32", "shape": list(tensor.shape), "data_offsets": [offset, offset + len(blob)]}
        offset += len(blob)
        blobs.append(blob)
    head = json.dumps(header).encode()
    (folder / f"{name}.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + b"".join(blobs))


def timed(action: Callable[[], None], seconds: float) -> float:
    """The median after a warm-up of the same length."""
    for times in ([], last := []):
        end = time.perf_counter() + seconds
        while time.perf_counter() < end or len(times) < 3:
            start = time.perf_counter_ns()
            action()
            times.append((time.perf_counter_ns() - start) / 1e6)
    return statistics.median(last)


def gradient(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> Callable[[], None]:
    loss = nn.CrossEntropyLoss()

    def step() -> None:
        value = loss(model(x), y)
        value.backward()
        value.item()
        model.zero_grad(set_to_none=True)

    return step


def ghost_norms(x: torch.Tensor, y: torch.Tensor) -> Callable[[], None]:
    """Opacus' norms of single samples without their gradients: the first of the two backward passes of its clipping."""
    from opacus.grad_sample import GradSampleModuleFastGradientClipping

    model = GradSampleModuleFastGradientClipping(written(), max_grad_norm=1.0, use_ghost_clipping=True, loss_reduction="mean")

    def step() -> None:
        nn.functional.cross_entropy(model(x), y).backward()
        model.get_norm_sample()
        model.zero_grad(set_to_none=True)

    return step


def kfac(x: torch.Tensor, y: torch.Tensor) -> Callable[[], None]:
    """curvlinops' factors with one Monte-Carlo sample, of all Linears; it knows no layer norms."""
    from curvlinops import KFACLinearOperator

    model = written()
    parameters = [parameter for module in model.modules() if isinstance(module, nn.Linear) for parameter in module.parameters()]

    def step() -> None:
        operator = KFACLinearOperator(model, nn.CrossEntropyLoss(), parameters, [(x, y)], fisher_type="mc", mc_samples=1,
                                      kfac_approx="expand", check_deterministic=False)
        operator @ [torch.zeros_like(parameter) for parameter in parameters]

    return step


def ours(folder: Path, name: str, extensions: str, threads: int, seconds: float) -> dict:
    command = [str(ROOT / "backpack"), "bench", "--model", str(folder / f"{name}.json"), "--data", str(folder / f"{name}.safetensors"),
               "--extensions", extensions, "--threads", str(threads), "--repetitions", "100", "--warm-up", str(max(1, round(seconds))), "--json"]
    done = subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": str(threads)}, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/sequences", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent / "target/sequences")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each is warmed up, and measured (%(default)s)")
    parser.add_argument("--only", nargs="+", choices=("lstm", "encoder"), default=["lstm", "encoder"])
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    x, y = torch.randn(SAMPLES, STEPS, WIDTH), torch.randint(0, CLASSES, (SAMPLES,))
    print(f"{datetime.date.today()}, {arguments.threads} threads, PyTorch {torch.__version__}, median ms")
    for name in arguments.only:
        model = Last() if name == "lstm" else Encoder()
        write(arguments.out, name, model, x, y)
        print(f"{name}: PyTorch's gradient {timed(gradient(model, x, y), arguments.seconds):.2f}", flush=True)
        if name == "encoder":
            for label, action in (("gradient in Linears", lambda: gradient(written(), x, y)), ("Opacus' ghost norms", lambda: ghost_norms(x, y)),
                                  ("curvlinops' KFAC", lambda: kfac(x, y))):
                try:
                    print(f"{name}: {label} {timed(action(), arguments.seconds):.2f}", flush=True)
                except ImportError as missing:
                    print(f"{name}: {label} not measured, {missing}", flush=True)
        for extensions in SETS:
            result = ours(arguments.out, name, extensions, arguments.threads, arguments.seconds)
            own, wanted = result["gradient_ms"]["median"], result["pass_ms"]["median"]
            print(f"{name}: ours, gradient {own:.2f}, with {extensions} {wanted:.2f}, ratio {wanted / own:.2f}", flush=True)


if __name__ == "__main__":
    main()

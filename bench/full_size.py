"""Well-known architectures at full size: exported, checked against PyTorch's gradients, timed beside PyTorch's own gradient.

`bench/full-size` runs in the duel's environment with torchvision and transformers beside, or in the Python that FULL_SIZE_PYTHON names. Models have random
numbers; nothing is downloaded. Every figure of ours comes from a new process, which measures its own gradient in turns with the quantities; PyTorch's
gradient is measured just before. A model whose package is missing is left out with the reason.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

ROOT = Path(__file__).resolve().parent.parent
FOUR = "BatchL2Grad,Variance,DiagGGNMC,KFAC"


@dataclass(frozen=True)
class Architecture:
    """A model, its batch, and what is asked of it: extensions, or none for the export alone."""

    package: str
    make: Callable
    samples: int
    inputs: Callable
    classes: int
    sets: tuple[str, ...] = (FOUR,)
    language: bool = False
    dense: bool = False


def torchvision_model(name: str) -> Callable:
    def make():
        import torchvision

        return getattr(torchvision.models, name)(weights=None)

    return make


def images(size: int) -> Callable:
    def make(samples: int):
        import torch

        return torch.randn(samples, 3, size, size)

    return make


def ids(vocabulary: int, length: int) -> Callable:
    def make(samples: int):
        import torch

        return torch.randint(vocabulary, (samples, length))

    return make


def gpt2():
    from transformers import GPT2Config, GPT2LMHeadModel

    return GPT2LMHeadModel(GPT2Config(attn_implementation="sdpa", use_cache=False))


def bert():
    from transformers import BertConfig, BertForSequenceClassification

    return BertForSequenceClassification(BertConfig(attn_implementation="sdpa"))


def sequences_model(name: str) -> Callable:
    def make():
        import sequences

        return sequences.Last() if name == "lstm" else sequences.Encoder()

    return make


def steps(samples: int):
    import torch

    return torch.randn(samples, 32, 64)


def vit_s_16():
    """ViT-S/16 at 96 x 96."""
    from torchvision.models import VisionTransformer

    return VisionTransformer(image_size=96, patch_size=16, num_layers=12, num_heads=6, hidden_dim=384, mlp_dim=1536)


def unet():
    """Three levels of pairs of convolutions, 16 to 64 channels; classes at every pixel."""
    import torch
    from torch import nn

    def pair(channels: int, out: int) -> nn.Sequential:
        return nn.Sequential(nn.Conv2d(channels, out, 3, padding=1), nn.ReLU(), nn.Conv2d(out, out, 3, padding=1), nn.ReLU())

    class UNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.down1, self.down2, self.bottom = pair(3, 16), pair(16, 32), pair(32, 64)
            self.up2, self.right2 = nn.ConvTranspose2d(64, 32, 2, 2), pair(64, 32)
            self.up1, self.right1 = nn.ConvTranspose2d(32, 16, 2, 2), pair(32, 16)
            self.pool, self.out = nn.MaxPool2d(2), nn.Conv2d(16, 4, 1)

        def forward(self, x):
            one = self.down1(x)
            two = self.down2(self.pool(one))
            y = self.right2(torch.cat([two, self.up2(self.bottom(self.pool(two)))], dim=1))
            return self.out(self.right1(torch.cat([one, self.up1(y)], dim=1)))

    return UNet()


def vision(name: str, samples: int, size: int = 224, sets: tuple[str, ...] = (FOUR,)) -> Architecture:
    return Architecture("torchvision", torchvision_model(name), samples, images(size), 1000, sets)


ARCHITECTURES = {
    "resnet18": vision("resnet18", 8, sets=("BatchL2Grad", "Variance", "DiagGGNMC", "KFAC", FOUR)),
    "resnet18_64": vision("resnet18", 32, 64, sets=("BatchL2Grad", "Variance", "DiagGGNMC", "KFAC", FOUR)),
    "resnet50": vision("resnet50", 4),
    "vgg11": vision("vgg11", 2, sets=("BatchL2Grad,Variance,DiagGGNMC",)),
    "densenet121": vision("densenet121", 4),
    "mobilenet_v3_small": vision("mobilenet_v3_small", 8),
    "mobilenet_v3_large": vision("mobilenet_v3_large", 8),
    "convnext_tiny": vision("convnext_tiny", 2),
    "efficientnet_b0": vision("efficientnet_b0", 4),
    "vit_b_16": vision("vit_b_16", 2, sets=("BatchL2Grad,Variance,DiagGGNMC",)),
    "gpt2": Architecture("transformers", gpt2, 1, ids(50257, 128), 50257, ("BatchL2Grad", "KFAC(parameters=[*.h.*])"), True),
    "vit_s_16_96": Architecture("torchvision", vit_s_16, 8, images(96), 1000),
    "unet": Architecture("torch", unet, 8, images(64), 4, dense=True),
    "encoder": Architecture("torch", sequences_model("encoder"), 64, steps, 10),
    "lstm": Architecture("torch", sequences_model("lstm"), 64, steps, 10),
    "bert": Architecture("transformers", bert, 1, ids(30522, 64), 2, ("BatchL2Grad",)),
}


def made(architecture: Architecture):
    """The model in eval mode, inputs and targets; the same numbers in every process."""
    import torch

    torch.manual_seed(0)
    model = architecture.make().eval()
    inputs = architecture.inputs(architecture.samples)
    shape = inputs.shape if architecture.language else (architecture.samples,)
    if architecture.dense:
        shape = (architecture.samples, *inputs.shape[2:])
    return model, inputs, torch.randint(architecture.classes, shape)


def export(name: str, folder: Path, check: bool) -> None:
    from torch import nn
    from backpack4j_export import export as write

    architecture = ARCHITECTURES[name]
    model, inputs, targets = made(architecture)
    loss = nn.CrossEntropyLoss()
    if architecture.package == "transformers":
        write(model, {"input_ids": inputs}, targets, loss, folder, check=check, output="logits", class_axis=-1 if architecture.language else None)
    else:
        write(model, inputs, targets, loss, folder, check=check)


def gradient(name: str, seconds: float) -> dict:
    """PyTorch's forward and backward: the median, and the process' peak above what it had before."""
    import torch

    torch.set_num_threads(2)
    architecture = ARCHITECTURES[name]
    model, inputs, targets = made(architecture)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    times: list[float] = []
    end = time.perf_counter() + 2 * seconds
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        output = model(inputs)
        logits = getattr(output, "logits", output)
        if architecture.language:
            logits = logits.transpose(1, 2)
        torch.nn.functional.cross_entropy(logits, targets).backward()
        model.zero_grad(set_to_none=True)
        times.append((time.perf_counter() - start) * 1e3)
    return {"gradient_ms": statistics.median(times[len(times) // 2 :]),
            "above_idle_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before}


def own_process(*arguments: str) -> str:
    done = subprocess.run([sys.executable, __file__, *arguments], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(ROOT / "tools" / "pytorch")})
    if done.returncode:
        raise RuntimeError((done.stderr or done.stdout).strip().splitlines()[-1])
    return done.stdout


def ours(folder: Path, *arguments: str) -> str:
    done = subprocess.run([str(ROOT / "backpack"), *arguments, "--model", str(folder / "model.json"), "--data", str(folder / "data.safetensors")],
                          capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError((done.stderr or done.stdout).strip())
    return done.stdout


def measure(name: str, options: argparse.Namespace) -> list[str]:
    """Lines of the table."""
    architecture = ARCHITECTURES[name]
    folder = options.out / name
    if not (folder / "model.json").exists():
        own_process("--export", name, "--out", str(options.out), *(["--check"] if options.check else []))
    if options.check:
        print(ours(folder, "evaluate", "--check").strip(), file=sys.stderr)
    peer = json.loads(own_process("--gradient", name, "--seconds", str(options.seconds)))
    lines = []
    for extensions in architecture.sets:
        # A round of warm-up takes as long as the timed ones, and both follow the gradient's time.
        found = json.loads(ours(folder, "bench", "--json", "--threads", "2", "--warm-up", str(options.seconds), "--repetitions", str(options.repetitions),
                                "--extensions", extensions, *(["--memory", options.memory] if options.memory else ["--idle-memory"])))
        own, passes = found["gradient_ms"]["median"], found["pass_ms"]["median"]
        lines.append(f"| {name} N={architecture.samples} | `{extensions}` | {peer['gradient_ms']:.0f} | {own:.0f} | {passes:.0f} | {passes / own:.2f} | "
                     f"{passes / peer['gradient_ms']:.2f} | {found['peak_rss_mib'] - found.get('idle_rss_mib', 0):.0f} | {found['peak_rss_mib']:.0f} | "
                     f"{peer['above_idle_mib']:.0f} |")
        print(lines[-1], file=sys.stderr, flush=True)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", help=f"some of {', '.join(ARCHITECTURES)}; all by default")
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "target" / "full-size")
    parser.add_argument("--check", action="store_true", help="also compare loss, output and gradients in float64")
    parser.add_argument("--memory", help="a budget for ours, such as 700MiB")
    parser.add_argument("--seconds", type=int, default=3, help="of warm-up and of PyTorch's passes")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--export", metavar="MODEL", help=argparse.SUPPRESS)
    parser.add_argument("--gradient", metavar="MODEL", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.export:
        export(options.export, options.out / options.export, options.check)
        return
    if options.gradient:
        print(json.dumps(gradient(options.gradient, options.seconds)))
        return
    unknown = [name for name in options.models if name not in ARCHITECTURES]
    if unknown:
        parser.error(f"no model {', '.join(unknown)}; there are {', '.join(ARCHITECTURES)}")
    print("| model | in one pass | PyTorch's gradient, ms | own gradient, ms | pass, ms | own gradients | PyTorch's gradients | MiB above idle | MiB of the process | PyTorch's MiB above idle |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name in options.models or ARCHITECTURES:
        package = ARCHITECTURES[name].package
        if importlib.util.find_spec("torch") is None or importlib.util.find_spec(package) is None:
            print(f"{name} is left out: the Python package torch or {package} is not installed.", file=sys.stderr)
            continue
        try:
            print("\n".join(measure(name, options)), flush=True)
        except RuntimeError as problem:
            print(f"{name}: {problem}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

"""The measured networks, read from the model files of `backpack bench`, so that both sides have the same layers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / "cli/src/main/resources/io/backpack4j/cli/problems"


@dataclass(frozen=True)
class Problem:
    """A network of DeepOBS, or the small `mlp`, with the shape of one sample, the number of classes and the batch size that is measured."""

    name: str
    sample: tuple[int, ...]
    classes: int
    batch: int

    def nodes(self) -> list[dict]:
        """The model file's nodes; each feeds the next."""
        return json.loads((MODELS / f"{self.name}.json").read_text())["nodes"]


PROBLEMS = {
    problem.name: problem
    for problem in (
        Problem("logreg", (1, 28, 28), 10, 512),
        Problem("2c2d", (1, 28, 28), 10, 128),
        Problem("3c3d", (3, 32, 32), 10, 128),
        Problem("allcnnc", (3, 32, 32), 100, 32),
        Problem("mlp", (1, 28, 28), 10, 32),
    )
}


@dataclass(frozen=True)
class Weight:
    """A layer's weight `[outputs, inputs]`, applied at `positions` places of each sample; inputs are channels times kernel."""

    outputs: int
    inputs: int
    positions: int


def weights(problem: Problem) -> list[Weight]:
    """The weights of a network with their sizes, by following the shape of one sample through the layers."""
    shape = problem.sample
    found = []
    for node in problem.nodes():
        shape = _shape_after(node, shape)
        if node["type"] == "Linear":
            found.append(Weight(node["out_features"], node["in_features"], 1))
        elif node["type"] == "Conv2d":
            found.append(Weight(node["out_channels"], node["in_channels"] * node["kernel_size"] ** 2, shape[1] * shape[2]))
    return found


def _shape_after(node: dict, shape: tuple[int, ...]) -> tuple[int, ...]:
    kind = node["type"]
    if kind == "ReLU":
        return shape
    if kind == "Flatten":
        size = 1
        for axis in shape:
            size *= axis
        return (size,)
    if kind == "Linear":
        return (node["out_features"],)
    if kind == "ZeroPad2d":
        left, right, top, bottom = node["padding"]
        return (shape[0], shape[1] + top + bottom, shape[2] + left + right)
    if kind in ("Conv2d", "MaxPool2d", "AvgPool2d"):
        kernel = node["kernel_size"]
        stride = node.get("stride", 1 if kind == "Conv2d" else kernel)
        padding = node.get("padding", 0)
        channels = node.get("out_channels", shape[0])
        return (channels, *((axis + 2 * padding - kernel) // stride + 1 for axis in shape[1:]))
    raise ValueError(f"no rule for the shape after a {kind}")


def build(problem: Problem):
    """The network in PyTorch, with PyTorch's initialisation."""
    from torch import nn

    def layer(node: dict) -> nn.Module:
        arguments = {key: tuple(value) if isinstance(value, list) else value for key, value in node.items() if key not in ("name", "type")}
        return getattr(nn, node["type"])(**arguments)

    return nn.Sequential(*(layer(node) for node in problem.nodes()))

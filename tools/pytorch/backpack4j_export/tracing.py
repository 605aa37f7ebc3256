"""Turns a model into a graph: by torch.fx with known modules as leaves, else by torch.export."""

import re
import warnings
from dataclasses import dataclass

import torch
from torch import fx

from .modules import is_leaf
from .refusals import ExportError

ROOT = "model"


class Wrapped(torch.nn.Module):
    """A model as a function of one value: its only input, a tuple of inputs, or inputs by name. It picks a field of the output."""

    def __init__(self, model, count, names, output):
        super().__init__()
        self.add_module(ROOT, model)
        self._count = count
        self._names = names
        self._output = output

    def forward(self, inputs):
        if self._names is not None:
            result = self.model(**{name: inputs[name] for name in self._names})
        else:
            result = self.model(*[inputs[index] for index in range(self._count)])
        if self._output is None:
            return result
        return getattr(result, self._output) if _is_attribute(result, self._output) else result[self._output]


def _is_attribute(result, output):
    return isinstance(output, str) and not isinstance(result, (dict, fx.Proxy)) and hasattr(result, output)


@dataclass(frozen=True)
class Traced:
    """A graph, how it came about, and why torch.fx could not."""

    graph: fx.GraphModule
    by_export: bool


class _Tracer(fx.Tracer):
    proxy_buffer_attributes = True

    def is_leaf_module(self, module, path):
        return is_leaf(module)


def trace(wrapped, example):
    """Traces. `example` is a batch of inputs as the wrapped model takes them."""
    try:
        tracer = _Tracer()
        graph = tracer.trace(wrapped)
        return Traced(fx.GraphModule(wrapped, graph), False)
    except Exception as reason:  # whatever Python code of a model raises when it meets a proxy
        return _exported(wrapped, example, reason)


def _exported(wrapped, example, reason):
    batch = torch.export.Dim("batch", min=1)
    flat, _ = torch.utils._pytree.tree_flatten(example)
    shapes = [{0: batch} if tensor.dim() else None for tensor in flat]
    dynamic = _like(example, iter(shapes))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.export.export(wrapped, (example,), dynamic_shapes=(dynamic,), strict=False)
            return Traced(program.module(), True)
    except Exception as e:  # torch.export raises many kinds
        raise ExportError([("", f"torch.fx cannot trace it: {_first_line(reason)}"), ("", f"torch.export cannot either: {_first_line(e)}")]) from e


def _like(example, shapes):
    if isinstance(example, dict):
        return {name: _like(value, shapes) for name, value in example.items()}
    if isinstance(example, (tuple, list)):
        return tuple(_like(value, shapes) for value in example)
    return next(shapes)


def _first_line(error):
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0] if text else ''}"


def module_path(node):
    """Where in the model a node of the graph comes from, in the words of the state dict."""
    stack = node.meta.get("nn_module_stack")
    if node.op == "call_module":
        return plain(node.target)
    if not stack:
        return ""
    entry = list(stack.values())[-1]
    return plain(entry[0] if isinstance(entry, tuple) else str(entry))


def plain(path):
    """A path without the name of the model inside its wrapper."""
    path = re.sub(r"\['?([^'\]]*)'?\]", r".\1", path).removeprefix("L.self.").removeprefix("self.")
    return "" if path == ROOT else path.removeprefix(f"{ROOT}.")

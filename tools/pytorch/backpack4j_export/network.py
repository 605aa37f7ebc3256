"""The network that is written: nodes in order, with the tensors that they hold."""

from dataclasses import dataclass, field

import torch

from .refusals import Refusal


@dataclass(frozen=True)
class Held:
    """A parameter, buffer or constant of the model, under its name in the state dict."""

    name: str
    tensor: torch.Tensor
    is_transposed: bool = False

    @property
    def value(self):
        """The tensor as the node has it: a matrix [in, out] is written as [out, in]."""
        return self.tensor.t() if self.is_transposed else self.tensor

    def like_written(self, tensor):
        """Another tensor of the same parameter, such as its gradient, as the node has it."""
        return tensor.t() if self.is_transposed else tensor

    @property
    def is_parameter(self):
        return isinstance(self.tensor, torch.nn.Parameter)

    @property
    def is_trained(self):
        return self.is_parameter and self.tensor.requires_grad


@dataclass
class Node:
    """A node of the model file. `tensors` has parameters and buffers by name; those in `ties` are another node's."""

    name: str
    type: str
    arguments: dict
    inputs: list
    tensors: dict = field(default_factory=dict)
    ties: dict = field(default_factory=dict)

    def own(self):
        """The tensors that are written under this node's name."""
        return {parameter: held for parameter, held in self.tensors.items() if parameter not in self.ties}

    def description(self):
        """The node as it stands in the model file."""
        entry = {"name": self.name, "type": self.type, **self.arguments, "inputs": self.inputs}
        if self.ties:
            entry["tie"] = self.ties
        parameters = {name: held for name, held in self.own().items() if name not in BUFFERS}
        frozen = [name for name, held in parameters.items() if not held.is_trained]
        if frozen:
            entry["requires_grad"] = False if len(frozen) == len(parameters) else frozen
        return entry


BUFFERS = {"running_mean", "running_var"}


class Network:
    """Nodes in the order of evaluation. Names are those of modules where there is one, and differ from each other and from the inputs."""

    def __init__(self, inputs, module_names):
        self.inputs = list(inputs)
        self.nodes = []
        self.output = None
        self.reserved = set(module_names)
        self._used = set(inputs)
        self._owners = {}

    def name(self, wish, is_module):
        """A name that is free: a module's own if it has none yet."""
        if wish not in self._used and (is_module or wish not in self.reserved):
            return wish
        number = 2
        while f"{wish}_{number}" in self._used | self.reserved:
            number += 1
        return f"{wish}_{number}"

    def add(self, wish, is_module, type, inputs, arguments, tensors):
        """Adds a node. A parameter that another node has is tied to it."""
        node = Node(self.name(wish, is_module), type, arguments, list(inputs), dict(tensors))
        for parameter, held in tensors.items():
            if not held.is_parameter:
                continue
            mine = (f"{node.name}.{parameter}", self.shape(node, parameter), held.is_transposed)
            owner, shape, is_transposed = self._owners.setdefault(id(held.tensor), mine)
            if is_transposed != held.is_transposed:
                raise Refusal(f"uses the parameter '{held.name}' transposed, but it is used as it is elsewhere, or the other way round")
            if shape != self.shape(node, parameter):
                raise Refusal(
                    f"uses the parameter '{held.name}' with the shape {list(self.shape(node, parameter))}, but it is used with {list(shape)} elsewhere"
                )
            if owner != f"{node.name}.{parameter}":
                node.ties[parameter] = owner
        self._used.add(node.name)
        self.nodes.append(node)
        return node

    @staticmethod
    def shape(node, parameter):
        """The shape that a tensor has in the file: that of a Parameter has no axis for samples."""
        held = node.tensors[parameter]
        return tuple(node.arguments["shape"]) if node.type == "Parameter" else tuple(held.value.shape)

    def description(self):
        """The model file without its loss."""
        model = {} if self.inputs == ["input"] else {"inputs": self.inputs}
        return {**model, "nodes": [node.description() for node in self.nodes], "output": self.output}

    def parameters(self):
        """Every tensor of the data file: its name, what it is in the state dict, its shape there."""
        for node in self.nodes:
            for parameter, held in node.own().items():
                yield f"{node.name}.{parameter}", held, self.shape(node, parameter)

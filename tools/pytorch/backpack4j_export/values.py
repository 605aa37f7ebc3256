"""What an edge of a traced graph carries while it is converted."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Ref:
    """The output of a node, or an input of the network.

    `values` has what the nodes that are written compute, one per run, with samples along axis 0. What is the same for every sample is
    `batchless`, and `bare` if PyTorch's tensor has no axis for samples at all.
    """

    name: str
    values: tuple
    batchless: bool = False
    bare: bool = False

    @property
    def rank(self):
        return self.values[0].dim()

    @property
    def sample(self):
        """The shape of one sample."""
        return tuple(self.values[0].shape[1:])


@dataclass(frozen=True)
class Fixed:
    """What does not depend on the numbers of the input: one value per run, which may depend on the number of samples."""

    values: tuple

    def is_same(self):
        first = self.values[0]
        if isinstance(first, torch.Tensor):
            return all(first.shape == value.shape and torch.equal(first, value) for value in self.values[1:])
        return all(type(first) is type(value) and first == value for value in self.values[1:])


@dataclass(frozen=True)
class Transposed:
    """A matrix of the model, transposed, as in `x @ weight.T`."""

    held: object


@dataclass(frozen=True)
class Folded:
    """What the positions of all samples are one axis of: `x.view(-1, features)`. A linear map may be applied to it, then it must be unfolded."""

    ref: Ref

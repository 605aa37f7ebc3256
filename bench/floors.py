"""How many operations a pass needs, and so how long it takes at least.

Counted are the multiplications and additions (2 m n k) of matrix products and convolutions as their definitions spell them; loss, activations,
pooling and whatever is only read or written count nothing. With N samples, L positions, O outputs and K inputs of a weight, a *product* of a layer
is 2 N L O K.

| quantity | what is counted |
|---|---|
| gradient | forward and weight gradient: a product each; backward-data: one more, but for the first layer, whose input needs no gradient |
| BatchGrad, SumGradSquared, Variance | the gradient, and one more weight gradient: its terms of single samples are kept, or squared and summed |
| BatchL2Grad | the gradient; for convolutions the lesser of one more weight gradient and of the Gram matrices, 2 N L^2 (K + O) |
| DiagGGNMC | the gradient; per drawn column a backward-data and a squared weight gradient |
| DiagGGNExact, DiagHessian | the same with C - 1 columns, the rank of the softmax's Hessian for C classes |
| KFAC, KFLR | the gradient; 1 or C - 1 columns' backward-data; the output factor 2 N O^2 per column; the input factor 2 N L K^2, once |
| sets | what several members share counts once |

The result is a floor for kernels that do these products. A kernel may need fewer: a gradient can be the sum of the samples' terms that were made anyway,
and the input factor of a convolution can reuse what neighbouring kernel positions share. Such a pass may come out faster than its floor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Optional

from networks import Problem, Weight, weights

SAMPLES = {"BatchGrad", "SumGradSquared", "Variance"}
FIRST_ORDER = SAMPLES | {"BatchL2Grad"}
SAMPLED = {"DiagGGNMC", "KFAC"}
EXACT = {"DiagGGNExact", "DiagHessian", "KFLR"}
FACTORS = {"KFAC", "KFLR"}


@dataclass(frozen=True)
class Operations:
    """Floating-point operations by kind: plain products, products whose terms are squared, and symmetric updates."""

    product: float = 0
    square: float = 0
    symmetric: float = 0

    def __add__(self, other: Operations) -> Operations:
        return Operations(self.product + other.product, self.square + other.square, self.symmetric + other.symmetric)

    def times(self, factor: float) -> Operations:
        return Operations(self.product * factor, self.square * factor, self.symmetric * factor)

    def total(self) -> float:
        return self.product + self.square + self.symmetric


def product(weight: Weight, samples: int) -> float:
    """A layer's forward, weight gradient or backward-data."""
    return 2.0 * samples * weight.positions * weight.outputs * weight.inputs


def squares(weight: Weight, samples: int) -> Operations:
    """The sum of the samples' squared weight gradients; of a linear layer a plain product of squares."""
    count = product(weight, samples)
    return Operations(product=count) if weight.positions == 1 else Operations(square=count)


def norms(weight: Weight, samples: int) -> Operations:
    """The samples' squared norms; of a linear layer they are products of two norms, which count nothing."""
    if weight.positions == 1:
        return Operations()
    gram = 2.0 * samples * weight.positions**2 * (weight.inputs + weight.outputs)
    return Operations(product=gram) if gram < product(weight, samples) else Operations(square=product(weight, samples))


def backward_data(layers: list[Weight], samples: int) -> Operations:
    """One column through all layers but the first."""
    return Operations(product=sum(product(weight, samples) for weight in layers[1:]))


def add(parts: Iterable[Operations]) -> Operations:
    return sum(parts, Operations())


def gradient(layers: list[Weight], samples: int) -> Operations:
    return Operations(product=sum(2 * product(weight, samples) for weight in layers)) + backward_data(layers, samples)


def operations(problem: Problem, extensions: Iterable[str]) -> Optional[Operations]:
    """What a pass with these extensions needs, the gradient included; None where no count is defined."""
    wanted = set(extensions)
    if not wanted <= FIRST_ORDER | SAMPLED | EXACT:
        return None
    layers, samples = weights(problem), problem.batch
    all_squares = add(squares(weight, samples) for weight in layers)
    total = gradient(layers, samples)
    if wanted & SAMPLES:
        total += all_squares
    elif "BatchL2Grad" in wanted:
        total += add(norms(weight, samples) for weight in layers)
    if wanted & SAMPLED:
        total += _columns(1, layers, samples, all_squares, "DiagGGNMC" in wanted, "KFAC" in wanted)
    if wanted & EXACT:
        diagonal = bool(wanted & {"DiagGGNExact", "DiagHessian"})
        total += _columns(problem.classes - 1, layers, samples, all_squares, diagonal, "KFLR" in wanted)
    if wanted & FACTORS:
        total += Operations(symmetric=sum(2.0 * samples * weight.positions * weight.inputs**2 for weight in layers))
    return total


def _columns(count: int, layers: list[Weight], samples: int, all_squares: Operations, diagonal: bool, factor: bool) -> Operations:
    """Columns of the loss' curvature, carried to every layer and contracted there."""
    column = backward_data(layers, samples)
    if diagonal:
        column += all_squares
    if factor:
        column += Operations(symmetric=sum(2.0 * samples * weight.outputs**2 for weight in layers))
    return column.times(count)

"""Functions, methods and operators of torch that become nodes, by their names in PyTorch: arithmetic and
activations. The first argument is the place of the call."""

import math

import torch

from .modules import Missing
from .network import Held
from .refusals import Refusal
from .registry import OPERATIONS, operation, refuse_given
from .values import Fixed, Folded, Ref, Transposed


# --- arithmetic


def _number(value):
    if isinstance(value, Held) and not value.is_parameter and value.tensor.dim() == 0:
        return value.tensor.item()
    if isinstance(value, Fixed) and value.is_same() and isinstance(value.values[0], torch.Tensor) and value.values[0].dim() == 0:
        return value.values[0].item()
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _operands(c, type, *values):
    """Inputs of one rank, of which at least one holds samples."""
    refs = [value for value in values if isinstance(value, Ref)]
    if not refs:
        refs = [c.parameter(value, None) for value in values[:1]]
    rank = max(ref.rank for ref in refs)
    aligned = []
    for value in values:
        if isinstance(value, Ref):
            if value.rank != rank and not value.batchless:
                raise Refusal(
                    f"takes samples with {value.rank - 1} and with {rank - 1} axes: PyTorch stretches them from the last axis on, so that samples meet another axis"
                )
            if value.rank != rank:
                value = c.add("Reshape", [Ref(value.name, value.values, True)], {"shape": [1] * (rank - value.rank) + list(value.sample)})
            aligned.append(Ref(value.name, value.values, value.batchless))
        elif isinstance(value, Missing):
            raise Refusal(value.reason)
        elif isinstance(value, (Held, Fixed)):
            aligned.append(c.parameter(value, rank))
        else:
            constant = torch.full((1,) * rank, float(c.literal(value, "an operand")), dtype=torch.float64)
            aligned.append(c.parameter(Fixed((constant,) * len(refs[0].values)), rank))
    return c.add(type, aligned)


def _affine(c, input, scale, shift):
    if not math.isfinite(scale) or not math.isfinite(shift):
        raise Refusal(f"takes the number {scale if math.isfinite(shift) else shift}, which is not finite")
    if shift == 0:
        return c.add("Scale", [input], {"weight": scale})
    return c.add("Affine", [input], {"scale": scale, "shift": shift})


@operation("add", "iadd", "radd")
def add(c, input, other, alpha=1):
    first, second = _number(input), _number(other)
    if second is not None:
        return _affine(c, input, 1.0, alpha * float(second))
    if first is not None:
        return _affine(c, other, float(alpha), float(first))
    return _operands(c, "Sum", input, other if alpha == 1 else _affine(c, other, float(alpha), 0.0))


@operation("sub", "subtract", "isub")
def sub(c, input, other, alpha=1):
    first, second = _number(input), _number(other)
    if second is not None:
        return _affine(c, input, 1.0, -alpha * float(second))
    if first is not None:
        return _affine(c, other, -float(alpha), float(first))
    return _operands(c, "Sub", input, other if alpha == 1 else _affine(c, other, float(alpha), 0.0))


@operation("rsub")
def rsub(c, input, other, alpha=1):
    return sub(c, other, input, alpha)


@operation("mul", "multiply", "imul")
def mul(c, input, other):
    first, second = _number(input), _number(other)
    if second is not None:
        return _affine(c, input, float(second), 0.0)
    if first is not None:
        return _affine(c, other, float(first), 0.0)
    return _operands(c, "Mul", input, other)


@operation("div", "truediv", "true_divide", "divide", "itruediv")
def div(c, input, other, rounding_mode=None):
    if rounding_mode is not None:
        raise Refusal(f"rounding_mode='{rounding_mode}' has no counterpart")
    number = _number(other)
    if number is not None:
        return _affine(c, input, 1.0 / number if number else math.inf, 0.0)
    return _operands(c, "Div", input, other)


@operation("neg", "negative")
def neg(c, input):
    return _affine(c, input, -1.0, 0.0)


@operation("pow")
def power(c, input, exponent):
    if exponent not in (1, 2, 3, 4):
        raise Refusal(f"the power {exponent} has no counterpart; possible are 1 to 4")
    ref = c.tensor(input)
    return ref if exponent == 1 else c.add("Mul", [ref] * int(exponent))


@operation("square")
def square(c, input):
    return power(c, input, 2)


@operation("linear")
def linear(c, input, weight, bias=None):
    out_features, in_features = c.stored(weight, "weight").value.shape
    arguments = {"in_features": in_features, "out_features": out_features, "bias": bias is not None}
    if isinstance(input, Folded):
        return Folded(c.add("Linear", [input.ref], arguments, {"weight": weight, "bias": bias}))
    return c.add("Linear", [input], arguments, {"weight": weight, "bias": bias})


@operation("matmul", "bmm", "imatmul")
def matmul(c, input, other):
    if isinstance(other, Transposed):
        return linear(c, input, other.held)
    if isinstance(other, Held) and other.tensor.dim() == 2:
        return linear(c, input, Held(other.name, other.tensor, True))
    ref = c.tensor(input)
    if isinstance(other, (Held, Fixed)):
        other = c.parameter(other, ref.rank)
    other = c.tensor(other)
    if ref.rank != other.rank or ref.rank < 3:
        raise Refusal(f"multiplies samples with {ref.rank - 1} and {other.rank - 1} axes; both need the same, at least two")
    return c.add("MatMul", [ref, other])


@operation("addmm")
def addmm(c, input, mat1, mat2, beta=1, alpha=1):
    if beta != 1 or alpha != 1:
        raise Refusal("beta and alpha have no counterpart")
    if isinstance(mat2, Transposed):
        return linear(c, mat1, mat2.held, input)
    if isinstance(mat2, Held):
        return linear(c, mat1, Held(mat2.name, mat2.tensor, True), input)
    raise Refusal("multiplies by a matrix that the network computes; use matmul")


# --- activations


def _activations():
    plain = {
        "relu": "ReLU", "relu6": "ReLU6", "selu": "SELU", "sigmoid": "Sigmoid", "tanh": "Tanh", "logsigmoid": "LogSigmoid", "log_sigmoid": "LogSigmoid",
        "silu": "SiLU", "mish": "Mish", "softsign": "Softsign", "hardswish": "Hardswish", "hardsigmoid": "Hardsigmoid",
    }  # fmt: skip
    for name, type in plain.items():

        def convert(c, input, inplace=False, type=type):
            return c.add(type, [input])

        OPERATIONS[name] = convert


_activations()


@operation("leaky_relu")
def leaky_relu(c, input, negative_slope=0.01, inplace=False):
    return c.add("LeakyReLU", [input], {"negative_slope": negative_slope})


@operation("elu")
def elu(c, input, alpha=1.0, scale=1, input_scale=1, inplace=False):
    if scale not in (1, False) or input_scale != 1:
        raise Refusal("scale and input_scale have no counterpart")
    return c.add("ELU", [input], {"alpha": alpha})


@operation("gelu")
def gelu(c, input, approximate="none"):
    return c.add("GELU", [input], {"approximate": approximate})


@operation("softplus")
def softplus(c, input, beta=1, threshold=20):
    return c.add("Softplus", [input], {"beta": beta, "threshold": threshold})


@operation("hardtanh")
def hardtanh(c, input, min_val=-1.0, max_val=1.0, inplace=False):
    return c.add("Hardtanh", [input], {"min_val": min_val, "max_val": max_val})


@operation("clamp", "clip")
def clamp(c, input, min=None, max=None):
    if max is None and min == 0:
        return c.add("ReLU", [input])
    if min is None or max is None:
        raise Refusal("clamps on one side; possible are both, and min=0")
    return c.add("Hardtanh", [input], {"min_val": c.literal(min, "min"), "max_val": c.literal(max, "max")})


@operation("prelu")
def prelu(c, input, weight):
    held = c.stored(weight, "weight")
    return c.add("PReLU", [input], {"num_parameters": held.tensor.numel()}, {"weight": weight})


@operation("glu")
def glu(c, input, dim=-1):
    return c.add("GLU", [input], {"dim": dim})


def _softmax(type):
    def convert(c, input, dim=None, _stacklevel=3, dtype=None):
        if dim is None:
            raise Refusal("dim=None is a guess of PyTorch's that depends on the input; say dim")
        refuse_given(dtype=dtype)
        ref = c.tensor(input)
        return c.add(type, [ref], {"dim": c.axis(ref, dim)})

    return convert


OPERATIONS["softmax"] = _softmax("Softmax")
OPERATIONS["log_softmax"] = _softmax("LogSoftmax")

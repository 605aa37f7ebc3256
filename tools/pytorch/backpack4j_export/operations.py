"""Functions, methods and operators of torch that become nodes, by their names in PyTorch. The first argument is the place of the call."""

import math

import torch

from .modules import LastStates, Missing, padding
from .network import Held
from .refusals import Refusal
from .values import Fixed, Folded, Ref, Transposed

OPERATIONS = {}

# What depends on shapes and types only.
METADATA = {
    "size", "shape", "dim", "ndim", "dtype", "device", "len", "numel", "sym_size", "is_floating_point", "requires_grad", "is_nested",
    "_assert", "_assert_scalar", "sym_constrain_range_for_size", "_assert_tensor_metadata", "new_zeros", "new_ones", "new_full", "new_empty",
    "zeros_like", "ones_like", "is_contiguous", "stride", "get_device", "type", "__len__", "is_grad_enabled", "is_cuda", "itemsize",
}  # fmt: skip


def operation(*names):
    def register(function):
        for name in names:
            OPERATIONS[name] = function
        return function

    return register


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


def _inplace_is_no_number(**named):
    extra = {name: value for name, value in named.items() if value not in (None, False)}
    if extra:
        raise Refusal(f"has arguments without a counterpart: {sorted(extra)}")


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
        _inplace_is_no_number(dtype=dtype)
        ref = c.tensor(input)
        return c.add(type, [ref], {"dim": c.axis(ref, dim)})

    return convert


OPERATIONS["softmax"] = _softmax("Softmax")
OPERATIONS["log_softmax"] = _softmax("LogSoftmax")


# --- layers


@operation("linear")
def linear(c, input, weight, bias=None):
    out_features, in_features = c.stored(weight, "weight").value.shape
    arguments = {"in_features": in_features, "out_features": out_features, "bias": bias is not None}
    if isinstance(input, Folded):
        return Folded(c.add("Linear", [input.ref], arguments, {"weight": weight, "bias": bias}))
    return c.add("Linear", [input], arguments, {"weight": weight, "bias": bias})


def _sizes(value, axes):
    return list(value) * axes if isinstance(value, (tuple, list)) and len(value) == 1 else list(value) if isinstance(value, (tuple, list)) else [value] * axes


def _convolution(axes, transposed):
    def convert(c, input, weight, bias, stride, padded, output_padding, groups, dilation):
        shape = c.stored(weight, "weight").tensor.shape
        if transposed:
            channels = {"in_channels": shape[0], "out_channels": shape[1] * groups, "output_padding": _sizes(output_padding, axes)}
        else:
            channels = {"in_channels": shape[1] * groups, "out_channels": shape[0]}
        kernel, dilation = list(shape[2:]), _sizes(dilation, axes)
        padded = padding(kernel, dilation, padded)
        arguments = {
            **channels, "kernel_size": kernel, "stride": _sizes(stride, axes), "padding": _sizes(padded, axes),
            "dilation": dilation, "groups": groups, "bias": bias is not None,
        }  # fmt: skip
        return c.add(f"Conv{'Transpose' if transposed else ''}{axes}d", [input], arguments, {"weight": weight, "bias": bias})

    if transposed:
        return lambda c, input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1: convert(
            c, input, weight, bias, stride, padding, output_padding, groups, dilation
        )
    return lambda c, input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1: convert(
        c, input, weight, bias, stride, padding, 0, groups, dilation
    )


def _max_pool(axes):
    def convert(c, input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
        if return_indices:
            raise Refusal("return_indices=True has no counterpart: a node has one output")
        arguments = {
            "kernel_size": _sizes(kernel_size, axes), "stride": _sizes(stride or kernel_size, axes), "padding": _sizes(padding, axes),
            "dilation": _sizes(dilation, axes), "ceil_mode": ceil_mode,
        }  # fmt: skip
        return c.add(f"MaxPool{axes}d", [input], arguments)

    return convert


def _avg_pool(axes):
    def convert(c, input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
        if divisor_override is not None:
            raise Refusal("divisor_override has no counterpart")
        arguments = {
            "kernel_size": _sizes(kernel_size, axes), "stride": _sizes(stride or kernel_size, axes), "padding": _sizes(padding, axes),
            "ceil_mode": ceil_mode, "count_include_pad": count_include_pad,
        }  # fmt: skip
        return c.add(f"AvgPool{axes}d", [input], arguments)

    return convert


def _adaptive_pool(kind, axes):
    def convert(c, input, output_size, return_indices=False):
        if return_indices:
            raise Refusal("return_indices=True has no counterpart: a node has one output")
        return c.add(f"Adaptive{kind}Pool{axes}d", [input], {"output_size": _sizes(output_size, axes)})

    return convert


for _axes in (1, 2, 3):
    OPERATIONS[f"conv{_axes}d"] = _convolution(_axes, False)
    OPERATIONS[f"conv_transpose{_axes}d"] = _convolution(_axes, True)
    OPERATIONS[f"max_pool{_axes}d"] = _max_pool(_axes)
    OPERATIONS[f"avg_pool{_axes}d"] = _avg_pool(_axes)
    OPERATIONS[f"adaptive_avg_pool{_axes}d"] = _adaptive_pool("Avg", _axes)
    OPERATIONS[f"adaptive_max_pool{_axes}d"] = _adaptive_pool("Max", _axes)


@operation("batch_norm")
def batch_norm(c, input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    if running_mean is None or running_var is None:
        raise Refusal("has no running statistics, whose place the batch's take in eval mode, too, which a node cannot say")
    if (weight is None) != (bias is None):
        raise Refusal("has a weight or a bias only; give both or none")
    axes = {2: 1, 3: 1, 4: 2, 5: 3}[c.tensor(input).rank]
    features = c.stored(running_mean, "running_mean").tensor.numel()
    arguments = {"num_features": features, "eps": eps, "affine": weight is not None, "mode": "train" if training else "eval", "momentum": momentum}
    tensors = {"weight": weight, "bias": bias, "running_mean": running_mean, "running_var": running_var}
    return c.add(f"BatchNorm{axes}d", [input], arguments, tensors)


@operation("layer_norm")
def layer_norm(c, input, normalized_shape, weight=None, bias=None, eps=1e-5, cudnn_enable=True):
    if weight is None and bias is not None:
        raise Refusal("has a bias without a weight")
    arguments = {"normalized_shape": list(normalized_shape), "eps": eps, "elementwise_affine": weight is not None}
    if weight is not None:
        arguments["bias"] = bias is not None
    return c.add("LayerNorm", [input], arguments, {"weight": weight, "bias": bias})


@operation("rms_norm")
def rms_norm(c, input, normalized_shape, weight=None, eps=None):
    arguments = {
        "normalized_shape": list(normalized_shape), "eps": c.epsilon() if eps is None else eps, "elementwise_affine": weight is not None,
    }  # fmt: skip
    return c.add("RMSNorm", [input], arguments, {"weight": weight})


@operation("group_norm")
def group_norm(c, input, num_groups, weight=None, bias=None, eps=1e-5, cudnn_enabled=True):
    if (weight is None) != (bias is None):
        raise Refusal("has a weight or a bias only; give both or none")
    arguments = {"num_groups": num_groups, "num_channels": c.tensor(input).sample[0], "eps": eps, "affine": weight is not None}
    return c.add("GroupNorm", [input], arguments, {"weight": weight, "bias": bias})


@operation("embedding")
def embedding(c, input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False):
    _inplace_is_no_number(max_norm=max_norm, scale_grad_by_freq=scale_grad_by_freq, sparse=sparse)
    held = c.stored(weight, "weight")
    padding_idx = None if padding_idx == -1 else padding_idx
    if c.is_constant(input):
        return c.rows(held, input, padding_idx)
    arguments = {"num_embeddings": held.tensor.shape[0], "embedding_dim": held.tensor.shape[1]}
    if padding_idx is not None:
        arguments["padding_idx"] = padding_idx
    return c.add("Embedding", [input], arguments, {"weight": weight})


@operation("dropout", "dropout_")
def dropout(c, input, p=0.5, training=True, inplace=False):
    return c.add("Dropout", [input], {"p": p, "mode": "train" if training else "eval"})


@operation("scaled_dot_product_attention")
def scaled_dot_product_attention(c, query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False):
    if dropout_p:
        raise Refusal(f"dropout_p={dropout_p} drops attention weights, which has no counterpart; call eval()")
    if enable_gqa:
        raise Refusal("enable_gqa has no counterpart")
    if attn_mask is not None and c.is_open(attn_mask, true_masks=False):
        attn_mask = None
    if attn_mask is not None and not c.is_causal(attn_mask, true_masks=False):
        raise Refusal("attn_mask is neither None nor the causal mask; no other mask has a counterpart")
    if isinstance(scale, (int, float)) or scale is None:
        arguments = {"causal": bool(is_causal or attn_mask is not None)}
        return c.add("ScaledDotProductAttention", [query, key, value], arguments if scale is None else {**arguments, "scale": float(scale)})
    raise Refusal("has a scale that depends on the input")


@operation("pad", "constant_pad_nd")
def pad(c, input, pad, mode="constant", value=None):
    if isinstance(mode, (int, float)):
        mode, value = "constant", mode  # aten's third argument is the value
    if mode != "constant":
        raise Refusal(f"mode='{mode}' has no counterpart; only constants are padded")
    ref = c.tensor(input)
    sides = [c.literal(side, "padding") for side in pad]
    if any(sides[2 * (ref.rank - 1) :]):
        raise Refusal("pads axis 0, which holds the samples")
    return c.add("Pad", [ref], {"padding": sides[: 2 * (ref.rank - 1)], "value": value or 0})


@operation("interpolate")
def interpolate(c, input, size=None, scale_factor=None, mode="nearest", align_corners=None, recompute_scale_factor=None, antialias=False):
    _inplace_is_no_number(antialias=antialias)
    return c.upsample(input, size, scale_factor, mode, align_corners, recompute_scale_factor)


# --- shapes and axes


@operation("flatten", "view", "reshape", "unsqueeze", "squeeze", "unflatten", "_unsafe_view", "view_as", "reshape_as", "alias")
def reshape(c, input, *shape, **named):
    return c.reshaped(input)


def _permuted(c, input, dims):
    if isinstance(input, Held) and input.tensor.dim() == 2 and dims == [1, 0]:
        return Transposed(input)
    ref = c.tensor(input)
    if dims[0] != 0:
        raise Refusal(f"moves the batch: axis 0 must stay where it is, but the axes become {dims}")
    return ref if dims == sorted(dims) else c.add("Permute", [ref], {"dims": dims})


def _rank(input):
    return input.tensor.dim() if isinstance(input, Held) else input.rank if isinstance(input, Ref) else input.values[0].dim()


@operation("permute")
def permute(c, input, *dims):
    order = list(dims[0]) if len(dims) == 1 and isinstance(dims[0], (tuple, list)) else list(dims)
    return _permuted(c, input, [dim % _rank(input) for dim in order])


@operation("transpose", "swapaxes", "swapdims")
def transpose(c, input, first, second):
    dims = list(range(_rank(input)))
    dims[first], dims[second] = dims[second], dims[first]
    return _permuted(c, input, dims)


@operation("t", "T", "mT", "numpy_T")
def transposed(c, input):
    return transpose(c, input, -2, -1)


@operation("cat", "concat", "concatenate")
def cat(c, tensors, dim=0):
    refs = [value for value in tensors if isinstance(value, Ref)]
    if not refs:
        raise Refusal("joins nothing that holds samples")
    axis = c.axis(refs[0], dim)
    return c.add("Concat", [value if isinstance(value, Ref) else c.parameter(value, refs[0].rank) for value in tensors], {"dim": axis})


@operation("stack")
def stack(c, tensors, dim=0):
    refs = [c.tensor(value) for value in tensors]
    axis = dim + refs[0].rank + 1 if dim < 0 else dim
    if axis == 0:
        raise Refusal("stacks in front of axis 0, which holds the samples")
    shape = list(refs[0].sample)
    shape.insert(axis - 1, 1)
    return c.add("Concat", [c.add("Reshape", [ref], {"shape": shape}) for ref in refs], {"dim": axis})


def _slice(c, ref, axis, selection):
    return c.add("Slice", [ref], {"slices": [[None, None, None]] * axis + [selection]})


@operation("chunk", "split", "tensor_split", "split_with_sizes", "unsafe_chunk", "unsafe_split")
def split(c, input, sizes, dim=0):
    ref = c.tensor(input)
    axis = c.axis(ref, dim)
    parts, start = [], 0
    for part in c.result:
        parts.append(_slice(c, ref, axis, [start, start + part.shape[axis], None]))
        start += part.shape[axis]
    return tuple(parts)


@operation("unbind")
def unbind(c, input, dim=0):
    ref = c.tensor(input)
    axis = c.axis(ref, dim)
    return tuple(_slice(c, ref, axis, index) for index in range(len(c.result)))


@operation("select")
def select(c, input, dim, index):
    if isinstance(input, LastStates) and dim == 0:
        return input.layer(c, index)
    ref = c.tensor(input)
    return _slice(c, ref, c.axis(ref, dim), c.literal(index, "an index"))


@operation("narrow")
def narrow(c, input, dim, start, length):
    ref = c.tensor(input)
    return _slice(c, ref, c.axis(ref, dim), [c.literal(start, "a start"), start + length, None])


@operation("slice")
def slice_axis(c, input, dim=0, start=None, end=None, step=1):
    ref = c.tensor(input)
    stop = None if end is None or (isinstance(end, int) and end >= 2**62) else c.literal(end, "an end")
    if dim == 0 and not start and stop is None and step == 1:
        return ref
    return _slice(c, ref, c.axis(ref, dim), [c.literal(start, "a start"), stop, step])


@operation("getitem")
def getitem(c, input, index):
    if isinstance(input, LastStates):
        return input.layer(c, index)
    if isinstance(input, (tuple, list, dict)):
        return input[index]
    ref = c.tensor(input)
    parts = list(index) if isinstance(index, tuple) else [index]
    if any(part is Ellipsis for part in parts):
        at = parts.index(Ellipsis)
        missing = ref.rank - sum(part is not None and part is not Ellipsis for part in parts)
        parts[at : at + 1] = [slice(None)] * missing
    selections = []
    for part in parts:
        if isinstance(part, slice):
            selections.append([c.literal(bound, "a bound") for bound in (part.start, part.stop, part.step)])
        elif isinstance(part, int) and not isinstance(part, bool):
            selections.append(part)
        elif part is not None:
            raise Refusal(f"is indexed by {type(part).__name__}; possible are numbers, slices, None and ...")
    whole = all(entry == [None, None, None] for entry in selections)
    if selections and selections[0] != [None, None, None]:
        raise Refusal("takes a part of axis 0, which holds the samples")
    cut = ref if whole else c.add("Slice", [ref], {"slices": selections})
    return c.reshaped(cut) if None in parts else cut


@operation("expand", "expand_as", "repeat", "broadcast_to")
def expand(c, input, *sizes):
    ref = c.parameter(input, None) if isinstance(input, (Held, Fixed)) else input
    if tuple(c.result.shape[1:]) != ref.sample or not (ref.batchless or c.result.shape[0] == ref.values[0].shape[0]):
        raise Refusal(f"repeats {list(ref.values[0].shape)} to {list(c.result.shape)}; only what has axis 0 of size one is repeated, along it")
    return Ref(ref.name, ref.values, ref.batchless)


@operation("contiguous", "clone", "to", "float", "double", "type_as", "_to_copy", "requires_grad_", "view_copy", "lift_fresh_copy")
def same(c, input, *options, **named):
    ref = c.tensor(input) if not (isinstance(input, Ref) and input.bare) else input
    if c.result.dtype != ref.values[0].dtype:
        raise Refusal(f"changes the type from {ref.values[0].dtype} to {c.result.dtype}; a network has one type")
    return ref


# --- reductions


def _axes(c, ref, dim):
    if dim is None or dim == [] or dim == ():
        raise Refusal("reduces axis 0, which holds the samples; say dim")
    return sorted((c.axis(ref, axis) for axis in (dim if isinstance(dim, (tuple, list)) else [dim])), reverse=True)


def _reduced(c, type, input, dim, keepdim):
    ref = c.tensor(input)
    axes = _axes(c, ref, dim)
    if keepdim and type == "Mean" and axes == list(range(ref.rank - 1, 1, -1)) and 3 <= ref.rank <= 5:
        return c.add(f"AdaptiveAvgPool{ref.rank - 2}d", [ref], {"output_size": [1] * (ref.rank - 2)})
    value = ref
    for axis in axes:
        value = c.add(type, [value], {"dim": axis})
    if keepdim:
        value = c.add("Reshape", [value], {"shape": [1 if axis + 1 in axes else size for axis, size in enumerate(ref.sample)]})
    return value, math.prod(ref.values[0].shape[axis] for axis in axes)


@operation("mean")
def mean(c, input, dim=None, keepdim=False, dtype=None):
    _inplace_is_no_number(dtype=dtype)
    reduced = _reduced(c, "Mean", input, dim, keepdim)
    return reduced[0] if isinstance(reduced, tuple) else reduced


@operation("sum")
def total(c, input, dim=None, keepdim=False, dtype=None):
    _inplace_is_no_number(dtype=dtype)
    value, count = _reduced(c, "Mean", input, dim, False)
    scaled = c.add("Scale", [value], {"weight": float(count)})
    return c.reshaped(scaled) if keepdim else scaled


@operation("amax")
def amax(c, input, dim=(), keepdim=False):
    return _reduced(c, "Max", input, dim, keepdim)[0]


@operation("max")
def maximum(c, input, dim=None, keepdim=False):
    if dim is not None and not isinstance(dim, int):
        raise Refusal("the greater of two tensors has no counterpart")
    return _reduced(c, "Max", input, dim, keepdim)[0], Missing("positions of maxima have no counterpart")

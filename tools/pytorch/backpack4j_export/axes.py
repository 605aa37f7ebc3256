"""Functions, methods and operators of torch that become nodes, by their names in PyTorch: shapes, parts and
reductions. The first argument is the place of the call."""

import math

from .modules import LastStates, Missing
from .network import Held
from .refusals import Refusal
from .registry import operation, refuse_given
from .values import Fixed, Ref, Transposed


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
    refuse_given(dtype=dtype)
    reduced = _reduced(c, "Mean", input, dim, keepdim)
    return reduced[0] if isinstance(reduced, tuple) else reduced


@operation("sum")
def total(c, input, dim=None, keepdim=False, dtype=None):
    refuse_given(dtype=dtype)
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

"""One place of a traced graph in conversion: what converters use to look at values and to add nodes."""

import math

import torch

from .evaluation import apply
from .modules import Missing, converter
from .network import Held
from .refusals import Refusal
from .values import Fixed, Folded, Ref, Transposed

ROUNDING = 1e-9


def differs(ours, theirs):
    """Whether tensors are different beyond the rounding of float64."""
    if ours.shape != theirs.shape:
        return True
    if not ours.is_floating_point():
        return not torch.equal(ours, theirs)
    bound = ROUNDING * theirs.abs().max().item() + 1e-12 if theirs.numel() else 0
    return not bool(((ours - theirs).abs() <= bound).all())


class Call:
    """The place of a module's call or an operation. `results` has what PyTorch computes there, one per run."""

    def __init__(self, conversion, path, operation, results):
        self.network = conversion.network
        self.path = path
        self._conversion = conversion
        self._operation = operation
        self._results = results

    # --- adding nodes

    def node(self, module, inputs, arguments=None, tensors=(), type=None):
        """A node for a whole module, named as the module is."""
        held = {}
        for name in tensors:
            if _attribute(module, name) is not None:
                held[name] = self.held(module, name)
        kind = type or module.__class__.__name__
        return self._add(self.path or kind, True, kind, inputs, arguments or {}, held)

    def add(self, type, inputs, arguments=None, tensors=None):
        """A node for an operation. If it uses all tensors of a module under their names, it is named as the module is."""
        held = {name: self.stored(value, name) for name, value in (tensors or {}).items() if value is not None}
        if held and self._conversion.holds(self.path, held):
            own = {name: Held(f"{self.path}.{name}", value.tensor, value.is_transposed) for name, value in held.items()}
            return self._add(self.path, True, type, inputs, arguments or {}, own)
        prefixes = {value.name.removesuffix(f".{name}") if value.name.endswith(f".{name}") else None for name, value in held.items()}
        if len(prefixes) == 1 and None not in prefixes:
            return self._add(prefixes.pop(), True, type, inputs, arguments or {}, held)
        wish = f"{self.path}.{self._operation}" if self.path else self._operation
        return self._add(wish, False, type, inputs, arguments or {}, held)

    def _add(self, wish, is_module, type, inputs, arguments, held):
        refs = [self.tensor(value) for value in inputs]
        node = self.network.add(wish, is_module, type, [ref.name for ref in refs], arguments, held)
        tensors = {name: value.value for name, value in held.items()}
        values = []
        for run in range(self._conversion.runs):
            try:
                values.append(apply(node, [ref.values[run] for ref in refs], tensors))
            except (RuntimeError, TypeError, ValueError, NotImplementedError) as e:
                raise Refusal(f"cannot be written as {type}: {e}") from e
        return Ref(node.name, tuple(values), type != "Parameter" and all(ref.batchless for ref in refs))

    def child(self, name, module, *args, **named):
        """Converts a module inside this one."""
        inner = self.inside(name)
        convert = converter(module)
        if convert is None:
            raise Refusal(f"the layer '{name}' of type {module.__class__.__name__} has no counterpart")
        return convert(inner, module, *args, **named)

    def inside(self, name):
        return Call(self._conversion, f"{self.path}.{name}" if self.path else name, self._operation, self._results)

    # --- looking at values

    def tensor(self, value):
        """What a node may take as an input."""
        if isinstance(value, Ref):
            if value.bare:
                raise Refusal("takes what has no axis for samples; unsqueeze(0) it, or add it to what has one first")
            return value
        if isinstance(value, Missing):
            raise Refusal(value.reason)
        if isinstance(value, Folded):
            raise Refusal("takes samples that were merged with other axes; axis 0 must stay the batch")
        if isinstance(value, Transposed):
            value = value.held
        if isinstance(value, (Held, Fixed)):
            return self.parameter(value, None)
        raise Refusal(f"takes {value!r} where a tensor is needed")

    def parameter(self, value, rank):
        """A tensor of the model, or a constant, repeated for every sample: its first axis must be of size one or missing if a rank is given."""
        held = value if isinstance(value, Held) else self._constant(value)
        shape = tuple(held.tensor.shape)
        if rank is not None and len(shape) < rank:
            shape = (1,) * (rank - len(shape)) + shape
        if not shape or shape[0] != 1:
            raise Refusal(
                f"takes '{held.name}' of shape {list(held.tensor.shape)}, whose first axis stands where samples do; it can be used beside tensors with more axes"
            )
        return self.repeated(held, shape[1:])

    def repeated(self, held, shape):
        """A Parameter node, one for all uses."""
        known = self._conversion.parameters
        key = (id(held.tensor), tuple(shape))
        if key not in known:
            first = self._conversion.inputs[0]
            ref = self._add(held.name.removesuffix(".weight"), held.name in self._conversion.names, "Parameter", [first], {"shape": list(shape)}, {"weight": held})
            known[key] = Ref(ref.name, ref.values, True)
        return known[key]

    def _constant(self, fixed):
        """A constant; if it has a row per sample, all must be equal."""
        values = fixed.values
        if not isinstance(values[0], torch.Tensor):
            values = tuple(torch.tensor(float(value), dtype=torch.float64) for value in values)
        if not fixed.is_same():
            rows = [value[:1] if value.dim() else value for value in values]
            same = values[0].dim() > 0 and all(torch.equal(value, row.expand_as(value)) and torch.equal(row, rows[0]) for value, row in zip(values, rows))
            if not same:
                raise Refusal("takes a constant that depends on the number of samples")
            values = rows
        tensor = values[0].detach().clone()
        if not tensor.is_floating_point():
            tensor = tensor.double()
        if not torch.isfinite(tensor).all():
            raise Refusal("takes a constant that is not finite")
        return Held(self.inside("constant").path, tensor)

    def stored(self, value, name):
        """A tensor of the model that a node has as its own, such as a weight."""
        if isinstance(value, Held):
            return value
        if isinstance(value, Fixed) and value.is_same():
            return self._constant(value)
        raise Refusal(f"has a {name} that the network computes, which has no counterpart")

    def literal(self, value, what):
        """A number or word that does not depend on the number of samples."""
        if isinstance(value, (Fixed, Ref, Held)):
            raise Refusal(f"has {what} that depends on the input")
        return value

    def is_constant(self, value):
        return isinstance(value, Fixed)

    def is_zero(self, value):
        if isinstance(value, Held) and not value.is_parameter:
            return not value.tensor.any()
        return isinstance(value, Fixed) and all(isinstance(entry, torch.Tensor) and not entry.any() for entry in value.values)

    def is_causal(self, mask, true_masks=True):
        """Whether a constant mask forbids exactly what comes later."""
        values = (mask.tensor,) if isinstance(mask, Held) and not mask.is_parameter else mask.values if isinstance(mask, Fixed) else ()
        if not values:
            return False
        return all(isinstance(value, torch.Tensor) and self._is_causal(value, true_masks) for value in values)

    @staticmethod
    def _is_causal(mask, true_masks):
        squares = _squares(mask)
        if squares is None or squares.shape[-1] != squares.shape[-2]:
            return False
        later = torch.ones_like(squares[0], dtype=torch.bool).triu(1)
        if mask.dtype == torch.bool:
            return torch.equal(squares, (later if true_masks else ~later).expand_as(squares))
        wanted = torch.zeros_like(squares[0]).masked_fill(later, -math.inf)
        return mask.is_floating_point() and torch.equal(squares, wanted.expand_as(squares))

    def is_open(self, mask, true_masks=True):
        """Whether a constant mask forbids nothing."""
        values = (mask.tensor,) if isinstance(mask, Held) and not mask.is_parameter else mask.values if isinstance(mask, Fixed) else ()
        tensors = [value for value in values if isinstance(value, torch.Tensor)]
        open_value = [value.dtype == torch.bool and not true_masks for value in tensors]
        return bool(values) and len(tensors) == len(values) and all(bool((value == wanted).all()) for value, wanted in zip(tensors, open_value))

    def epsilon(self):
        return torch.finfo(self._conversion.dtype).eps

    def axis(self, ref, dim):
        """An axis of a sample, counted with the batch as axis 0."""
        dim = self.literal(dim, "an axis")
        axis = dim + ref.rank if dim < 0 else dim
        if axis == 0:
            raise Refusal("works along axis 0, which holds the samples")
        return axis

    @property
    def result(self):
        """PyTorch's result in the first run."""
        return self._results[0]

    # --- shapes

    def reshaped(self, input):
        """The input with the shape that PyTorch gives it: nothing, Flatten or Reshape, within every sample."""
        if isinstance(input, (Held, Fixed)):
            input = self.parameter(input, None)
        shapes = [tuple(result.shape) for result in self._results]
        if isinstance(input, Folded):
            if any(shape != tuple(value.shape) for shape, value in zip(shapes, input.ref.values)):
                return self.tensor(input)
            return input.ref
        if not input.batchless and all(shape == (math.prod(v.shape[:-1]), v.shape[-1]) for shape, v in zip(shapes, input.values)) and input.rank > 2:
            return Folded(input)
        if input.batchless:
            shape = shapes[0]
            bare = math.prod(shape[:1]) != 1
            ref = self._to_shape(Ref(input.name, input.values, True), shape if bare else shape[1:])
            return Ref(ref.name, ref.values, True, bare)
        if any(not shape or shape[0] != value.shape[0] for shape, value in zip(shapes, input.values)):
            raise Refusal(f"makes the shape {list(shapes[0])} of {list(input.values[0].shape)}, which mixes samples; axis 0 must stay the batch")
        if len({shape[1:] for shape in shapes}) != 1:
            raise Refusal("makes a shape of samples that depends on their number")
        return self._to_shape(input, shapes[0][1:])

    def _to_shape(self, input, shape):
        before = input.sample
        shape = tuple(shape)
        if before == shape:
            return input
        for start in range(len(before)):
            end = start + len(before) - len(shape)
            if 0 < len(shape) and start < end < len(before):
                if shape == before[:start] + (math.prod(before[start : end + 1]),) + before[end + 1 :]:
                    return self.add("Flatten", [input], {"start_dim": start + 1, "end_dim": end + 1})
        return self.add("Reshape", [input], {"shape": list(shape)})

    def flatten(self, input, start, end, module):
        ref = self.tensor(input)
        first, last = (dim + ref.rank if dim < 0 else dim for dim in (start, end))
        if first == 0:
            raise Refusal(f"start_dim={start} flattens the batch, axis 0, too")
        return self.node(module, [ref], {"start_dim": first, "end_dim": last})

    def rows(self, weight, ids, padding_idx):
        """An embedding of constant positions: rows of its weight as they are."""
        rows = [value.reshape(-1, value.shape[-1]) for value in ids.values]
        first = int(rows[0][0, 0])
        if all(bool((row == first).all()) for row in rows) and padding_idx is None and ids.values[0].dim() == 2:
            # one row for every position: an axis of size one, which stretches
            ref = self.repeated(weight, tuple(weight.tensor.shape))
            return self.add("Slice", [ref], {"slices": [[None, None, None], [first, first + 1, None]]})
        wanted = torch.arange(rows[0].shape[-1]) + rows[0][0, 0]
        if any(not torch.equal(row, wanted.expand_as(row)) for row in rows):
            raise Refusal("embeds constant ids that are not neighbours in order, the same for every sample")
        if padding_idx is not None:
            raise Refusal("embeds constant ids with a padding_idx")
        ref = self.repeated(weight, tuple(weight.tensor.shape))
        start, stop = int(wanted[0]), int(wanted[-1]) + 1
        if (start, stop) != (0, weight.tensor.shape[0]):
            ref = self.add("Slice", [ref], {"slices": [[None, None, None], [start, stop, None]]})
        return Ref(ref.name, ref.values, True, ids.values[0].dim() == 1)

    def held(self, module, name):
        """A tensor of a module at this place."""
        return Held(f"{self.path}.{name}" if self.path else name, _attribute(module, name))

    def upsample(self, input, size, scale_factor, mode, align_corners, recompute, module=None):
        if mode not in ("nearest", "bilinear"):
            raise Refusal(f"mode='{mode}' has no counterpart; possible are nearest and bilinear")
        if recompute:
            raise Refusal("recompute_scale_factor has no counterpart; give size")
        arguments = {"mode": mode}
        for name, value in (("size", size), ("scale_factor", scale_factor)):
            if value is not None:
                value = self.literal(value, name)
                arguments[name] = list(value) if isinstance(value, (tuple, list)) else value
        if mode == "bilinear":
            arguments["align_corners"] = bool(align_corners)
        return self.node(module, [input], arguments) if module else self.add("Upsample", [input], arguments)


def _squares(mask):
    """A mask as matrices of queries and keys."""
    return mask.reshape(-1, *mask.shape[-2:]) if mask.dim() >= 2 and mask.numel() else None


def _attribute(module, name):
    for part in name.split("."):
        module = getattr(module, part)
    return module

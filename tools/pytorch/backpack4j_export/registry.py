"""The table of functions that become nodes."""

from .refusals import Refusal

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


def refuse_given(**named):
    """Refuses arguments that have no counterpart and are given."""
    extra = {name: value for name, value in named.items() if value not in (None, False)}
    if extra:
        raise Refusal(f"has arguments without a counterpart: {sorted(extra)}")

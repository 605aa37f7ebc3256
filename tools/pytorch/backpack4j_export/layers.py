"""Functions, methods and operators of torch that become nodes, by their names in PyTorch: layers as
functions. The first argument is the place of the call."""

from .modules import padding
from .refusals import Refusal
from .registry import OPERATIONS, operation, refuse_given


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
    refuse_given(max_norm=max_norm, scale_grad_by_freq=scale_grad_by_freq, sparse=sparse)
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
    if not (isinstance(scale, (int, float)) or scale is None):
        raise Refusal("has a scale that depends on the input")
    inputs = [c.tensor(query), c.tensor(key), c.tensor(value)]
    ranks = [ref.rank for ref in inputs]
    if ranks not in ([3, 3, 3], [4, 4, 4]):
        raise Refusal(f"takes inputs of ranks {ranks}; with a counterpart are [N, T, E] and [N, heads, T, E], all three alike")
    arguments = {"causal": bool(is_causal or attn_mask is not None)}
    if scale is not None:
        arguments["scale"] = float(scale)
    if ranks[0] == 3:
        return c.add("ScaledDotProductAttention", inputs, arguments)
    heads = inputs[0].sample[0]
    if any(ref.sample[0] != heads for ref in inputs):
        raise Refusal("has keys or values with another number of heads, which has no counterpart")
    size = inputs[2].sample[2]
    result = c.add("ScaledDotProductAttention", [_side_by_side(c, ref) for ref in inputs], {"num_heads": heads, **arguments})
    split = c.add("Reshape", [result], {"shape": [inputs[0].sample[1], heads, size]})
    return c.add("Permute", [split], {"dims": [0, 2, 1, 3]})


def _side_by_side(c, ref):
    """[N, heads, T, E] as [N, T, heads E], where heads stand in the files."""
    heads, length, size = ref.sample
    return c.add("Reshape", [c.add("Permute", [ref], {"dims": [0, 2, 1, 3]})], {"shape": [length, heads * size]})


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
    refuse_given(antialias=antialias)
    return c.upsample(input, size, scale_factor, mode, align_corners, recompute_scale_factor)

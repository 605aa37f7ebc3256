"""Modules of torch.nn that become nodes. They are recognised by their exact class: a subclass may compute anything."""

from torch import nn

from .refusals import Refusal


class Missing:
    """An output that PyTorch has and a node has not. Using it is refused."""

    def __init__(self, reason):
        self.reason = reason


class LastStates:
    """The states after the last step, layers first, as a recurrent module's second output."""

    def __init__(self, output, module):
        self.output = output
        self.module = module

    def layer(self, c, index):
        """The state of a layer, which is the last step of the output for the last layer of one direction."""
        if self.module.bidirectional:
            raise Refusal("takes the last state of a bidirectional layer; take it from the output's steps")
        if index not in (-1, self.module.num_layers - 1):
            raise Refusal("takes the last state of a layer that is not the last one; only the output of the last is known")
        return c.add("Slice", [self.output], {"slices": [[None, None, None], -1]})


def _mode(module):
    return "train" if module.training else "eval"


def _attributes(module, names):
    return {name: _plain(getattr(module, name)) for name in names.split()}


def _plain(value):
    return [_plain(entry) for entry in value] if isinstance(value, (tuple, list)) else value


def _simple(names="", tensors=""):
    """A module with one input whose arguments are attributes of the same names."""

    def convert(c, module, input):
        return c.node(module, [input], _attributes(module, names), tensors.split())

    return convert


def _activation(names=""):
    return _simple(names)


def _linear(c, module, input):
    arguments = {**_attributes(module, "in_features out_features"), "bias": module.bias is not None}
    return c.node(module, [input], arguments, ["weight", "bias"])


def padding(kernel_size, dilation, value):
    """The same number of zeros on both sides of every axis, or a refusal."""
    if not isinstance(value, str):
        return _plain(value)
    if value == "valid":
        return [0] * len(kernel_size)
    totals = [d * (k - 1) for k, d in zip(kernel_size, dilation)]
    if any(total % 2 for total in totals):
        raise Refusal(
            f"padding='same' with kernel_size {list(kernel_size)} and dilation {list(dilation)} pads one side more than the other; use an odd kernel, or pad before"
        )
    return [total // 2 for total in totals]


def _convolution(c, module, input, output_size=None):
    if output_size is not None:
        raise Refusal("is called with output_size; give output_padding to the module")
    padded = padding(module.kernel_size, module.dilation, module.padding)
    if module.padding_mode != "zeros" and any(padded):
        raise Refusal(f"padding_mode='{module.padding_mode}' has no counterpart; only zeros are padded")
    arguments = _attributes(module, "in_channels out_channels kernel_size stride dilation groups")
    arguments |= {"padding": padded, "bias": module.bias is not None}
    if module.transposed:
        arguments["output_padding"] = _plain(module.output_padding)
    return c.node(module, [input], arguments, ["weight", "bias"])


def _batch_norm(c, module, input):
    if module.running_mean is None:
        raise Refusal(
            "track_running_stats=False takes the batch's statistics in eval mode, too, which a node cannot say; use running statistics and train()"
        )
    if module.training and module.momentum is None:
        raise Refusal("momentum=None averages all batches, which has no counterpart in train mode; use a number, or eval()")
    if module.affine and (module.weight is None or module.bias is None):
        raise Refusal("has a weight or a bias only; set affine=True or affine=False")
    arguments = {**_attributes(module, "num_features eps affine"), "mode": _mode(module)}
    if module.momentum is not None:
        arguments["momentum"] = module.momentum
    return c.node(module, [input], arguments, ["weight", "bias", "running_mean", "running_var"])


def _max_pool(c, module, input):
    if module.return_indices:
        raise Refusal("return_indices=True has no counterpart: a node has one output")
    return c.node(module, [input], _attributes(module, "kernel_size stride padding dilation ceil_mode"))


def _avg_pool(c, module, input):
    if getattr(module, "divisor_override", None) is not None:
        raise Refusal("divisor_override has no counterpart")
    return c.node(module, [input], _attributes(module, "kernel_size stride padding ceil_mode count_include_pad"))


def _adaptive_pool(c, module, input):
    if getattr(module, "return_indices", False):
        raise Refusal("return_indices=True has no counterpart: a node has one output")
    return c.node(module, [input], _attributes(module, "output_size"))


def _dropout(c, module, input):
    return c.node(module, [input], {"p": module.p, "mode": _mode(module)})


def _channel_dropout(c, module, input):
    if module.training and module.p > 0:
        raise Refusal("drops whole channels in train mode, which has no counterpart; call eval(), or use Dropout")
    return c.node(module, [input], type="Identity")


def _instance_norm(c, module, input):
    if module.track_running_stats:
        raise Refusal("track_running_stats=True has no counterpart: an InstanceNorm takes the sample's own statistics")
    return c.node(module, [input], _attributes(module, "num_features eps affine"), ["weight", "bias"])


def _layer_norm(c, module, input):
    arguments = _attributes(module, "normalized_shape eps elementwise_affine")
    if module.elementwise_affine:
        arguments["bias"] = module.bias is not None
    return c.node(module, [input], arguments, ["weight", "bias"])


def _rms_norm(c, module, input):
    arguments = _attributes(module, "normalized_shape elementwise_affine")
    if module.eps is None:
        # PyTorch takes the epsilon of the input's type: that of the type that the model has, in whatever type it is computed later
        arguments["eps"] = c.epsilon()
    else:
        arguments["eps"] = module.eps
    return c.node(module, [input], arguments, ["weight"])


def _flatten(c, module, input):
    return c.flatten(input, module.start_dim, module.end_dim, module)


def _unflatten(c, module, input):
    return c.reshaped(input)


def _softmax(c, module, input):
    if module.dim is None:
        raise Refusal("dim=None is a guess of PyTorch's that depends on the input; say dim")
    return c.node(module, [input], {"dim": module.dim})


def _pad(c, module, input):
    return c.node(module, [input], {"padding": _plain(module.padding), "value": getattr(module, "value", 0)}, type="Pad")


def _refuse_embedding_options(module):
    for name in ("max_norm", "scale_grad_by_freq", "sparse"):
        if getattr(module, name):
            raise Refusal(f"{name}={getattr(module, name)} has no counterpart")


def _embedding(c, module, input):
    _refuse_embedding_options(module)
    if c.is_constant(input):
        return c.rows(c.held(module, "weight"), input, module.padding_idx)
    return c.node(module, [input], _embedding_arguments(module), ["weight"])


def _embedding_arguments(module):
    arguments = _attributes(module, "num_embeddings embedding_dim")
    return arguments if module.padding_idx is None else {**arguments, "padding_idx": module.padding_idx}


def _embedding_bag(c, module, input, offsets=None, per_sample_weights=None):
    _refuse_embedding_options(module)
    if offsets is not None or per_sample_weights is not None or module.include_last_offset:
        raise Refusal("offsets and per_sample_weights have no counterpart; give ids as [N, L]")
    if module.mode == "max":
        raise Refusal("mode='max' has no counterpart; possible are 'mean' and 'sum'")
    return c.node(module, [input], {**_embedding_arguments(module), "mode": module.mode}, ["weight"])


def _recurrent(c, module, input, hx=None):
    if not module.batch_first:
        raise Refusal("batch_first=False has the batch as the second axis; use batch_first=True")
    if getattr(module, "proj_size", 0):
        raise Refusal("proj_size has no counterpart")
    arguments = _attributes(module, "input_size hidden_size num_layers bias batch_first dropout bidirectional")
    if isinstance(module, nn.RNN):
        arguments["nonlinearity"] = module.nonlinearity
    if module.dropout and module.num_layers > 1:
        arguments["mode"] = _mode(module)
    inputs = [input] + _initial_states(c, hx)
    output = c.node(module, inputs, arguments, [name for name, _ in module.named_parameters()])
    states = LastStates(output, module)
    if isinstance(module, nn.LSTM):
        return output, (states, Missing("the last cell state of an LSTM has no counterpart"))
    return output, states


def _initial_states(c, hx):
    states = [] if hx is None else list(hx) if isinstance(hx, (tuple, list)) else [hx]
    if all(c.is_zero(state) for state in states):
        return []
    raise Refusal("an initial state other than zeros has the batch as its second axis; leave it out, or start from zeros")


def _mask(c, mask, size_of, what):
    """Whether a constant mask is the causal one; others are refused."""
    if mask is None:
        return False
    if c.is_causal(mask):
        return True
    raise Refusal(f"{what} is neither None nor the causal mask over {size_of}; no other mask has a counterpart")


def _attention(c, module, query, key, value, key_padding_mask=None, need_weights=True, attn_mask=None, average_attn_weights=True, is_causal=False):
    if not module.batch_first:
        raise Refusal("batch_first=False has the batch as the second axis; use batch_first=True")
    if module.bias_k is not None or module.add_zero_attn:
        raise Refusal("add_bias_kv and add_zero_attn have no counterpart")
    if module.training and module.dropout > 0:
        raise Refusal(f"dropout={module.dropout} drops attention weights in train mode, which has no counterpart; call eval()")
    causal = _mask(c, attn_mask, "queries and keys", "attn_mask")
    if is_causal and not causal:
        raise Refusal("is_causal=True is a hint in PyTorch that needs attn_mask")
    arguments = _attributes(module, "embed_dim num_heads batch_first")
    arguments["bias"] = module.in_proj_bias is not None
    if not module._qkv_same_embed_dim:
        arguments |= {"kdim": module.kdim, "vdim": module.vdim}
    if causal:
        arguments["causal"] = True
    inputs = [query, key, value] + ([] if key_padding_mask is None else [key_padding_mask])
    output = c.node(module, inputs, arguments, [name for name, _ in module.named_parameters()])
    return output, Missing("attention weights have no counterpart; pass need_weights=False")


def _layer_arguments(module, causal):
    attention = module.self_attn
    if not attention.batch_first:
        raise Refusal("batch_first=False has the batch as the second axis; use batch_first=True")
    activation = module.activation
    words = {nn.functional.relu: "relu", nn.functional.gelu: "gelu"}
    word = words.get(activation) or {nn.ReLU: "relu", nn.GELU: "gelu"}.get(type(activation))
    if word is None or getattr(activation, "approximate", "none") != "none":
        raise Refusal(f"the activation {activation} has no counterpart; possible are relu and gelu")
    rates = {float(part.p) for part in module.modules() if isinstance(part, nn.Dropout)} | {float(attention.dropout)}
    if len(rates) > 1:
        raise Refusal(f"has dropouts with different p: {sorted(rates)}")
    arguments = {
        "d_model": attention.embed_dim,
        "nhead": attention.num_heads,
        "dim_feedforward": module.linear1.out_features,
        "dropout": rates.pop(),
        "activation": word,
        "layer_norm_eps": module.norm1.eps,
        "batch_first": True,
        "norm_first": module.norm_first,
        "bias": module.linear1.bias is not None,
        "mode": _mode(module),
    }
    return {**arguments, "causal": True} if causal else arguments


def _encoder_layer(c, module, src, src_mask=None, src_key_padding_mask=None, is_causal=False):
    causal = _mask(c, src_mask, "the sequence", "src_mask")
    inputs = [src] + ([] if src_key_padding_mask is None else [src_key_padding_mask])
    return c.node(module, inputs, _layer_arguments(module, causal), [name for name, _ in module.named_parameters()])


def _decoder_layer(
    c, module, tgt, memory, tgt_mask=None, memory_mask=None, tgt_key_padding_mask=None, memory_key_padding_mask=None, tgt_is_causal=False, memory_is_causal=False
):
    causal = _mask(c, tgt_mask, "the sequence", "tgt_mask")
    if memory_mask is not None or tgt_key_padding_mask is not None or memory_key_padding_mask is not None:
        raise Refusal("memory_mask, tgt_key_padding_mask and memory_key_padding_mask have no counterpart")
    return c.node(module, [tgt, memory], _layer_arguments(module, causal), [name for name, _ in module.named_parameters()])


def _encoder(c, module, src, mask=None, src_key_padding_mask=None, is_causal=None):
    value = src
    for index, layer in enumerate(module.layers):
        value = c.child(f"layers.{index}", layer, value, src_mask=mask, src_key_padding_mask=src_key_padding_mask)
    return value if module.norm is None else c.child("norm", module.norm, value)


def _decoder(c, module, tgt, memory, tgt_mask=None, memory_mask=None, tgt_is_causal=None, memory_is_causal=False, **masks):
    value = tgt
    for index, layer in enumerate(module.layers):
        value = c.child(f"layers.{index}", layer, value, memory, tgt_mask=tgt_mask, memory_mask=memory_mask, **masks)
    return value if module.norm is None else c.child("norm", module.norm, value)


def _upsample(c, module, input):
    return c.upsample(input, module.size, module.scale_factor, module.mode, module.align_corners, module.recompute_scale_factor, module)



def _stochastic_depth(c, module, input):
    if getattr(module, "mode", "row") != "row" or not getattr(module, "scale_by_keep", True):
        raise Refusal("drops the whole batch at once, or does not rescale; neither has a counterpart")
    p = module.p if hasattr(module, "p") else module.drop_prob
    return c.node(module, [input], {"p": float(p or 0), "mode": _mode(module)}, type="StochasticDepth")


LEAVES = {
    nn.Linear: _linear,
    **{layer: _convolution for layer in (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)},
    **{layer: _batch_norm for layer in (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)},
    **{layer: _max_pool for layer in (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)},
    **{layer: _avg_pool for layer in (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)},
    **{layer: _adaptive_pool for layer in (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)},
    **{layer: _adaptive_pool for layer in (nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d)},
    **{layer: _instance_norm for layer in (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)},
    **{layer: _channel_dropout for layer in (nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)},
    **{layer: _pad for layer in (nn.ZeroPad1d, nn.ZeroPad2d, nn.ZeroPad3d, nn.ConstantPad1d, nn.ConstantPad2d, nn.ConstantPad3d)},
    **{
        layer: _activation()
        for layer in (nn.ReLU, nn.ReLU6, nn.SELU, nn.Sigmoid, nn.Tanh, nn.LogSigmoid, nn.SiLU, nn.Mish, nn.Softsign, nn.Hardswish, nn.Hardsigmoid)
    },
    nn.LeakyReLU: _activation("negative_slope"),
    nn.ELU: _activation("alpha"),
    nn.GELU: _activation("approximate"),
    nn.Softplus: _activation("beta threshold"),
    nn.Hardtanh: _activation("min_val max_val"),
    nn.PReLU: _simple("num_parameters", "weight"),
    nn.GLU: _simple("dim"),
    nn.Softmax: _softmax,
    nn.LogSoftmax: _softmax,
    nn.Identity: lambda c, module, input: c.node(module, [input]),
    nn.Flatten: _flatten,
    nn.Unflatten: _unflatten,
    nn.Dropout: _dropout,
    nn.LayerNorm: _layer_norm,
    nn.RMSNorm: _rms_norm,
    nn.GroupNorm: _simple("num_groups num_channels eps affine", "weight bias"),
    nn.Embedding: _embedding,
    nn.EmbeddingBag: _embedding_bag,
    nn.RNN: _recurrent,
    nn.LSTM: _recurrent,
    nn.GRU: _recurrent,
    nn.MultiheadAttention: _attention,
    nn.TransformerEncoderLayer: _encoder_layer,
    nn.TransformerDecoderLayer: _decoder_layer,
    nn.TransformerEncoder: _encoder,
    nn.TransformerDecoder: _decoder,
    nn.Upsample: _upsample,
}

CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict, nn.ParameterList, nn.ParameterDict)

_ELSEWHERE = {
    ("torchvision.ops.stochastic_depth", "StochasticDepth"): _stochastic_depth,
    ("timm.layers.drop", "DropPath"): _stochastic_depth,
}


def converter(module):
    """What converts a module of exactly this class, or nothing."""
    kind = type(module)
    return LEAVES.get(kind) or _ELSEWHERE.get((kind.__module__, kind.__name__))


def is_leaf(module):
    """Whether a module is taken as a whole: those that are known, and those of torch.nn that are not and will be refused."""
    if type(module) in CONTAINERS:
        return False
    return converter(module) is not None or type(module).__module__.startswith("torch.nn.modules")

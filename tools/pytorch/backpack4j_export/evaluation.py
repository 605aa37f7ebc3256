"""Evaluates nodes as they are written, by torch's functions. A node is rebuilt from its type and arguments, so what was lost shows."""

import contextlib
import functools

import torch
import torch.nn.functional as F

from .network import BUFFERS


@contextlib.contextmanager
def still(module):
    """While it lasts, nothing is dropped out of a module; batch norms are as they were."""
    changed = [part for part in module.modules() if part.training and not isinstance(part, torch.nn.modules.batchnorm._BatchNorm)]
    for part in changed:
        part.training = False
    try:
        yield
    finally:
        for part in changed:
            part.training = True


def evaluate(network, inputs, tensors):
    """The network's output. `inputs` and `tensors` by name; nothing is dropped out."""
    values = dict(inputs)
    for node in network.nodes:
        held = {name: tensors[node.ties.get(name, f"{node.name}.{name}")] for name in node.tensors}
        values[node.name] = apply(node, [values[name] for name in node.inputs], held)
    return values[network.output]


def apply(node, inputs, held):
    """The output of one node. Batch norms are in the node's mode, what draws random numbers is in eval mode."""
    own = OWN_TYPES.get(node.type)
    if own:
        return own(inputs, node.arguments, held)
    arguments = dict(node.arguments)
    mode = "eval"
    if node.type not in MODE_IS_ARGUMENT:
        mode = arguments.pop("mode", "eval")
    causal = arguments.pop("causal", False)
    with torch.device("meta"):
        module = getattr(torch.nn, node.type)(**arguments)
    module.train(mode == "train" and node.type.startswith("BatchNorm"))
    for buffer in BUFFERS & held.keys():
        held = {**held, buffer: held[buffer].clone()}
    parts = CALLS.get(node.type, lambda values, causal: (values, {}))
    positional, named = parts(inputs, causal)
    result = torch.func.functional_call(module, held, tuple(positional), named)
    return result[0] if isinstance(result, tuple) else result


MODE_IS_ARGUMENT = {"EmbeddingBag", "Upsample"}


def _recurrent(inputs, causal):
    states = [state.transpose(0, 1).contiguous() for state in inputs[1:]]
    if not states:
        return inputs, {}
    return [inputs[0], states[0] if len(states) == 1 else tuple(states)], {}


def _attention(inputs, causal):
    named = {"need_weights": False}
    if len(inputs) == 4:
        named["key_padding_mask"] = inputs[3] != 0
    if causal:
        named["attn_mask"] = torch.ones(inputs[0].shape[1], inputs[1].shape[1], dtype=torch.bool).triu(1)
    return inputs[:3], named


def _encoder_layer(inputs, causal):
    named = {"src_key_padding_mask": inputs[1] != 0} if len(inputs) == 2 else {}
    if causal:
        size = inputs[0].shape[1]
        named["src_mask"] = torch.ones(size, size, dtype=torch.bool).triu(1)
    return inputs[:1], named


def _decoder_layer(inputs, causal):
    named = {}
    if causal:
        size = inputs[0].shape[1]
        named["tgt_mask"] = torch.ones(size, size, dtype=torch.bool).triu(1)
    return inputs[:2], named


CALLS = {
    "RNN": _recurrent,
    "LSTM": _recurrent,
    "GRU": _recurrent,
    "MultiheadAttention": _attention,
    "TransformerEncoderLayer": _encoder_layer,
    "TransformerDecoderLayer": _decoder_layer,
}


def _joined(operation):
    return lambda inputs, arguments, held: functools.reduce(operation, inputs)


def _slice(inputs, arguments, held):
    selections = [entry if isinstance(entry, int) else slice(*entry) for entry in arguments["slices"]]
    return inputs[0][tuple(selections)]


def _parameter(inputs, arguments, held):
    return held["weight"].reshape(arguments["shape"]).expand(inputs[0].shape[0], *arguments["shape"])


def _affine(inputs, arguments, held):
    return inputs[0] * arguments.get("scale", 1) + arguments.get("shift", 0)


def _scaled_attention(inputs, arguments, held):
    heads = [value.unflatten(-1, (arguments.get("num_heads", 1), -1)).transpose(1, 2) for value in inputs]
    result = F.scaled_dot_product_attention(*heads, is_causal=arguments.get("causal", False), scale=arguments.get("scale"))
    return result.transpose(1, 2).flatten(2)


OWN_TYPES = {
    "Sum": _joined(torch.add),
    "Mul": _joined(torch.mul),
    "Sub": _joined(torch.sub),
    "Div": _joined(torch.div),
    "Affine": _affine,
    "Scale": lambda inputs, arguments, held: inputs[0] * arguments["weight"],
    "Concat": lambda inputs, arguments, held: torch.cat(inputs, arguments["dim"]),
    "Slice": _slice,
    "Permute": lambda inputs, arguments, held: inputs[0].permute(arguments["dims"]),
    "Reshape": lambda inputs, arguments, held: inputs[0].reshape(inputs[0].shape[0], *arguments["shape"]),
    "Mean": lambda inputs, arguments, held: inputs[0].mean(arguments["dim"]),
    "Max": lambda inputs, arguments, held: inputs[0].amax(arguments["dim"]),
    "Pad": lambda inputs, arguments, held: F.pad(inputs[0], arguments["padding"], value=arguments["value"]),
    "MatMul": _joined(torch.matmul),
    "Parameter": _parameter,
    "ScaledDotProductAttention": _scaled_attention,
    "StochasticDepth": lambda inputs, arguments, held: inputs[0],
    "Dropout": lambda inputs, arguments, held: inputs[0],
}

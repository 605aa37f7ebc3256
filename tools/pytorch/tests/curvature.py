"""Curvature of a network by its definition, one column of the loss's root and one sample at a time, for the fixtures: products with the Gauss-Newton matrix, and
Kronecker factors (KFLR) with the conventions of `KroneckerConvention`."""

import math

import counter
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode

CONVOLUTIONS = (F.conv1d, F.conv2d, F.conv3d, F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)


class SteppedLSTM(nn.Module):
    """What `nn.LSTM` computes, with its parameters, by linear maps that can be seen."""

    def __init__(self, lstm):
        super().__init__()
        self.__dict__["lstm"] = lstm

    def forward(self, x):
        return torch.cat([self._direction(x, suffix, suffix != "_l0") for suffix in ("_l0", "_l0_reverse")], dim=-1), None

    def _direction(self, x, suffix, backwards):
        w_ih, w_hh, b_ih, b_hh = (getattr(self.lstm, kind + suffix) for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
        h = c = x.new_zeros(x.shape[0], self.lstm.hidden_size)
        steps = {}
        for t in reversed(range(x.shape[1])) if backwards else range(x.shape[1]):
            i, f, g, o = (F.linear(x[:, t], w_ih, b_ih) + F.linear(h, w_hh, b_hh)).chunk(4, dim=1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            steps[t] = h
        return torch.stack([steps[t] for t in sorted(steps)], dim=1)


def attention(module, x):
    """What `nn.MultiheadAttention` computes of one sequence, by linear maps that can be seen."""
    heads = lambda part: part.unflatten(-1, (module.num_heads, -1)).transpose(1, 2)  # noqa: E731
    q, k, v = map(heads, F.linear(x, module.in_proj_weight, module.in_proj_bias).chunk(3, dim=-1))
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    return F.linear((scores.softmax(-1) @ v).transpose(1, 2).flatten(2), module.out_proj.weight, module.out_proj.bias), None


class Calls(TorchFunctionMode):
    """Every call with a weight: (function, input, weight, options, output)."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function is F.hardsigmoid:
            # Its derivative in PyTorch is 1/6 of single precision, whatever the type.
            return F.relu6(args[0] + 3) / 6
        output = function(*args, **kwargs)
        if function in CONVOLUTIONS or function in (F.linear, F.embedding):
            self.seen.append((function, args[0], args[1], (args[2:], kwargs), output))
            # A function that works in place shall not replace what was seen.
            return output.clone()
        return output


def root(loss, output):
    """Columns of a root of the loss's Hessian by one sample's output: [V, N, *out], each of a single entry or of the classes of one position."""
    samples, size = output.shape[0], output[0].numel()
    if "CrossEntropy" in loss:
        classes, positions = output.shape[1], output[0, 0].numel()
        p = output.detach().softmax(1).reshape(samples, classes, positions)
        columns = torch.zeros(classes, positions, samples, classes, positions, dtype=output.dtype)
        for v in range(classes):
            for q in range(positions):
                unit = torch.eye(classes, dtype=output.dtype)[v]
                columns[v, q, :, :, q] = (p[:, v, q] / (samples * positions)).sqrt()[:, None] * (unit - p[:, :, q])
        return columns.reshape(classes * positions, *output.shape)
    factor = 1 if "reduction=sum" in loss else 1 / (samples * size)
    curvature = output.detach().sigmoid() * (1 - output.detach().sigmoid()) if "BCE" in loss else torch.full_like(output, 2)
    scaled = (factor * curvature).sqrt().reshape(samples, size)
    return torch.stack([torch.zeros(samples, size, dtype=output.dtype).index_copy(1, torch.tensor([i]), scaled[:, i : i + 1]) for i in range(size)]).reshape(size, *output.shape)


def unfolded(function, inputs, weight, options):
    """What every output position is a linear map of: [groups, N, positions, I]."""
    positional, named = options
    names = ("bias", "stride", "padding", "output_padding", "groups", "dilation") if "transpose" in function.__name__ else ("bias", "stride", "padding", "dilation", "groups")
    arguments = dict(zip(names, positional, strict=False)) | named
    groups = arguments.get("groups", 1)
    arguments |= {"bias": None, "groups": 1}
    channels, kernel = inputs.shape[1] // groups, weight.shape[2:]
    identity = torch.eye(channels * math.prod(kernel), dtype=inputs.dtype).reshape(-1, channels, *kernel)
    if "transpose" in function.__name__:
        identity = identity.transpose(0, 1)
    parts = [function(inputs[:, g * channels : (g + 1) * channels], identity, **arguments) for g in range(groups)]
    return torch.stack([part.flatten(2).transpose(1, 2) for part in parts])


def sides(weight, calls, cotangents, samples):
    """The factors of a weight: the output side, for which every column's cotangents of every call come, and the input side."""
    function = calls[0][0]
    if function in CONVOLUTIONS:
        (_, inputs, _, options, _), (columns,) = calls[0], cotangents
        a = unfolded(function, inputs, weight, options)
        groups = a.shape[0]
        d = torch.stack([column.flatten(2).sum(2).reshape(samples, groups, -1) for column in columns])
        output, side = torch.einsum("vngi,vngj->gij", d, d), torch.einsum("gnsi,gnsj->gij", a, a) / samples
    else:
        a = torch.cat([(F.one_hot(c[1], len(weight)).to(weight.dtype) if function is F.embedding else c[1]).reshape(samples, -1, len(weight) if function is F.embedding else weight.shape[1]) for c in calls], 1)
        out = cotangents[0][0].shape[-1]
        groups = 3 if function is F.linear and weight.shape[0] == 3 * weight.shape[1] and getattr(weight, "packed", False) else 1
        d = torch.stack([torch.cat([call[v].reshape(samples, -1, out) for call in cotangents], 1) for v in range(len(cotangents[0]))])
        d = d.reshape(*d.shape[:3], groups, out // groups)
        output = torch.einsum("vnsgi,vnsgj->gij", d, d)
        side = (torch.einsum("nsi,nsj->ij", a, a) / (samples * a.shape[1])).expand(groups, -1, -1)
        if function is F.embedding:
            side = side.diagonal(dim1=1, dim2=2)
    return [factor[0] if groups == 1 else factor for factor in (output, side)]


def curvature(model, inputs, expected, loss, class_axis, names, tables):
    """Norms, and inner products with numbers of the formula, of the factors and of a product with the whole Gauss-Newton matrix, by the parameters' names in the file.
    `tables` are those whose rows are looked up by the input: any other is a parameter like a bias, and has its exact block."""
    if isinstance(getattr(model, "lstm", None), nn.LSTM):
        model.lstm = SteppedLSTM(model.lstm)
    for module in model.modules():
        if isinstance(module, nn.MultiheadAttention):
            module.in_proj_weight.packed = True
            module.forward = lambda query, key, value, module=module, **options: attention(module, query)
    with sdpa_kernel(SDPBackend.MATH), Calls() as calls:
        output = model(inputs)
    output = output if class_axis is None else output.movedim(class_axis, 1)
    assert torch.allclose(output, expected, rtol=1e-12, atol=1e-12)
    samples = len(output)
    weights = {id(call[2]): [other for other in calls.seen if other[2] is call[2]] for call in calls.seen}
    outputs = [call[4] for call in calls.seen]
    columns = root(loss, output)
    cotangents = [torch.autograd.grad(output, outputs, column, retain_graph=True) for column in columns]
    rows = {name: [] for name in names}
    for column in columns:
        for n in range(samples):
            single = torch.zeros_like(column)
            single[n] = column[n]
            for name, gradient in zip(names, torch.autograd.grad(output, list(names.values()), single, retain_graph=True), strict=True):
                rows[name].append(gradient.flatten())
    rows = {name: torch.stack(own) for name, own in rows.items()}
    along = sum(rows[name] @ counter.uniform(f"v/{name}", parameter.numel()) for name, parameter in names.items())
    results = {}
    with torch.no_grad():
        for name, parameter in names.items():
            product = rows[name].T @ along
            own = [call for call in weights.get(id(parameter), []) if call[0] is not F.embedding or name in tables]
            functions = {call[0] for call in own}
            if not own:
                factors = [rows[name].T @ rows[name]]
            elif len(functions) > 1:
                factors = []
            else:
                places = [i for i, call in enumerate(calls.seen) if any(call is other for other in own)]
                factors = sides(parameter, own, [[column[i] for column in cotangents] for i in places], samples)
            results[name] = {"ggn": _numbers(product, f"r/{name}"), "kflr": [_numbers(factor, f"r/{name}/kflr/{i}") for i, factor in enumerate(factors)]}
    return results


def _numbers(tensor, name):
    return [tensor.norm().item(), (tensor.flatten() * counter.uniform(name, tensor.numel())).sum().item()]

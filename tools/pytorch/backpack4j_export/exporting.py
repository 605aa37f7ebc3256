"""The export as a whole: traces, converts, compares with PyTorch, and writes when everything agrees."""

import copy
import inspect
import json
import os
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file

from . import losses
from .call import differs
from .conversion import Conversion, changed
from .evaluation import evaluate, still
from .network import Network
from .refusals import ExportError
from .tracing import Wrapped, trace
from .values import Ref

_BATCH_NORMS = torch.nn.modules.batchnorm._BatchNorm
_RANDOM = torch.nn.modules.dropout._DropoutNd


@dataclass(frozen=True)
class Exported:
    """What was written. `names` maps parameters of the files to names in the state dict; `unused` are parameters that the output does not depend on."""

    model: Path
    data: Path
    names: dict
    unused: list


def export(model, inputs, targets, loss, folder, check=False, output=None, class_axis=None):
    """Writes `folder/model.json` and `folder/data.safetensors`.

    model: what to write, in train or eval mode as it is; it is not changed.
    inputs: a tensor, a tuple of tensors, or tensors by the names of forward's arguments, with samples along axis 0.
    targets: what the loss takes.
    loss: a loss of torch.nn, or words such as "CrossEntropyLoss(reduction=mean)".
    check: also writes loss, output and gradients in float64, which `backpack evaluate --check` compares with.
    output: which field of the model's output is meant, if it has several.
    class_axis: where classes are in the output; -1 moves the last axis to 1, as the loss wants it.

    Raises ExportError, with every reason, before anything is written.
    """
    criterion = losses.parsed(loss)
    description = losses.description(criterion)
    names, batch = _named(model, inputs)
    rows = _sample_count(names, batch)
    twin = _double(model)
    wrapped = Wrapped(twin, len(names), names if isinstance(inputs, dict) else None, output)
    wide = [_widened(tensor) for tensor in batch]
    # A single sample would become a constant in the eyes of torch.export.
    traced = trace(wrapped, _as_given(inputs, names, [_resized(tensor, max(rows, 2)) for tensor in wide]))
    network = Network(names, [path for path, _ in model.named_modules()] + [name for name, _ in model.named_parameters()])
    counts = _sample_counts(rows, twin)
    batches = [_as_given(inputs, names, [_resized(tensor, count) for tensor in wide]) for count in counts]
    conversion = Conversion(traced, network, twin, names, batches, _dtype(model))
    result = _only_output(conversion.run())
    network.output = result.name
    if class_axis is not None:
        _move_classes(network, result, class_axis)
    _prune(network)
    tensors = {name: held.value.reshape(shape) for name, held, shape in network.parameters()}
    _compare(network, wrapped, batches, tensors, class_axis)
    checks = _checks(network, wrapped, batches[0], criterion, targets, class_axis) if check else {}
    return _write(model, network, description, names, batch, targets, checks, Path(folder))


def _named(model, inputs):
    if isinstance(inputs, torch.Tensor):
        return ["input"], [inputs]
    if isinstance(inputs, dict):
        return list(inputs), list(inputs.values())
    batch = list(inputs)
    if len(batch) == 1:
        return ["input"], batch
    parameters = [name for name, entry in inspect.signature(model.forward).parameters.items() if entry.kind == entry.POSITIONAL_OR_KEYWORD]
    return (parameters[: len(batch)] if len(parameters) >= len(batch) else [f"input{i}" for i in range(len(batch))]), batch


def _as_given(inputs, names, batch):
    return dict(zip(names, batch)) if isinstance(inputs, dict) else tuple(batch)


def _sample_count(names, batch):
    counts = {name: tensor.shape[0] if tensor.dim() else None for name, tensor in zip(names, batch)}
    if len(set(counts.values())) != 1 or None in counts.values() or 0 in counts.values():
        raise ExportError([("the inputs", f"must have the same number of samples, at least one, along axis 0, but have {counts}")])
    return next(iter(counts.values()))


def _sample_counts(rows, twin):
    """The given number of samples, another one, and one alone if no batch norm in train mode refuses that."""
    alone = not any(isinstance(module, _BATCH_NORMS) and module.training for module in twin.modules())
    return list(dict.fromkeys([rows, rows + 1] + ([1] if alone else [])))


def _resized(tensor, count):
    return tensor[torch.arange(count) % tensor.shape[0]]


def _widened(tensor):
    return tensor.detach().double() if tensor.is_floating_point() else tensor.detach()


def _double(model):
    floating = {tensor.dtype for tensor in model.state_dict().values() if tensor.is_floating_point()}
    if not floating <= {torch.float32, torch.float64}:
        raise ExportError([("", f"has parameters of {sorted(map(str, floating))}; call float() or double() first")])
    everywhere = vars(torch.nn.modules.module)
    hooks = sorted(name for name in everywhere if name.startswith("_global_") and name.endswith("_hooks") and everywhere[name])
    if hooks:
        raise ExportError([("", f"runs with hooks of all modules ({', '.join(name.strip('_') for name in hooks)}), which may change numbers; remove them")])
    for name, parameter in model.named_parameters():
        if parameter._backward_hooks:
            raise ExportError([(name, "has a hook that may change its gradient; remove it")])
    refusals = _changed(model)
    if refusals:
        raise ExportError(refusals)
    try:
        return copy.deepcopy(model).cpu().double()
    except Exception as e:  # objects of a model that cannot be copied raise anything
        raise ExportError([("", f"cannot be copied: {e}")]) from e


def _changed(model):
    """What makes modules compute something else than their classes do."""
    return [(path, reason) for path, module in model.named_modules() if (reason := changed(module))]


def _dtype(model):
    return next((parameter.dtype for parameter in model.parameters() if parameter.is_floating_point()), torch.get_default_dtype())


def _only_output(result):
    if isinstance(result, Ref):
        if result.bare:
            raise ExportError([("the output", "has no axis for samples")])
        return result
    if isinstance(result, dict):
        raise ExportError([("the output", f"has several fields; choose one with output=, possible are {sorted(map(str, result))}")])
    if isinstance(result, (tuple, list)):
        raise ExportError([("the output", f"has {len(result)} parts; choose one with output=, possible are 0 to {len(result) - 1}")])
    raise ExportError([("the output", "does not depend on the input, or has no counterpart")])


def _move_classes(network, result, axis):
    moved = axis + result.rank if axis < 0 else axis
    if moved == 0 or moved >= result.rank:
        raise ExportError([("class_axis", f"is {axis}, but the output has axes 1 to {result.rank - 1} behind the batch")])
    if moved != 1:
        dims = [0, moved] + [axis for axis in range(1, result.rank) if axis != moved]
        network.output = network.add("classes", False, "Permute", [result.name], {"dims": dims}, {}).name


def _prune(network):
    """Removes nodes that the output does not need."""
    by_name = {node.name: node for node in network.nodes}
    needed = set()
    waiting = [network.output]
    while waiting:
        name = waiting.pop()
        if name in by_name and name not in needed:
            needed.add(name)
            node = by_name[name]
            waiting += node.inputs
            owners = [candidate for candidate in by_name for tie in node.ties.values() if tie.startswith(f"{candidate}.")]
            waiting += owners
    network.nodes = [node for node in network.nodes if node.name in needed]


def _permuted(output, axis):
    return output if axis is None else output.movedim(axis, 1)


def _compare(network, wrapped, batches, tensors, class_axis):
    """The list of nodes against the model: outputs, and gradients of a sum with fixed weights, so that a detached part shows."""
    owned = {name: held for name, held, _ in network.parameters() if held.is_trained}
    for index, batch in enumerate(batches):
        # Whether the number of samples matters shows in outputs; gradients, which take most of the time, are compared once.
        with torch.set_grad_enabled(index == 0):
            inputs = dict(zip(network.inputs, torch.utils._pytree.tree_flatten(batch)[0]))
            theirs = _permuted(_run(wrapped, batch), class_axis)
            ours = evaluate(network, inputs, tensors)
        if differs(ours.detach(), theirs.detach()):
            raise ExportError([("the output", f"differs from what would be written with {ours.shape[0]} samples")])
        if index == 0:
            _compare_gradients(ours, theirs, owned)


def _compare_gradients(ours, theirs, owned):
    if not owned:
        return
    if not theirs.requires_grad:
        raise ExportError([("", "computes its output without gradients, in no_grad or behind detach")])
    weights = torch.cos(torch.arange(ours.numel(), dtype=ours.dtype)).reshape(ours.shape)
    parameters = [held.tensor for held in owned.values()]
    left = torch.autograd.grad((ours * weights).sum(), parameters, allow_unused=True)
    try:
        right = torch.autograd.grad((theirs * weights).sum(), parameters, allow_unused=True)
    except RuntimeError as e:
        raise ExportError([("", f"has no gradients in PyTorch: {str(e).splitlines()[0]}")]) from e
    wrong = [(held.name, _gradient_reason(a, b)) for held, a, b in zip(owned.values(), left, right) if not _same_gradient(a, b)]
    if wrong:
        raise ExportError(wrong)


def _same_gradient(ours, theirs):
    zero = [gradient is None or not gradient.any() for gradient in (ours, theirs)]
    if any(zero):
        largest = max((gradient.abs().max().item() for gradient in (ours, theirs) if gradient is not None), default=0)
        return all(zero) or largest < 1e-9
    return bool(((ours - theirs).abs().max() <= 1e-8 * theirs.abs().max() + 1e-11))


def _gradient_reason(ours, theirs):
    if theirs is None or not theirs.any():
        return "has no gradient in PyTorch, though its numbers are used: no_grad or detach stand before it"
    return "has another gradient in PyTorch than what would be written; is a part of its way detached?"


def _run(wrapped, batch):
    """The model itself, without dropping anything out, batch norms as they are. Its buffers stay."""
    buffers = {name: buffer.clone() for name, buffer in wrapped.named_buffers()}
    with still(wrapped):
        return torch.func.functional_call(wrapped, buffers, (batch,))


class _Exact(torch.overrides.TorchFunctionMode):
    """Computes what PyTorch rounds: the derivative of its hardsigmoid has one sixth in single precision, whatever the type."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if getattr(function, "__name__", "") == "hardsigmoid":
            return torch.nn.functional.relu6((args[0] if args else kwargs["input"]) + 3) / 6
        return function(*args, **(kwargs or {}))


def _checks(network, wrapped, batch, criterion, targets, class_axis):
    active = [path for path, module in wrapped.model.named_modules() if module.training and _drops(module)]
    if active:
        raise ExportError([(path, "drops out in train mode, so that no loss can be checked; call eval(), or export without check") for path in active])
    criterion = copy.deepcopy(criterion).double()
    with _Exact():
        output = _permuted(_run(wrapped, batch), class_axis)
    wanted = targets.double() if targets.is_floating_point() else targets
    try:
        value = criterion(output, wanted)
    except (RuntimeError, ValueError, IndexError) as e:
        raise ExportError([("the loss", f"fails with an output of shape {list(output.shape)} and targets of shape {list(targets.shape)}: {e}")]) from e
    trained = [(name, held, shape) for name, held, shape in network.parameters() if held.is_trained]
    gradients = torch.autograd.grad(value, [held.tensor for _, held, _ in trained], allow_unused=True)
    checks = {"check/loss": value.detach(), "check/output": output.detach()}
    for (name, held, shape), gradient in zip(trained, gradients):
        gradient = torch.zeros_like(held.tensor) if gradient is None else gradient
        checks[f"check/{name}/grad"] = held.like_written(gradient).reshape(shape)
    return checks


def _drops(module):
    rate = getattr(module, "p", None) if isinstance(module, _RANDOM) else getattr(module, "dropout", None)
    if type(module).__name__ in ("StochasticDepth", "DropPath"):
        rate = getattr(module, "p", getattr(module, "drop_prob", None))
    return isinstance(rate, (int, float)) and not isinstance(rate, bool) and rate > 0


def _write(model, network, loss, names, batch, targets, checks, folder):
    originals = dict(model.named_parameters(remove_duplicate=False)) | dict(model.named_buffers(remove_duplicate=False))
    dtype = _dtype(model)
    data, written = {}, {}
    for name, held, shape in network.parameters():
        tensor = held.like_written(originals.get(held.name, held.tensor))
        data[name] = tensor.detach().to("cpu", dtype).reshape(shape).clone().contiguous()
        written[name] = held.name
    for name, tensor in zip(names, batch):
        if name in data:
            raise ExportError([(name, "is an input's name and a parameter's")])
        data[name] = tensor.detach().cpu().clone().contiguous()
    data["target"] = targets.detach().cpu().clone().contiguous()
    for name, tensor in checks.items():
        data[name] = tensor.detach().cpu().clone().contiguous()
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**network.description(), "loss": loss}, indent=1)
    paths = folder / "model.json", folder / "data.safetensors"
    _replace(paths[0], lambda path: path.write_text(text + "\n", encoding="utf-8"))
    metadata = {"source": "backpack4j_export", "names": json.dumps(written)}
    _replace(paths[1], lambda path: save_file(data, path, metadata))
    used = {id(originals[name]) for name in written.values() if name in originals}
    unused = [name for name, parameter in model.named_parameters() if id(parameter) not in used]
    return Exported(*paths, written, unused)


def _replace(path, write):
    """A file appears when it is complete."""
    temporary = path.with_name(path.name + ".new")
    write(temporary)
    os.replace(temporary, path)

"""Converts a traced graph place by place, while PyTorch computes beside it: every node that is written is compared with what it stands for."""

import inspect

import torch
from torch import fx

from .call import Call, differs
from .evaluation import still
from .modules import LastStates, Missing, converter
from .network import Held
from .operations import METADATA, OPERATIONS
from .refusals import ExportError, Refusal
from .tracing import module_path, plain
from .values import Fixed, Folded, Ref, Transposed

# The order of arguments in aten where it is another than in torch.nn.functional.
_ATEN_ORDER = {
    "batch_norm": ["input", "weight", "bias", "running_mean", "running_var", "training", "momentum", "eps", None],
    "embedding": ["weight", "input", "padding_idx", "scale_grad_by_freq", "sparse"],
}


class _Shadow(fx.Interpreter):
    """PyTorch's own run of the graph, in which nothing is dropped out."""

    def call_module(self, target, args, kwargs):
        with still(self.fetch_attr(target)):
            return super().call_module(target, args, kwargs)

    def call_function(self, target, args, kwargs):
        if "dropout" in _name(target):
            return args[0] if args else kwargs["input"]
        if _name(target) == "scaled_dot_product_attention":
            args = args[:4] + (0.0,) + args[5:] if len(args) > 4 else args
            kwargs = {name: 0.0 if name == "dropout_p" else value for name, value in kwargs.items()}
        return super().call_function(target, args, kwargs)


def _name(target):
    if isinstance(target, torch._ops.OpOverload):
        name = target._schema.name.split("::")[-1]
    else:
        name = target if isinstance(target, str) else getattr(target, "__name__", str(target))
    return name if name.startswith("_") and name.endswith("__") else name.rstrip("_") or name


def changed(module):
    """What makes a module compute something else than its class does, or nothing."""
    kind = type(module).__name__
    hooks = [name for name in vars(module) if name.endswith("_hooks") and "state_dict" not in name and vars(module)[name]]
    if hooks:
        return f"{kind} has hooks ({', '.join(name.strip('_') for name in hooks)}), which may change numbers; remove them"
    if "forward" in vars(module):
        return f"{kind} has a forward of its own, set on the object"
    if torch.nn.utils.parametrize.is_parametrized(module):
        return f"{kind} is parametrized; call remove_parametrizations first"
    return None


class Conversion:
    """One conversion. `batches` has the inputs of several runs, as the wrapped model takes them; `inputs` the input names in the same order."""

    def __init__(self, traced, network, model, inputs, batches, dtype):
        self.network = network
        self.dtype = dtype
        self.runs = len(batches)
        self.parameters = {}
        self.refusals = []
        self.output = None
        self.names = set(plain(name) for name in traced.graph.state_dict())
        self._traced = traced
        self._modules = dict(model.named_modules())
        self._shadows = []
        for batch in batches:
            flat = torch.utils._pytree.tree_flatten(batch)[0]
            shadow = _Shadow(traced.graph, garbage_collect_values=False)
            shadow.env = {}
            shadow.args_iter = iter(flat if traced.by_export else [batch])
            self._shadows.append(shadow)
        by_name = [torch.utils._pytree.tree_flatten(batch)[0] for batch in batches]
        self.inputs = [Ref(name, tuple(flat[i] for flat in by_name)) for i, name in enumerate(inputs)]

    def holds(self, path, tensors):
        """Whether the module at a path has these tensors under these names: torch.export knows a tied one by one of its names only."""
        module = self._modules.get(path)
        own = dict(module.named_parameters(recurse=False)) | dict(module.named_buffers(recurse=False)) if module else {}
        return all(name in own and own[name].data_ptr() == held.tensor.data_ptr() for name, held in tensors.items())

    def run(self):
        """Fills the network and returns its output."""
        values = {}
        with torch.no_grad():
            placeholders = iter(self.inputs)
            for node in self._traced.graph.graph.nodes:
                if node.op == "output":
                    self.output = fx.node.map_arg(node.args[0], lambda arg: values[arg])
                    if self._traced.by_export:
                        form = self._traced.graph.graph._codegen.pytree_info.out_spec
                        self.output = torch.utils._pytree.tree_unflatten(list(self.output), form)
                    break
                results = self._compute(node)
                if node.op == "placeholder":
                    values[node] = next(placeholders) if self._traced.by_export else self._all_inputs()
                else:
                    values[node] = self._value(node, values, results)
        if self.refusals:
            raise ExportError(self.refusals)
        return self.output

    def _all_inputs(self):
        batch_is_dict = isinstance(self._shadows[0].env[next(iter(self._traced.graph.graph.nodes))], dict)
        return {ref.name: ref for ref in self.inputs} if batch_is_dict else tuple(self.inputs)

    def _compute(self, node):
        results = []
        for shadow in self._shadows:
            try:
                result = shadow.run_node(node)
            except Exception as e:  # what a model's own code raises
                kind = "with another number of samples: " if shadow is not self._shadows[0] else ""
                self.refusals.append((module_path(node), f"fails {kind}{type(e).__name__}: {str(e).strip().splitlines()[0]}"))
                raise ExportError(self.refusals) from e
            shadow.env[node] = result
            results.append(result)
        return tuple(results)

    def _value(self, node, values, results):
        if node.op == "get_attr":
            if isinstance(results[0], torch.Tensor):
                return Held(plain(node.target), results[0])
            return results[0]
        args, kwargs = fx.node.map_arg((node.args, node.kwargs), lambda arg: _unwrapped(values[arg]))
        name = _name(node.target) if node.op != "call_module" else ""
        if name == "getattr":
            name, args = args[1], args[:1]
        if not _depends(args) and not _depends(kwargs) and not self._is_embedding(node) or name in METADATA:
            return Fixed(results)
        if node.op == "call_module" and type(self._traced.graph.get_submodule(node.target)).__name__ == "GuardsFn":
            return Fixed(results)  # what torch.export assumes of the inputs, and has just checked
        path = module_path(node)
        try:
            value = self._converted(node, path, name, args, kwargs, results)
            self._compare(value, results)
            return value
        except Refusal as e:
            label = path if node.op == "call_module" else f"{path}, {name}()" if path else f"{name}()"
            self.refusals.append((label, str(e)))
            return _stand_in(results)

    def _is_embedding(self, node):
        return node.op == "call_module" and isinstance(self._traced.graph.get_submodule(node.target), torch.nn.Embedding)

    def _converted(self, node, path, name, args, kwargs, results):
        call = Call(self, path, name, results)
        if node.op == "call_module":
            module = self._traced.graph.get_submodule(node.target)
            function, extra = converter(module), (module,)
            if function is None:
                raise Refusal(f"{type(module).__name__} has no counterpart")
        else:
            function, extra = OPERATIONS.get(name), ()
            if function is None:
                raise Refusal(f"{name} has no counterpart")
            if isinstance(node.target, torch._ops.OpOverload) and name in _ATEN_ORDER:
                kwargs = {**{key: value for key, value in zip(_ATEN_ORDER[name], args) if key}, **kwargs}
                args = ()
        try:
            bound = inspect.signature(function).bind(call, *extra, *args, **{("input" if key == "self" else key): v for key, v in kwargs.items()})
        except TypeError as e:
            raise Refusal(f"has arguments without a counterpart: {e}") from e
        try:
            return function(*bound.args, **bound.kwargs)
        except (TypeError, ValueError, IndexError, KeyError, AttributeError, RuntimeError) as e:
            raise Refusal(f"is called in a way without a counterpart: {type(e).__name__}: {e}") from e

    def _compare(self, value, results):
        if isinstance(value, tuple) and not isinstance(results[0], (tuple, list)):
            return
        if isinstance(value, tuple):
            for index, entry in enumerate(value):
                self._compare(entry, tuple(result[index] for result in results))
        elif isinstance(value, Ref):
            for ours, theirs in zip(value.values, results):
                theirs = theirs.unsqueeze(0) if value.bare else theirs
                if value.batchless:
                    ours, theirs = _stretched(ours, theirs)
                if differs(ours, theirs):
                    raise Refusal(
                        "computes something else than what would be written: shapes "
                        f"{list(theirs.shape)} and {list(ours.shape)}"
                        + ("" if ours.shape != theirs.shape else f", difference {(ours - theirs).abs().max().item():.3g}")
                        + "; was its input overwritten in place?"
                    )


def _stretched(ours, theirs):
    """What is the same for all samples, and perhaps for all positions, beside what PyTorch has: both in the shape to which they stretch."""
    if ours.dim() != theirs.dim():
        return ours, theirs
    fits = all(mine in (1, other) for mine, other in zip(ours.shape[1:], theirs.shape[1:]))
    if not fits or theirs.shape[0] not in (1, ours.shape[0]):
        return ours, theirs
    shape = ours.shape[:1] + theirs.shape[1:]
    return ours.expand(shape), theirs.expand(shape)


def _unwrapped(value):
    """A number or word in place of what is the same in all runs; tensors stay as they are."""
    if isinstance(value, Fixed) and not isinstance(value.values[0], torch.Tensor) and value.is_same():
        return value.values[0]
    return value


def _depends(arguments):
    """Whether a Ref or a parameter is among the arguments."""
    found = []

    def look(value):
        if isinstance(value, (Ref, LastStates, Missing, Transposed, Folded)) or isinstance(value, Held) and value.is_parameter:
            found.append(value)
        elif isinstance(value, dict):
            for entry in value.values():
                look(entry)
        elif isinstance(value, (tuple, list)):
            for entry in value:
                look(entry)
        elif isinstance(value, slice):
            look((value.start, value.stop, value.step))

    look(arguments)
    return bool(found)


def _stand_in(results):
    """What takes the place of what was refused, so that other refusals are found."""
    if isinstance(results[0], torch.Tensor):
        return Ref("refused", results)
    if isinstance(results[0], (tuple, list)):
        return tuple(_stand_in(parts) for parts in zip(*results))
    return Fixed(results)

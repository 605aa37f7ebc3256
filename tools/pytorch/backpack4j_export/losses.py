"""Losses, as modules of torch.nn or in words such as `CrossEntropyLoss(reduction=mean)`."""

import ast

import torch
from torch import nn

from .refusals import ExportError

ARGUMENTS = {
    "CrossEntropyLoss": ("weight", "ignore_index", "label_smoothing"),
    "NLLLoss": ("weight", "ignore_index"),
    "MSELoss": (),
    "BCEWithLogitsLoss": ("weight", "pos_weight"),
    "L1Loss": (),
    "SmoothL1Loss": ("beta",),
    "HuberLoss": ("delta",),
    "PoissonNLLLoss": ("log_input", "full", "eps"),
    "KLDivLoss": ("log_target",),
}


def parsed(loss):
    """A loss module, from one or from words."""
    if isinstance(loss, nn.Module):
        return loss
    if not isinstance(loss, str):
        raise ExportError([("the loss", f"is {loss!r}; give a loss of torch.nn or its name, such as CrossEntropyLoss(reduction=mean)")])
    name, _, rest = loss.strip().partition("(")
    if name not in ARGUMENTS or (rest and not rest.endswith(")")):
        raise ExportError([("the loss", f"'{loss}' is not known; possible are {', '.join(ARGUMENTS)}")])
    arguments = {}
    for entry in filter(None, (part.strip() for part in rest.removesuffix(")").split(","))):
        key, _, value = entry.partition("=")
        try:
            arguments[key.strip()] = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError):
            arguments[key.strip()] = value.strip()
    try:
        return getattr(nn, name)(**arguments)
    except (TypeError, ValueError) as e:
        raise ExportError([("the loss", str(e))]) from e


def description(loss):
    """The loss as it stands in the model file."""
    name = type(loss).__name__
    if type(loss) is not getattr(nn, name, None) or name not in ARGUMENTS:
        raise ExportError([("the loss", f"{name} has no counterpart; possible are {', '.join(ARGUMENTS)}")])
    allowed = ("mean", "sum", "batchmean") if name == "KLDivLoss" else ("mean", "sum")
    if loss.reduction not in allowed:
        raise ExportError([("the loss", f"reduction='{loss.reduction}' has no counterpart; possible are {', '.join(allowed)}")])
    entry = {"type": name}
    for argument in ARGUMENTS[name]:
        value = getattr(loss, argument)
        if value is not None:
            entry[argument] = value.tolist() if isinstance(value, torch.Tensor) else value
    return {**entry, "reduction": loss.reduction}


def random_targets(loss, output, generator):
    """Targets that a loss takes for an output of this shape."""
    if isinstance(loss, (nn.CrossEntropyLoss, nn.NLLLoss)):
        return torch.randint(output.shape[1], (output.shape[0], *output.shape[2:]), generator=generator)
    numbers = torch.rand(output.shape, generator=generator)
    if isinstance(loss, nn.BCEWithLogitsLoss):
        return (numbers < 0.5).to(output.dtype)
    if isinstance(loss, nn.PoissonNLLLoss):
        return (3 * numbers).floor().to(output.dtype)
    if isinstance(loss, nn.KLDivLoss):
        return torch.softmax(numbers, 1).to(output.dtype)
    return torch.randn(output.shape, generator=generator).to(output.dtype)

"""Exports from the command line, with random inputs and targets."""

import argparse
import copy
import importlib
import os
import sys

import torch

from . import ExportError, export, losses


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m backpack4j_export", description="Write a PyTorch model as model.json and data.safetensors, with random inputs and targets."
    )
    parser.add_argument("factory", metavar="package.module:factory", help="a function without arguments that makes the model, or a model")
    parser.add_argument("--input-shape", required=True, metavar="3,224,224", help="the shape of one sample; of several inputs, separated by ';'")
    parser.add_argument("--loss", required=True, help="such as CrossEntropyLoss, or 'MSELoss(reduction=sum)'")
    parser.add_argument("--out", required=True, metavar="DIR", help="where model.json and data.safetensors are written")
    parser.add_argument("--check", action="store_true", help="also write loss, output and gradients for 'backpack evaluate --check'")
    parser.add_argument("--batch", type=int, default=8, metavar="N", help="the number of samples (8)")
    parser.add_argument("--integers", type=int, metavar="K", help="inputs are integers below K, as ids of words are")
    parser.add_argument("--output", metavar="FIELD", help="a name or number, if the model's output has several parts")
    parser.add_argument("--class-axis", type=int, metavar="AXIS", help="where classes are in the output; -1 for the last axis")
    parser.add_argument("--eval", action="store_true", help="put the model in eval mode first")
    parser.add_argument("--seed", type=int, default=0, help="of inputs and targets, and of the model's parameters (0)")
    options = parser.parse_args(arguments)
    try:
        exported = _export(options)
    except (ExportError, _Wrong) as e:
        print(f"backpack4j_export: {e}", file=sys.stderr)
        return 1
    print(f"{exported.model} and {exported.data} written, {len(exported.names)} tensors")
    if exported.unused:
        print(f"the output does not depend on {', '.join(exported.unused)}; they are not written")
    return 0


class _Wrong(Exception):
    pass


def _export(options):
    torch.manual_seed(options.seed)
    model = _model(options.factory)
    if options.eval:
        model.eval()
    if options.batch < 1:
        raise _Wrong(f"--batch is {options.batch}, but must be at least 1")
    generator = torch.Generator().manual_seed(options.seed)
    inputs = tuple(_input(shape, options, generator) for shape in options.input_shape.split(";"))
    output = int(options.output) if options.output and options.output.lstrip("-").isdigit() else options.output
    criterion = losses.parsed(options.loss)
    with torch.no_grad():
        shape = _output(model, inputs, output, options.class_axis)
    targets = losses.random_targets(criterion, shape, generator)
    inputs = inputs[0] if len(inputs) == 1 else inputs
    return export(model, inputs, targets, criterion, options.out, options.check, output, options.class_axis)


def _output(model, inputs, output, class_axis):
    try:
        result = copy.deepcopy(model)(*inputs)
    except Exception as e:  # a model's own code raises anything
        shapes = ", ".join(str(list(tensor.shape)) for tensor in inputs)
        raise _Wrong(f"the model fails with inputs of shape {shapes}: {type(e).__name__}: {e}") from e
    if output is not None:
        result = getattr(result, output) if isinstance(output, str) and hasattr(result, output) else result[output]
    if not isinstance(result, torch.Tensor):
        raise _Wrong("the model's output has several parts; choose one with --output")
    return result if class_axis is None else result.movedim(class_axis, 1)


def _model(factory):
    module, colon, name = factory.partition(":")
    if not colon:
        raise _Wrong(f"'{factory}' is not of the form package.module:factory")
    sys.path.insert(0, os.getcwd())
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as e:
        raise _Wrong(f"'{factory}' cannot be imported: {e}") from e
    model = found if isinstance(found, torch.nn.Module) else found()
    if not isinstance(model, torch.nn.Module):
        raise _Wrong(f"'{factory}' makes {type(model).__name__}, not a torch.nn.Module")
    return model


def _input(shape, options, generator):
    try:
        sizes = [int(size) for size in shape.split(",") if size.strip()]
    except ValueError as e:
        raise _Wrong(f"--input-shape has '{shape}'; give numbers such as 3,224,224") from e
    if options.integers is not None:
        return torch.randint(options.integers, (options.batch, *sizes), generator=generator)
    return torch.randn(options.batch, *sizes, generator=generator)


if __name__ == "__main__":
    sys.exit(main())

"""Writes the architectures with what PyTorch computes for them, as it-tests compare: `python tests/fixtures.py DIR`. Numbers of models and batches are not written,
they come from a formula (counter.py)."""

import json
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import counter  # noqa: E402
from architectures import ARCHITECTURES  # noqa: E402
from curvature import curvature  # noqa: E402

from backpack4j_export import export, losses  # noqa: E402

SAMPLES = 3


def batch(name, model):
    """Inputs and targets of an architecture."""
    _, shape, ids, loss, class_axis = ARCHITECTURES[name]
    shape = (SAMPLES, *shape)
    inputs = counter.integers("input", shape, ids) if ids else 1.5 * counter.uniform("input", torch.Size(shape).numel()).reshape(shape)
    with torch.no_grad():
        output = model(inputs)
    output = output if class_axis is None else output.movedim(class_axis, 1)
    if "CrossEntropy" in loss:
        return inputs, counter.integers("target", (SAMPLES, *output.shape[2:]), output.shape[1])
    numbers = counter.uniform("target", output.numel()).reshape(output.shape)
    return inputs, (numbers > 0).double() if "BCE" in loss else numbers


def fill(model, names):
    """Sets every tensor by its name in the file."""
    state = model.state_dict()
    with torch.no_grad():
        for written, (held, shape) in names.items():
            state[held].copy_(counter.tensor(written, shape).reshape(state[held].shape))


def fixture(name, folder):
    make, _, _, loss, class_axis = ARCHITECTURES[name]
    model = make().double().eval()
    inputs, targets = batch(name, model)
    exported = export(model, inputs, targets, loss, folder, class_axis=class_axis)
    shapes = {written: tuple(value.shape) for written, value in load_file(exported.data).items()}
    fill(model, {written: (held, shapes[written]) for written, held in exported.names.items()})
    exported = export(model, inputs, targets, loss, folder, check=True, class_axis=class_axis)
    data = load_file(exported.data)
    gradients = {}
    for written in exported.names:
        gradient = data.get(f"check/{written}/grad")
        if gradient is not None:
            weights = counter.uniform(f"r/{written}", gradient.numel())
            gradients[written] = [gradient.norm().item(), (gradient.flatten() * weights).sum().item()]
    held = dict(model.named_parameters(remove_duplicate=False))
    tables = {f"{node['name']}.weight" for node in json.loads(exported.model.read_text())["nodes"] if node["type"] == "Embedding"}
    trained = {written: held[exported.names[written]] for written in gradients}
    return {
        "model": json.loads(exported.model.read_text()),
        "input": {"shape": list(inputs.shape), "integers_below": ARCHITECTURES[name][2]},
        "target": {"shape": list(targets.shape), "kind": _kind(loss), "classes": data["check/output"].shape[1]},
        "loss": data["check/loss"].item(),
        "output": data["check/output"].flatten()[:64].tolist(),
        "gradients": gradients,
        "curvature": curvature(model, inputs, data["check/output"], loss, class_axis, trained, tables),
    }


def _kind(loss):
    return "classes" if "CrossEntropy" in loss else "labels" if "BCE" in loss else "numbers"


def main(folder):
    torch.set_num_threads(1)
    for name in ARCHITECTURES:
        with tempfile.TemporaryDirectory() as temporary:
            entry = fixture(name, temporary)
        norms = [norm for norm, _ in entry["gradients"].values()]
        path = Path(folder) / f"{name}.json"
        path.write_text(json.dumps(entry, separators=(",", ":")) + "\n")
        print(f"{name}: {path.stat().st_size} bytes, {len(norms)} gradients with norms from {min(norms):.2g} to {max(norms):.2g}, loss {entry['loss']:.4g}")


if __name__ == "__main__":
    main(sys.argv[1])

"""Well-known architectures export at the first try, and backpack4j agrees if its launcher is named in BACKPACK4J."""

import json
import os
import subprocess

import fixtures
import pytest
from architectures import ARCHITECTURES

from backpack4j_export import export

LAUNCHER = os.environ.get("BACKPACK4J")


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_exports(name, tmp_path):
    make, _, _, loss, class_axis = ARCHITECTURES[name]
    model = make().eval()
    inputs, targets = fixtures.batch(name, model.double())
    model.float()
    inputs, targets = (tensor.float() if tensor.is_floating_point() else tensor for tensor in (inputs, targets))
    exported = export(model, inputs, targets, loss, tmp_path, check=True, class_axis=class_axis)
    assert not exported.unused
    if name == "gpt":
        assert set(exported.names) >= {"wte.weight", "wpe.weight"} and "head.weight" not in exported.names
    types = {node["type"] for node in json.loads(exported.model.read_text())["nodes"]}
    if LAUNCHER and types <= _known():
        command = [LAUNCHER, "evaluate", "--model", exported.model, "--data", exported.data, "--check"]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def _known():
    if not hasattr(_known, "types"):
        table = subprocess.run([LAUNCHER, "support"], capture_output=True, text=True, check=True).stdout
        _known.types = {line.split()[0] for line in table.splitlines() if line.split()}
    return _known.types

"""The exporter from this source tree, on one thread: models are small."""

import json
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture
def nodes(tmp_path):
    """Exports, and gives back the nodes by name."""
    from backpack4j_export import export

    def run(model, inputs, targets=None, loss="MSELoss", **options):
        if targets is None:
            targets = torch.zeros(1)
            options.setdefault("check", False)
        exported = export(model, inputs, targets, loss, tmp_path, **options)
        return {node["name"]: node for node in json.loads(exported.model.read_text())["nodes"]}

    return run

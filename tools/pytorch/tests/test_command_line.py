import json
import sys

import torch
from safetensors.torch import load_file, save_file

from backpack4j_export import import_results
from backpack4j_export.__main__ import main

MODULE = """
import torch
from torch import nn

def net():
    return nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 3))

def words():
    return nn.Sequential(nn.Embedding(7, 4), nn.Linear(4, 7))

def several():
    class Several(nn.Linear):
        def forward(self, x):
            return super().forward(x), x
    return Several(4, 2)

refused = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect"))
"""


def run(monkeypatch, tmp_path, *arguments):
    (tmp_path / "own_models.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    sys.modules.pop("own_models", None)
    return main([*arguments, "--out", str(tmp_path / "out")])


def test_random_batches_are_the_same_for_a_seed(monkeypatch, tmp_path, capsys):
    options = ("own_models:net", "--input-shape", "4", "--loss", "CrossEntropyLoss(reduction=sum)", "--check", "--eval", "--batch", "6")
    assert run(monkeypatch, tmp_path, *options) == 0
    first = load_file(tmp_path / "out" / "data.safetensors")
    assert run(monkeypatch, tmp_path, *options) == 0
    second = load_file(tmp_path / "out" / "data.safetensors")
    assert first["input"].shape == (6, 4) and first["target"].dtype == torch.int64
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())
    assert json.loads((tmp_path / "out" / "model.json").read_text())["nodes"][1]["mode"] == "eval"
    assert "check/3.bias/grad" in first
    assert "written" in capsys.readouterr().out


def test_ids_and_class_axis(monkeypatch, tmp_path):
    options = ("own_models:words", "--input-shape", "5", "--integers", "7", "--loss", "CrossEntropyLoss", "--class-axis", "-1")
    assert run(monkeypatch, tmp_path, *options) == 0
    data = load_file(tmp_path / "out" / "data.safetensors")
    assert data["input"].dtype == torch.int64 and data["target"].shape == (8, 5)


def test_failures_are_told_without_a_trace(monkeypatch, tmp_path, capsys):
    assert run(monkeypatch, tmp_path, "own_models:refused", "--input-shape", "1,4,4", "--loss", "MSELoss") == 1
    assert "padding_mode='reflect'" in capsys.readouterr().err
    assert run(monkeypatch, tmp_path, "own_models:several", "--input-shape", "4", "--loss", "MSELoss") == 1
    assert "--output" in capsys.readouterr().err
    assert run(monkeypatch, tmp_path, "own_models:several", "--input-shape", "4", "--loss", "MSELoss", "--output", "0") == 0
    assert run(monkeypatch, tmp_path, "own_models:nothing", "--input-shape", "4", "--loss", "MSELoss") == 1
    assert "cannot be imported" in capsys.readouterr().err
    assert run(monkeypatch, tmp_path, "own_models:net", "--input-shape", "a", "--loss", "MSELoss") == 1
    assert "--input-shape" in capsys.readouterr().err
    assert run(monkeypatch, tmp_path, "own_models:net", "--input-shape", "5", "--loss", "MSELoss") == 1


def test_results_come_back_by_parameter(tmp_path):
    tensors = {"loss": torch.tensor(1.0), "output": torch.ones(2, 3), "pos.weight/grad": torch.ones(3), "fc.bias/batch_l2": torch.ones(2), "*/ntk": torch.eye(2)}
    save_file(tensors, tmp_path / "r.safetensors")
    save_file({"x": torch.ones(1)}, tmp_path / "data.safetensors", {"names": json.dumps({"pos.weight": "pos", "fc.bias": "fc.bias"})})
    results = import_results(tmp_path / "r.safetensors", tmp_path / "data.safetensors")
    assert sorted(results) == ["fc.bias", "pos"] and len(results) == 2
    assert torch.equal(results["pos"]["grad"], torch.ones(3))
    assert torch.equal(results.network["ntk"], torch.eye(2)) and results.network["loss"] == 1
    assert "pos.weight" in import_results(tmp_path / "r.safetensors").parameters

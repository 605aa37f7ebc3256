import json

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

from backpack4j_export import export


class Function(nn.Module):
    """A model of one function, behind a layer with parameters."""

    def __init__(self, function, layer=None):
        super().__init__()
        self.layer = layer or nn.Linear(4, 4)
        self.function = function

    def forward(self, x):
        return self.function(self.layer(x))


def types(nodes):
    return [node["type"] for node in nodes.values()]


def test_names_and_tensors_are_those_of_the_state_dict(tmp_path):
    model = nn.Sequential()
    model.add_module("first", nn.Linear(3, 4))
    model.add_module("block", nn.Sequential(nn.ReLU(), nn.BatchNorm1d(4)))
    model.eval()
    exported = export(model, torch.randn(5, 3), torch.randn(5, 4), nn.MSELoss(), tmp_path)
    data = load_file(exported.data)
    for name, tensor in model.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(data[name], tensor)
    assert set(exported.names) == {name for name in model.state_dict() if "tracked" not in name}
    assert data["input"].shape == (5, 3) and data["target"].shape == (5, 4)
    text = json.loads(exported.model.read_text())
    assert text["output"] == "block.1" and text["loss"] == {"type": "MSELoss", "reduction": "mean"}


def test_the_model_is_not_changed(tmp_path):
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(inplace=True), nn.Flatten())
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    export(model, torch.randn(3, 1, 5, 5), torch.randn(3, 18), "MSELoss", tmp_path, check=True)
    assert model.training and all(module.training for module in model.modules())
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_checks_are_in_double_precision(tmp_path):
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    x, y = torch.randn(5, 3), torch.tensor([0, 1, 1, 0, 1])
    data = load_file(export(model, x, y, nn.CrossEntropyLoss(), tmp_path, check=True).data)
    twin = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    twin.load_state_dict({name: tensor.double() for name, tensor in model.state_dict().items()})
    loss = nn.CrossEntropyLoss()(twin(x.double()), y)
    loss.backward()
    assert data["check/loss"].dtype == torch.float64 and torch.equal(data["check/loss"], loss.detach())
    assert torch.equal(data["check/output"], twin(x.double()).detach())
    for name, parameter in twin.named_parameters():
        assert torch.allclose(data[f"check/{name}/grad"], parameter.grad, rtol=1e-12, atol=0)
    assert data["0.weight"].dtype == torch.float32


def test_shared_modules_and_parameters_are_tied(tmp_path):
    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(4, 4)
            self.b = nn.Linear(4, 4, bias=False)
            self.b.weight = self.a.weight

        def forward(self, x):
            return F.linear(self.b(torch.tanh(self.a(self.a(x)))), self.a.weight)

    exported = export(Shared(), torch.randn(3, 4), torch.randn(3, 4), "MSELoss", tmp_path, check=True)
    nodes = {node["name"]: node for node in json.loads(exported.model.read_text())["nodes"]}
    assert nodes["a_2"]["tie"] == {"weight": "a.weight", "bias": "a.bias"}
    assert nodes["b"]["tie"] == {"weight": "a.weight"}
    assert nodes["a_3"]["tie"] == {"weight": "a.weight"}
    assert sorted(exported.names) == ["a.bias", "a.weight"]


def test_modes_and_frozen_parameters(nodes):
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.3), nn.Linear(4, 2))
    model[0].weight.requires_grad = False
    model[1].requires_grad_(False)
    model[1].eval()
    found = nodes(model, torch.randn(3, 4))
    assert found["0"]["requires_grad"] == ["weight"]
    assert found["1"]["requires_grad"] is False and found["1"]["mode"] == "eval"
    assert found["2"]["mode"] == "train"
    assert "requires_grad" not in found["3"]


def test_several_inputs_have_names(tmp_path):
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(3, 2)
            self.b = nn.Linear(4, 2)

        def forward(self, left, right=None):
            return self.a(left) - self.b(right)

    left, right = torch.randn(5, 3), torch.randn(5, 4)
    exported = export(Two(), (left, right), torch.randn(5, 2), "MSELoss", tmp_path, check=True)
    assert json.loads(exported.model.read_text())["inputs"] == ["left", "right"]
    exported = export(Two(), {"right": right, "left": left}, torch.randn(5, 2), "MSELoss", tmp_path, check=True)
    text = json.loads(exported.model.read_text())
    assert text["inputs"] == ["right", "left"]
    assert [node["inputs"] for node in text["nodes"]] == [["left"], ["right"], ["a", "b"]]
    assert torch.equal(load_file(exported.data)["right"], right)


def test_a_field_of_the_output_is_picked(nodes):
    class Fields(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(3, 2), nn.Linear(3, 4)

        def forward(self, x):
            return {"logits": self.a(x), "hidden": self.b(x)}

    assert list(nodes(Fields(), torch.randn(5, 3), output="logits")) == ["a"]
    assert list(nodes(Fields(), torch.randn(5, 3), output="hidden")) == ["b"]


def test_classes_move_to_the_axis_that_the_loss_wants(nodes):
    model = nn.Sequential(nn.Linear(3, 4))
    found = nodes(model, torch.randn(5, 6, 3), torch.randint(4, (5, 6)), "CrossEntropyLoss", class_axis=-1, check=True)
    assert found["classes"]["dims"] == [0, 2, 1]


def test_a_loss_keeps_its_arguments(tmp_path):
    loss = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0]), label_smoothing=0.1, reduction="sum", ignore_index=1)
    exported = export(nn.Linear(3, 2), torch.randn(4, 3), torch.tensor([0, 0, 1, 0]), loss, tmp_path, check=True)
    written = json.loads(exported.model.read_text())["loss"]
    assert written == {"type": "CrossEntropyLoss", "weight": [1.0, 2.0], "ignore_index": 1, "label_smoothing": pytest.approx(0.1), "reduction": "sum"}


@pytest.mark.parametrize(
    "function, expected",
    [
        (lambda x: x + x, ["Sum"]),
        (lambda x: x * 0.5, ["Scale"]),
        (lambda x: 1 - x, ["Affine"]),
        (lambda x: torch.add(x, x, alpha=2), ["Scale", "Sum"]),
        (lambda x: torch.sub(x, torch.sigmoid(x), alpha=3), ["Sigmoid", "Scale", "Sub"]),
        (lambda x: x / 4 + 1, ["Scale", "Affine"]),
        (lambda x: 2 / (torch.sigmoid(x) + 1), ["Sigmoid", "Affine", "Parameter", "Div"]),
        (lambda x: x**2 - x.square(), ["Mul", "Mul", "Sub"]),
        (lambda x: -x, ["Scale"]),
        (lambda x: F.relu(x, inplace=True), ["ReLU"]),
        (lambda x: x.clamp(-0.5, 0.5), ["Hardtanh"]),
        (lambda x: F.softmax(x, dim=-1), ["Softmax"]),
        (lambda x: torch.cat([x, x[:, 1:3]], dim=-1), ["Slice", "Concat"]),
        (lambda x: x[:, -1:] * x, ["Slice", "Mul"]),
        (lambda x: x[..., None].squeeze(2), ["Reshape", "Flatten"]),
        (lambda x: x.chunk(2, 1)[1], ["Slice"]),
        (lambda x: torch.split(x, [1, 3], 1)[1], ["Slice"]),
        (lambda x: x.view(x.size(0), 2, 2).transpose(1, 2).reshape(x.shape[0], -1), ["Reshape", "Permute", "Flatten"]),
        (lambda x: x.view(-1, 2, 2).mean(-1), ["Reshape", "Mean"]),
        (lambda x: x - x.mean(1, keepdim=True), ["Mean", "Reshape", "Sub"]),
        (lambda x: x.sum(-1, keepdim=True) * x, ["Mean", "Scale", "Reshape", "Mul"]),
        (lambda x: F.dropout(x, 0.5, training=False), ["Dropout"]),
        (lambda x: F.gelu(x, approximate="tanh"), ["GELU"]),
        (lambda x: F.pad(x, (1, 2), value=3.0), ["Pad"]),
        (lambda x: x.contiguous().clone(), []),
        (lambda x: torch.stack([x, x * 2], dim=1).amax(1), ["Scale", "Reshape", "Reshape", "Concat", "Max"]),
    ],
)
def test_functions_and_operators(nodes, function, expected):
    found = nodes(Function(function), torch.randn(3, 4))
    assert types(found) == ["Linear"] + expected


def test_operands_are_taken_where_they_stand(nodes):
    found = nodes(Function(lambda x: torch.sigmoid(x) - torch.tanh(x)), torch.randn(3, 4))
    assert found["sub"]["inputs"] == ["sigmoid", "tanh"]
    found = nodes(Function(lambda x: x + x), torch.randn(3, 4))
    assert found["add"]["inputs"] == ["layer", "layer"]
    found = nodes(Function(lambda x: 1 - x), torch.randn(3, 4))
    assert (found["rsub" if "rsub" in found else "sub"]["scale"], found["sub"]["shift"]) == (-1.0, 1.0)


def test_parameters_of_their_own_become_nodes(nodes):
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 3, 2)
            self.gamma = nn.Parameter(torch.randn(3, 1, 1))
            self.position = nn.Parameter(torch.randn(1, 3, 4, 4), requires_grad=False)
            self.register_buffer("shift", torch.randn(3, 1, 1))

        def forward(self, x):
            return (self.conv(x) + self.position) * self.gamma - self.shift

    found = nodes(Own(), torch.randn(3, 1, 5, 5), torch.randn(3, 3, 4, 4), check=True)
    assert types(found) == ["Conv2d", "Parameter", "Sum", "Parameter", "Mul", "Parameter", "Sub"]
    assert found["gamma"]["shape"] == [3, 1, 1] and "requires_grad" not in found["gamma"]
    assert found["position"]["shape"] == [3, 4, 4] and found["position"]["requires_grad"] is False


def test_functional_layers_take_the_names_of_their_modules(nodes):
    class Normalised(nn.LayerNorm):
        def forward(self, x):
            return F.layer_norm(x.permute(0, 2, 3, 1), self.normalized_shape, self.weight, self.bias, self.eps).permute(0, 3, 1, 2)

    found = nodes(nn.Sequential(nn.Conv2d(1, 3, 2), Normalised(3)), torch.randn(2, 1, 4, 4))
    assert types(found) == ["Conv2d", "Permute", "LayerNorm", "Permute"]
    assert found["1"]["type"] == "LayerNorm"


def test_control_flow_on_shapes_falls_back_to_torch_export(nodes):
    class Flow(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(4, 4) for _ in range(3)])
            self.norm = nn.BatchNorm1d(4).eval()

        def forward(self, x):
            for layer in self.layers:
                if x.shape[1] == 4:
                    x = F.relu(layer(x))
            return self.norm(x)

    found = nodes(Flow().eval(), torch.randn(3, 4), torch.randn(3, 4), check=True)
    assert types(found) == ["Linear", "ReLU"] * 3 + ["BatchNorm1d"]
    assert list(found)[-1] == "norm" and "layers.2" in found
    assert types(nodes(Flow().eval(), torch.randn(1, 4), torch.randn(1, 4), check=True)) == ["Linear", "ReLU"] * 3 + ["BatchNorm1d"]


def test_matrices_of_the_other_orientation_are_written_transposed(tmp_path):
    class Matrix(nn.Module):
        def __init__(self):
            super().__init__()
            self.w, self.v, self.b = nn.Parameter(torch.randn(4, 3)), nn.Parameter(torch.randn(3, 2)), nn.Parameter(torch.randn(2))

        def forward(self, x):
            y = torch.tanh(x @ self.w)
            return torch.addmm(self.b, y.view(-1, y.size(-1)), self.v).view(y.size(0), y.size(1), 2)

    model = Matrix()
    exported = export(model, torch.randn(3, 5, 4), torch.randn(3, 5, 2), "MSELoss", tmp_path, check=True)
    written = {held: name for name, held in exported.names.items()}
    data = load_file(exported.data)
    assert torch.equal(data[written["w"]], model.w.detach().t()) and torch.equal(data[written["v"]], model.v.detach().t())
    assert data[f"check/{written['v']}/grad"].shape == (2, 3)


def test_parts_without_use_are_left_out_and_told(tmp_path):
    class Unused(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(3, 2), nn.Linear(3, 2)

        def forward(self, x):
            self.b(x)
            return self.a(x)

    exported = export(Unused(), torch.randn(4, 3), torch.randn(4, 2), "MSELoss", tmp_path)
    assert exported.unused == ["b.weight", "b.bias"]
    assert len(json.loads(exported.model.read_text())["nodes"]) == 1


def test_recurrent_and_attention_modules(nodes):
    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = nn.Embedding(9, 4, padding_idx=0)
            self.lstm = nn.LSTM(4, 5, num_layers=2, batch_first=True)
            self.out = nn.Linear(5, 3)

        def forward(self, ids):
            _, (h, _) = self.lstm(self.words(ids))
            return self.out(h[-1])

    found = nodes(Tagger(), torch.randint(9, (3, 6)), torch.tensor([0, 1, 2]), "CrossEntropyLoss", check=True)
    assert types(found) == ["Embedding", "LSTM", "Slice", "Linear"]
    assert found["words"]["padding_idx"] == 0 and found["getitem"]["slices"] == [[None, None, None], -1]

    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            layer = nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True)
            self.encoder = nn.TransformerEncoder(layer, 2, norm=nn.LayerNorm(8), enable_nested_tensor=False)

        def forward(self, x, mask):
            causal = nn.Transformer.generate_square_subsequent_mask(5)
            return self.encoder(x, mask=causal, src_key_padding_mask=mask)

    mask = torch.zeros(3, 5, dtype=torch.bool)
    mask[0, 3:] = True
    found = nodes(Encoder(), (torch.randn(3, 5, 8), mask))
    assert list(found) == ["encoder.layers.0", "encoder.layers.1", "encoder.norm"]
    assert found["encoder.layers.0"]["causal"] is True
    assert found["encoder.layers.1"]["inputs"] == ["encoder.layers.0", "mask"]

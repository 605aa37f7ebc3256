"""What must not be exported, or only exactly as it is: each of these would otherwise be wrong in silence."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from backpack4j_export import ExportError, export


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.function = function

    def forward(self, x):
        return self.function(self, self.layer(x))


def refused(tmp_path, model, inputs, targets=None, loss="MSELoss", **options):
    with pytest.raises(ExportError) as caught:
        export(model, inputs, torch.zeros(1) if targets is None else targets, loss, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()
    return caught.value


@pytest.mark.parametrize(
    "module, sample, reason",
    [
        (nn.Conv2d(1, 2, 3, padding=1, padding_mode="reflect"), (1, 5, 5), "padding_mode='reflect'"),
        (nn.Conv2d(1, 2, 2, padding="same"), (1, 5, 5), "padding='same'"),
        (nn.MaxPool2d(2, return_indices=True), (1, 4, 4), "return_indices"),
        (nn.AvgPool2d(2, divisor_override=3), (1, 4, 4), "divisor_override"),
        (nn.BatchNorm1d(4, track_running_stats=False), (4,), "track_running_stats=False"),
        (nn.InstanceNorm1d(2, track_running_stats=True), (2, 4), "track_running_stats=True"),
        (nn.Bilinear(2, 2, 2), (2,), "Bilinear"),
        (nn.Softmax(), (4,), "dim=None"),
        (nn.LSTM(4, 3), (5, 4), "batch_first=False"),
        (nn.Dropout2d(0.5), (2, 3, 3), "drops whole channels"),
        (nn.Upsample(scale_factor=2, mode="bicubic"), (1, 3, 3), "mode='bicubic'"),
        (nn.Flatten(0), (4,), "flattens the batch"),
    ],
)
def test_modules_without_counterpart(tmp_path, module, sample, reason):
    error = refused(tmp_path, nn.Sequential(module), torch.randn(3, *sample), output=None)
    assert reason in str(error)


@pytest.mark.parametrize(
    "function, reason",
    [
        (lambda self, x: x.flatten(0), "axis 0 must stay the batch"),
        (lambda self, x: x.view(-1, 2), "axis 0 must stay the batch"),
        (lambda self, x: x.t(), "moves the batch"),
        (lambda self, x: x - x.mean(0), "axis 0, which holds the samples"),
        (lambda self, x: x.mean(), "say dim"),
        (lambda self, x: torch.cat([x, x]), "axis 0, which holds the samples"),
        (lambda self, x: x[:2], "axis 0, which holds the samples"),
        (lambda self, x: x.abs(), "abs has no counterpart"),
        (lambda self, x: x.detach() * x, "detach has no counterpart"),
        (lambda self, x: F.softmax(x), "dim=None"),
        (lambda self, x: x * x.shape[0], "depends on the number of samples"),
        (lambda self, x: x.half(), "half has no counterpart"),
        (lambda self, x: x.float(), "changes the type"),
        (lambda self, x: torch.div(x, 2, rounding_mode="floor"), "rounding_mode"),
        (lambda self, x: torch.matmul(x, self.layer.weight), "used as it is elsewhere"),
        (lambda self, x: x.view(-1, 2, 2).view(-1, 2).relu(), "were merged with other axes"),
        (lambda self, x: x[:, [0, 2]], "is indexed by"),
        (lambda self, x: x * float("inf"), "not finite"),
    ],
)
def test_operations_without_counterpart(tmp_path, function, reason):
    assert reason in str(refused(tmp_path, Function(function), torch.randn(3, 4)))


def test_a_part_without_gradients(tmp_path):
    def function(self, x):
        with torch.no_grad():
            y = torch.tanh(x)
        return x + y

    assert "another gradient in PyTorch" in str(refused(tmp_path, Function(function), torch.randn(3, 4)))


def test_what_is_overwritten_in_place(tmp_path):
    def function(self, x):
        y = torch.sigmoid(x)
        z = y * 2
        y.mul_(3)
        return y + z

    class Overwritten(Function):
        def forward(self, x):
            y = self.layer(x)
            F.relu(y, inplace=True)
            return y * 2

    assert "overwritten in place" in str(refused(tmp_path, Function(function), torch.randn(3, 4)))
    assert "overwritten in place" in str(refused(tmp_path, Overwritten(None), torch.randn(3, 4)))


def test_changed_modules(tmp_path):
    hooked = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    hooked[0].register_forward_hook(lambda module, args, output: output * 2)
    hooked[1].register_full_backward_hook(lambda module, inputs, outputs: None)
    error = refused(tmp_path, hooked, torch.randn(3, 4))
    assert [path for path, _ in error.refusals] == ["0", "1"]
    assert all("hooks" in reason for _, reason in error.refusals)

    parametrized = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(4, 4)))
    assert "is parametrized" in str(refused(tmp_path, parametrized, torch.randn(3, 4)))

    replaced = nn.Sequential(nn.Linear(4, 4))
    replaced[0].forward = lambda x: x * 2
    assert "forward of its own" in str(refused(tmp_path, replaced, torch.randn(3, 4)))

    watched = nn.Linear(4, 4)
    watched.weight.register_hook(lambda gradient: gradient * 2)
    assert "hook" in str(refused(tmp_path, watched, torch.randn(3, 4)))


def test_hooks_of_all_modules(tmp_path):
    handle = nn.modules.module.register_module_forward_hook(lambda module, args, output: None)
    try:
        assert "hooks of all modules" in str(refused(tmp_path, nn.Linear(4, 4), torch.randn(3, 4)))
    finally:
        handle.remove()


def test_a_subclass_is_what_its_forward_computes(tmp_path, nodes):
    class Scaled(nn.Linear):
        def forward(self, x):
            return super().forward(x) * 2

    found = nodes(nn.Sequential(Scaled(4, 2)), torch.randn(3, 4), torch.randn(3, 2), check=True)
    assert [node["type"] for node in found.values()] == ["Linear", "Scale"]


def test_all_refusals_come_at_once(tmp_path):
    model = nn.Sequential()
    model.add_module("a", nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular"))
    model.add_module("b", nn.Sequential(nn.BatchNorm2d(2, track_running_stats=False)))
    model.add_module("c", nn.LPPool2d(2, 2))
    error = refused(tmp_path, model, torch.randn(3, 1, 4, 4))
    assert [path for path, _ in error.refusals] == ["a", "b.0", "c"]


def test_a_fixed_number_of_samples(tmp_path):
    error = refused(tmp_path, Function(lambda self, x: x.view(3, 2, 2)), torch.randn(3, 4))
    assert "with another number of samples" in str(error)


def test_masks_other_than_the_causal_one(tmp_path):
    class Attention(nn.Module):
        def __init__(self, mask):
            super().__init__()
            self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
            self.register_buffer("mask", mask)

        def forward(self, x):
            return self.attention(x, x, x, attn_mask=self.mask, need_weights=False)[0]

    causal = torch.ones(5, 5).triu(1).bool()
    assert export(Attention(causal), torch.randn(2, 5, 4), torch.zeros(1), "MSELoss", tmp_path / "causal").names
    band = torch.ones(5, 5).triu(2).bool()
    assert "neither None nor the causal mask" in str(refused(tmp_path, Attention(band), torch.randn(2, 5, 4)))


def test_outputs_with_several_parts(tmp_path):
    error = refused(tmp_path, Function(lambda self, x: (x, x * 2)), torch.randn(3, 4))
    assert "has 2 parts; choose one with output=" in str(error)


def test_losses(tmp_path):
    model = nn.Linear(4, 2)
    assert "CosineEmbeddingLoss has no counterpart" in str(refused(tmp_path, model, torch.randn(3, 4), loss=nn.CosineEmbeddingLoss()))
    assert "reduction='none'" in str(refused(tmp_path, model, torch.randn(3, 4), loss=nn.MSELoss(reduction="none")))
    assert "possible are" in str(refused(tmp_path, model, torch.randn(3, 4), loss="HingeLoss"))

    class Own(nn.MSELoss):
        def forward(self, input, target):
            return 2 * super().forward(input, target)

    assert "Own has no counterpart" in str(refused(tmp_path, model, torch.randn(3, 4), loss=Own()))


def test_dropping_out_cannot_be_checked(tmp_path):
    model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5))
    assert "call eval()" in str(refused(tmp_path, model, torch.randn(3, 4), torch.randn(3, 4), check=True))


def test_inputs_with_different_numbers_of_samples(tmp_path):
    class Two(nn.Module):
        def forward(self, a, b):
            return a + b

    assert "same number of samples" in str(refused(tmp_path, Two(), (torch.randn(3, 4), torch.randn(2, 4))))

"""Writes ONNX files with PyTorch's two exporters, and beside each what ONNX Runtime computes with it.

    python tools/onnx/fixtures_torch.py FOLDER

needs torch, onnx, onnxscript, onnxruntime, safetensors. Each NAME.onnx gets NAME.safetensors with `input` and `output`.
"""

import sys
import warnings
from pathlib import Path

import numpy
import onnx
import onnxruntime
import torch
from safetensors.numpy import save_file
from torch import nn
from torch.nn import functional

warnings.filterwarnings("ignore")


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 3))

    def forward(self, x):
        return self.net(x)


class Activations(nn.Module):
    """All activations, one after the other, each on a linear layer's output."""

    LAYERS = [nn.LeakyReLU(0.2), nn.ELU(0.7), nn.SELU(), nn.Sigmoid(), nn.GELU(), nn.GELU(approximate="tanh"), nn.SiLU(),
              nn.Mish(), nn.Softplus(), nn.Hardsigmoid(), nn.Hardswish(), nn.ReLU6(), nn.Hardtanh(-0.5, 0.8),
              nn.LogSigmoid(), nn.Softsign(), nn.PReLU()]

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(5, 6)
        self.layers = nn.ModuleList(self.LAYERS)

    def forward(self, x):
        x = self.first(x)
        out = x
        for i, layer in enumerate(self.layers):
            out = out + layer(2 * x - 0.3 * (i % 3)) / (i + 2)
        return functional.log_softmax(out, dim=1)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(6)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = nn.Sequential(nn.Conv2d(6, 6, 3, padding=1, groups=2), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 6, 1))
        self.down = nn.AvgPool2d(2, ceil_mode=False)
        self.mean = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(6, 4)

    def forward(self, x):
        x = self.pool(torch.relu(self.bn1(self.conv1(x))))
        x = torch.relu(x + self.layer1(x))
        x = self.down(functional.pad(x, (1, 0, 2, 1), value=0.5))
        return self.fc(torch.flatten(self.mean(x), 1))


class Unet(nn.Module):
    """Transposed convolutions, upsampling, joins, squeeze-excite, slices."""

    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(2, 4, 3, stride=2, padding=1)
        self.up = nn.ConvTranspose2d(4, 4, 4, stride=2, padding=1)
        self.squeeze = nn.Conv2d(6, 2, 1)
        self.excite = nn.Conv2d(2, 6, 1)
        self.last = nn.Conv2d(6, 3, 3, padding=1)

    def forward(self, x):
        d = functional.hardswish(self.down(x))
        u = self.up(d)
        joined = torch.cat([u, functional.interpolate(d, scale_factor=2, mode="bilinear")[:, 1:3]], 1)
        gates = torch.sigmoid(self.excite(functional.silu(self.squeeze(joined.mean((2, 3), keepdim=True)))))
        a, b = (joined * gates).chunk(2, 1)
        y = torch.cat([functional.interpolate(a, size=(8, 8), mode="nearest"), b.amax(2, keepdim=True) + b], 1)
        return self.last(y)


class Norms(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3)
        self.group = nn.GroupNorm(3, 6)
        self.instance = nn.InstanceNorm2d(6, affine=True)
        self.layer = nn.LayerNorm(6)
        self.scale = nn.Parameter(torch.linspace(0.5, 1.5, 6).reshape(6, 1, 1))
        self.fc = nn.Linear(6, 2)

    def forward(self, x):
        x = self.instance(functional.gelu(self.group(self.conv(x)))) * self.scale
        x = self.layer(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return self.fc(x.mean((2, 3)))


class Transformer(nn.Module):
    """An encoder layer of PyTorch behind an embedding, whose attention moves the batch about."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(11, 8)
        self.encoder = nn.TransformerEncoderLayer(8, 2, 12, 0.0, batch_first=True, activation="gelu")
        self.fc = nn.Linear(8, 3)

    def forward(self, x):
        return self.fc(self.encoder(self.embedding(x)).mean(1))


class Gpt(nn.Module):
    """Causal attention, learned positions, a tied head."""

    def __init__(self):
        super().__init__()
        self.wte = nn.Embedding(9, 8)
        self.wpe = nn.Embedding(6, 8)
        self.norm = nn.LayerNorm(8)
        self.qkv = nn.Linear(8, 24)
        self.proj = nn.Linear(8, 8)
        self.last = nn.LayerNorm(8)

    def forward(self, x):
        h = self.wte(x) + self.wpe(torch.arange(6))
        q, k, v = self.qkv(self.norm(h)).split(8, 2)
        q, k, v = (t.view(t.shape[0], 6, 2, 4).transpose(1, 2) for t in (q, k, v))
        a = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        h = h + self.proj(a.transpose(1, 2).reshape(x.shape[0], 6, 8))
        return functional.linear(self.last(h)[:, -1], self.wte.weight)


class Vit(nn.Module):
    """Patches, a class token, positions."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, stride=4)
        self.token = nn.Parameter(torch.linspace(-1, 1, 8).reshape(1, 1, 8))
        self.positions = nn.Parameter(torch.linspace(0, 1, 40).reshape(1, 5, 8) ** 2)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.norm = nn.LayerNorm(8)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        p = self.patches(x).flatten(2).transpose(1, 2)
        h = torch.cat([self.token.expand(p.shape[0], -1, -1), p], 1) + self.positions
        n = self.norm(h)
        h = h + self.attention(n, n, n, need_weights=False)[0]
        return self.head(h[:, 0])


class Recurrent(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer
        self.fc = nn.Linear(8 if layer.bidirectional else 4, 2)

    def forward(self, x):
        return self.fc(self.layer(x)[0][:, -1])


MODELS = {
    "mlp": (Mlp, (3, 4)),
    "activations": (Activations, (5,)),
    "residual": (Residual, (3, 12, 12)),
    "unet": (Unet, (2, 8, 8)),
    "norms": (Norms, (3, 6, 6)),
    "transformer": (Transformer, (5, 11)),
    "gpt": (Gpt, (6, 9)),
    "vit": (Vit, (3, 8, 8)),
    "lstm": (lambda: Recurrent(nn.LSTM(5, 4, batch_first=True, bidirectional=True)), (3, 5)),
    "gru": (lambda: Recurrent(nn.GRU(5, 4, batch_first=True)), (3, 5)),
}
IDS = {"transformer", "gpt"}


def inputs(name, shape, count):
    if name in IDS:
        return torch.randint(0, shape[1], (count, shape[0]))
    return torch.randn(count, *shape)


def randomise(model):
    """No parameter or statistic at its first value, at which exporters merge equal ones."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
        for key, buffer in model.named_buffers():
            if "running" in key:
                buffer.add_(torch.rand_like(buffer))


def stripped(path):
    """Without what is said about where nodes come from, but for what an importer reads."""
    model = onnx.load(path)
    for node in model.graph.node:
        kept = [(p.key, p.value) for p in node.metadata_props
                if p.key.endswith(("name_scopes", "class_hierarchy", "rule_name"))]
        del node.metadata_props[:]
        for key, value in kept:
            node.metadata_props.add(key=key, value=value)
        node.doc_string = ""
    del model.graph.value_info[:]
    del model.graph.metadata_props[:]
    del model.metadata_props[:]
    for value in [*model.graph.input, *model.graph.output]:
        del value.metadata_props[:]
    for tensor in model.graph.initializer:
        del tensor.metadata_props[:]
    onnx.save(model, path)


def export(name, folder, newer, dynamic, optimize=True):
    torch.manual_seed(7)
    make, shape = MODELS[name]
    model = make().eval()
    randomise(model)
    exporter = ("new" if newer else "old") + ("" if dynamic else "1") + ("" if optimize else "plain")
    path = folder / f"{name}_{exporter}.onnx"
    example = inputs(name, shape, 3 if dynamic else 1)
    if newer:
        batch = ({0: torch.export.Dim("batch")},) if dynamic else None
        torch.onnx.export(model, (example,), path, dynamo=True, verbose=False, external_data=False,
                          dynamic_shapes=batch, input_names=["input"], optimize=optimize)
    else:
        axes = {"input": {0: "batch"}} if dynamic else None
        torch.onnx.export(model, (example,), path, dynamo=False, input_names=["input"], dynamic_axes=axes,
                          opset_version=17)
    stripped(path)
    x = inputs(name, shape, 2 if dynamic else 1)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    output = session.run(None, {session.get_inputs()[0].name: x.numpy()})[0]
    save_file({"input": x.numpy(), "output": numpy.ascontiguousarray(output)}, path.with_suffix(".safetensors"))


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    wanted = sys.argv[2:] or list(MODELS)
    for name in wanted:
        for newer in (True, False):
            for dynamic in (True, False):
                try:
                    export(name, folder, newer, dynamic)
                except Exception as e:  # a model that an exporter cannot write is no fixture
                    print(name, newer, dynamic, type(e).__name__, str(e)[:300], file=sys.stderr)
    if "residual" in wanted:
        export("residual", folder, True, True, optimize=False)


if __name__ == "__main__":
    main()

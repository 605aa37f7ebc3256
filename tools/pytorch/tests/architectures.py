"""Small networks built as well-known architectures are. Batch norms are in eval mode."""

import torch
import torch.nn.functional as F
from torch import nn


class BasicBlock(nn.Module):
    def __init__(self, channels, out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.downsample = None
        if stride != 1 or channels != out:
            self.downsample = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += identity
        return self.relu(out)


class Bottleneck(nn.Module):
    def __init__(self, channels, width, stride):
        super().__init__()
        out = 4 * width
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.downsample = nn.Identity()
        if stride != 1 or channels != out:
            self.downsample = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        return F.relu(self.bn3(self.conv3(y)) + self.downsample(x))


class ResNet(nn.Module):
    def __init__(self, block, counts, width=8):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        layers, channels = [], width
        for stage, count in enumerate(counts):
            blocks = []
            for index in range(count):
                size = width * 2**stage
                blocks.append(block(channels, size, 2 if index == 0 and stage else 1))
                channels = 4 * size if block is Bottleneck else size
            layers.append(nn.Sequential(*blocks))
        self.layers = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(channels, 10)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return self.fc(torch.flatten(self.avgpool(self.layers(x)), 1))


def vgg11():
    layers, channels = [], 3
    for size in (8, "M", 16, "M", 32, 32, "M", 32, 32, "M", 32, 32, "M"):
        if size == "M":
            layers.append(nn.MaxPool2d(2, 2))
        else:
            layers += [nn.Conv2d(channels, size, 3, padding=1), nn.ReLU(inplace=True)]
            channels = size
    head = [nn.Flatten(), nn.Linear(32, 24), nn.ReLU(True), nn.Dropout(), nn.Linear(24, 10)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), *head)


class DenseLayer(nn.Module):
    def __init__(self, channels, growth):
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(channels), nn.Conv2d(channels, 2 * growth, 1, bias=False)
        self.norm2, self.conv2 = nn.BatchNorm2d(2 * growth), nn.Conv2d(2 * growth, growth, 3, padding=1, bias=False)

    def forward(self, features):
        x = torch.cat(features, 1)
        return self.conv2(F.relu(self.norm2(self.conv1(F.relu(self.norm1(x))))))


class DenseNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.one = nn.ModuleList([DenseLayer(8 + 4 * i, 4) for i in range(3)])
        self.transition = nn.Sequential(nn.BatchNorm2d(20), nn.ReLU(inplace=True), nn.Conv2d(20, 10, 1, bias=False), nn.AvgPool2d(2, 2))
        self.two = nn.ModuleList([DenseLayer(10 + 4 * i, 4) for i in range(3)])
        self.norm = nn.BatchNorm2d(22)
        self.classifier = nn.Linear(22, 10)

    def forward(self, x):
        x = self._block(self.one, self.stem(x))
        x = self._block(self.two, self.transition(x))
        x = F.adaptive_avg_pool2d(F.relu(self.norm(x)), (1, 1))
        return self.classifier(torch.flatten(x, 1))

    @staticmethod
    def _block(layers, x):
        features = [x]
        for layer in layers:
            features.append(layer(features))
        return torch.cat(features, 1)


class SqueezeExcite(nn.Module):
    def __init__(self, channels, squeezed, activation, gate):
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1, self.fc2 = nn.Conv2d(channels, squeezed, 1), nn.Conv2d(squeezed, channels, 1)
        self.activation, self.gate = activation, gate

    def forward(self, x):
        return self.gate(self.fc2(self.activation(self.fc1(self.avgpool(x))))) * x


class Inverted(nn.Module):
    """The block of MobileNetV3 and of EfficientNet."""

    def __init__(self, channels, expanded, out, kernel, stride, activation, gate, squeeze_activation):
        super().__init__()
        self.expand = nn.Sequential(nn.Conv2d(channels, expanded, 1, bias=False), nn.BatchNorm2d(expanded), activation())
        depthwise = nn.Conv2d(expanded, expanded, kernel, stride, kernel // 2, groups=expanded, bias=False)
        self.depthwise = nn.Sequential(depthwise, nn.BatchNorm2d(expanded), activation())
        self.se = SqueezeExcite(expanded, 4, squeeze_activation(), gate())
        self.project = nn.Sequential(nn.Conv2d(expanded, out, 1, bias=False), nn.BatchNorm2d(out))
        self.residual = stride == 1 and channels == out

    def forward(self, x):
        y = self.project(self.se(self.depthwise(self.expand(x))))
        return x + y if self.residual else y


def inverted_network(activation, gate, squeeze_activation):
    block = lambda *sizes: Inverted(*sizes, activation, gate, squeeze_activation)  # noqa: E731
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), activation(), block(8, 16, 8, 3, 1), block(8, 24, 12, 5, 2), block(12, 24, 12, 3, 1),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 16), activation(), nn.Dropout(0.2), nn.Linear(16, 10),
    )  # fmt: skip


class LayerNorm2d(nn.LayerNorm):
    def forward(self, x):
        x = x.permute(0, 2, 3, 1)
        return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps).permute(0, 3, 1, 2)


class ConvNeXtBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.dwconv = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.pwconv1, self.act, self.pwconv2 = nn.Linear(channels, 4 * channels), nn.GELU(), nn.Linear(4 * channels, channels)
        self.layer_scale = nn.Parameter(torch.full((channels, 1, 1), 0.5))

    def forward(self, x):
        y = self.norm(self.dwconv(x).permute(0, 2, 3, 1))
        y = self.pwconv2(self.act(self.pwconv1(y))).permute(0, 3, 1, 2)
        return x + self.layer_scale * y


class ConvNeXt(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 4, 4), LayerNorm2d(8, eps=1e-6))
        self.stages = nn.Sequential(ConvNeXtBlock(8), LayerNorm2d(8, eps=1e-6), nn.Conv2d(8, 16, 2, 2), ConvNeXtBlock(16))
        self.head = nn.Sequential(nn.LayerNorm(16, eps=1e-6), nn.Linear(16, 10))

    def forward(self, x):
        return self.head(self.stages(self.stem(x)).mean([-2, -1]))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down1, self.down2, self.bottom = self._pair(1, 4), self._pair(4, 8), self._pair(8, 16)
        self.up2, self.right2 = nn.ConvTranspose2d(16, 8, 2, 2), self._pair(16, 8)
        self.up1, self.right1 = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True), self._pair(12, 4)
        self.out = nn.Conv2d(4, 3, 1)

    @staticmethod
    def _pair(channels, out):
        norm = nn.BatchNorm2d(out)
        return nn.Sequential(nn.Conv2d(channels, out, 3, padding=1, bias=False), norm, nn.ReLU(inplace=True), nn.Conv2d(out, out, 3, padding=1), nn.ReLU())

    def forward(self, x):
        one = self.down1(x)
        two = self.down2(F.max_pool2d(one, 2))
        y = self.bottom(F.max_pool2d(two, 2))
        y = self.right2(torch.cat([two, self.up2(y)], dim=1))
        y = self.right1(torch.cat([one, self.up1(y)], dim=1))
        return F.interpolate(self.out(y), size=x.shape[-2:], mode="nearest")


class Attention(nn.Module):
    def __init__(self, size, heads, causal):
        super().__init__()
        self.qkv, self.proj = nn.Linear(size, 3 * size), nn.Linear(size, size)
        self.heads, self.causal = heads, causal

    def forward(self, x):
        n, t, d = x.shape
        q, k, v = (part.view(n, t, self.heads, d // self.heads).transpose(1, 2) for part in self.qkv(x).chunk(3, dim=-1))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.proj(y.transpose(1, 2).reshape(n, t, d))


class TransformerBlock(nn.Module):
    def __init__(self, size, heads, causal=False):
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(size), Attention(size, heads, causal)
        self.norm2, self.mlp = nn.LayerNorm(size), nn.Sequential(nn.Linear(size, 2 * size), nn.GELU(), nn.Linear(2 * size, size))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    def __init__(self, size=8):
        super().__init__()
        self.patches = nn.Conv2d(3, size, 4, 4)
        self.class_token = nn.Parameter(torch.zeros(1, 1, size))
        self.position = nn.Parameter(torch.zeros(1, 5, size))
        self.blocks = nn.Sequential(TransformerBlock(size, 2), TransformerBlock(size, 2))
        self.norm, self.head = nn.LayerNorm(size), nn.Linear(size, 10)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_token.expand(x.shape[0], -1, -1), x], dim=1) + self.position
        return self.head(self.norm(self.blocks(x))[:, 0])


class GPT(nn.Module):
    def __init__(self, words=13, size=8, length=6):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(words, size), nn.Embedding(length, size)
        self.blocks = nn.Sequential(TransformerBlock(size, 2, True), TransformerBlock(size, 2, True))
        self.norm, self.head = nn.LayerNorm(size), nn.Linear(size, words, bias=False)
        self.head.weight = self.wte.weight

    def forward(self, ids):
        x = self.wte(ids) + self.wpe(torch.arange(ids.shape[1]))
        return self.head(self.norm(self.blocks(x)))


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(13, 5)
        self.lstm = nn.LSTM(5, 6, batch_first=True, bidirectional=True)
        self.tags = nn.Linear(12, 4)

    def forward(self, ids):
        return self.tags(self.lstm(self.words(ids))[0])


def encoder():
    layer = nn.TransformerEncoderLayer(8, 2, 16, 0.0, activation="gelu", batch_first=True)
    return nn.Sequential(nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.Flatten(), nn.Linear(40, 3))


def autoencoder():
    down = [nn.Conv2d(1, 4, 3, 2, 1), nn.SiLU(), nn.Conv2d(4, 8, 3, 2, 1), nn.SiLU(), nn.Flatten(), nn.Linear(32, 6)]
    up = [nn.Linear(6, 32), nn.SiLU(), nn.Unflatten(1, (8, 2, 2)), nn.ConvTranspose2d(8, 4, 4, 2, 1), nn.SiLU(), nn.ConvTranspose2d(4, 1, 4, 2, 1)]
    return nn.Sequential(*down, *up)


def dense_autoencoder():
    return nn.Sequential(nn.Linear(12, 8), nn.Tanh(), nn.Linear(8, 3), nn.Tanh(), nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 12))


def multi_label():
    return nn.Sequential(nn.Linear(9, 16), nn.BatchNorm1d(16), nn.LeakyReLU(0.1), nn.Linear(16, 5))


# name: (model, shape of one sample, number of ids or 0, loss, axis of classes)
ARCHITECTURES = {
    "resnet18": (lambda: ResNet(BasicBlock, (2, 2, 2, 2)), (3, 32, 32), 0, "CrossEntropyLoss", None),
    "resnet50": (lambda: ResNet(Bottleneck, (3, 4, 6, 3), 4), (3, 32, 32), 0, "CrossEntropyLoss", None),
    "vgg11": (vgg11, (3, 32, 32), 0, "CrossEntropyLoss", None),
    "densenet": (DenseNet, (3, 8, 8), 0, "CrossEntropyLoss", None),
    "mobilenet_v3": (lambda: inverted_network(nn.Hardswish, nn.Hardsigmoid, nn.ReLU), (3, 12, 12), 0, "CrossEntropyLoss", None),
    "efficientnet": (lambda: inverted_network(nn.SiLU, nn.Sigmoid, nn.SiLU), (3, 12, 12), 0, "CrossEntropyLoss(label_smoothing=0.1)", None),
    "convnext": (ConvNeXt, (3, 16, 16), 0, "CrossEntropyLoss", None),
    "unet": (UNet, (1, 8, 8), 0, "CrossEntropyLoss", None),
    "vit": (ViT, (3, 8, 8), 0, "CrossEntropyLoss", None),
    "gpt": (GPT, (6,), 13, "CrossEntropyLoss", -1),
    "lstm_tagger": (Tagger, (6,), 13, "CrossEntropyLoss", -1),
    "encoder": (encoder, (5, 8), 0, "CrossEntropyLoss", None),
    "autoencoder": (autoencoder, (1, 8, 8), 0, "MSELoss", None),
    "dense_autoencoder": (dense_autoencoder, (12,), 0, "MSELoss(reduction=sum)", None),
    "multi_label": (multi_label, (9,), 0, "BCEWithLogitsLoss", None),
}

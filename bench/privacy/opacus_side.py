"""What PrivateDigits.java does, by Opacus: the same network, split, clipping, noise, sampling rate and number of steps.

Prints a line of JSON per seed and route: `hooks` keeps gradients of single samples, `ghost` takes their norms first and walks back twice.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
import warnings
from pathlib import Path

warnings.simplefilter("ignore")

import numpy as np  # noqa: E402
import torch  # noqa: E402
from opacus import PrivacyEngine  # noqa: E402
from torch import nn  # noqa: E402

DIGITS = Path(__file__).resolve().parents[2] / "cli/src/main/resources/io/backpack4j/cli/mnist"
TRAINED = 5000


def network(name: str) -> nn.Module:
    if name == "mlp":
        return nn.Sequential(nn.Flatten(), nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 10))
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 10))


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    def read(name: str, header: int) -> np.ndarray:
        return np.frombuffer(gzip.decompress((DIGITS / name).read_bytes()), np.uint8, offset=header)

    labels = torch.from_numpy(read("labels-idx1-ubyte.gz", 8).astype(np.int64))
    pixels = read("images-idx3-ubyte.gz", 16).astype(np.float32).reshape(len(labels), 1, 28, 28)
    return torch.from_numpy((pixels / 255 - 0.1307) / 0.3081), labels


def run(arguments: argparse.Namespace, route: str, seed: int) -> dict:
    torch.manual_seed(seed)
    images, labels = digits()
    data = torch.utils.data.TensorDataset(images[:TRAINED], labels[:TRAINED])
    loader = torch.utils.data.DataLoader(data, batch_size=arguments.batch, shuffle=True)
    model, criterion = network(arguments.network), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=arguments.rate)
    engine = PrivacyEngine(accountant="prv")
    made = engine.make_private(
        module=model, optimizer=optimizer, data_loader=loader, criterion=criterion, poisson_sampling=True,
        noise_multiplier=arguments.noise, max_grad_norm=arguments.norm, grad_sample_mode=route)
    model, optimizer, criterion, loader = (made[0], made[1], made[2], made[3]) if len(made) == 4 else (
        made[0], made[1], criterion, made[2])
    # The loader's rate is one over the number of batches, ours the expected batch over the number of samples.
    loader.batch_sampler.sample_rate = arguments.batch / TRAINED
    optimizer.expected_batch_size = arguments.batch
    steps, begin = 0, time.perf_counter()
    while steps < arguments.steps:
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            optimizer.step()
            steps += 1
            if steps == arguments.steps:
                break
    seconds = time.perf_counter() - begin
    with torch.no_grad():
        accuracy = (model(images[TRAINED:]).argmax(1) == labels[TRAINED:]).float().mean().item()
    rates = sorted({entry[1] for entry in engine.accountant.history})
    return {"side": f"opacus {route}", "seed": seed, "accuracy": round(accuracy, 4), "ms_per_step": round(1000 * seconds / steps, 3),
            "steps": steps, "accounted_rates": rates}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", choices=("mlp", "lenet"), default="lenet")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--rate", type=float, default=0.5)
    parser.add_argument("--norm", type=float, default=1)
    parser.add_argument("--noise", type=float, required=True)
    parser.add_argument("--delta", type=float, default=1e-5)
    parser.add_argument("--routes", default="hooks,ghost")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    from opacus.accountants import PRVAccountant

    accountant = PRVAccountant()
    accountant.history = [(arguments.noise, arguments.batch / TRAINED, arguments.steps)]
    print(json.dumps({"epsilon_by_opacus": round(accountant.get_epsilon(arguments.delta, eps_error=0.001), 4)}), flush=True)
    for route in arguments.routes.split(","):
        for seed in range(arguments.first, arguments.first + arguments.seeds):
            print(json.dumps(run(arguments, route, seed)), flush=True)


if __name__ == "__main__":
    main()

"""Numbers by a formula of their place, the same in Java: see "Numbers without files" in docs/guide/from-pytorch.md."""

import math

import torch

_MASK = (1 << 64) - 1


def _mixed(z):
    """SplitMix64's finaliser (Steele, Lea, Flood 2014)."""
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def stream(name):
    """A name's FNV-1a hash of 64 bits, in UTF-8."""
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) & _MASK
    return value


def uniform(name, count):
    """Numbers from -1 to 1."""
    start = stream(name)
    bits = (_mixed((start + 0x9E3779B97F4A7C15 * (i + 1)) & _MASK) for i in range(count))
    return torch.tensor([(value >> 11) * 2.0**-52 - 1 for value in bits], dtype=torch.float64)


def tensor(name, shape):
    """A parameter or buffer of a name in the file."""
    numbers = uniform(name, math.prod(shape)).reshape(shape)
    kind = name.rsplit(".", 1)[-1]
    if kind == "running_var" or (kind == "weight" and len(shape) == 1):
        return 1 + numbers / 4
    if len(shape) < 2:
        return numbers / 10
    return numbers * math.sqrt(6 / math.prod(shape[1:]))


def integers(name, shape, below):
    return ((uniform(name, math.prod(shape)) + 1) / 2 * below).floor().long().reshape(shape)

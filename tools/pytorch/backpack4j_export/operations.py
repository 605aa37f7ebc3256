"""All functions, methods and operators of torch that become nodes."""

from . import arithmetic, axes, layers
from .registry import METADATA, OPERATIONS

__all__ = ["METADATA", "OPERATIONS", "arithmetic", "axes", "layers"]

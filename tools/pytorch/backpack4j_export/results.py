"""Results of `backpack evaluate` in Python."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from safetensors import safe_open


@dataclass(frozen=True)
class Results:
    """Tensors by parameter and quantity: `results["fc.weight"]["grad"]`. `network` has those of the whole network, such as `loss`."""

    parameters: dict = field(default_factory=dict)
    network: dict = field(default_factory=dict)

    def __getitem__(self, parameter):
        return self.parameters[parameter]

    def __iter__(self):
        return iter(self.parameters)

    def __len__(self):
        return len(self.parameters)


def import_results(path, data=None):
    """Reads a result file. With the data file that was exported, parameters have their names in the state dict."""
    names = {}
    if data is not None:
        with safe_open(Path(data), "pt") as file:
            names = json.loads((file.metadata() or {}).get("names", "{}"))
    results = Results()
    with safe_open(Path(path), "pt") as file:
        for name in file.keys():
            parameter, slash, quantity = name.partition("/")
            if not slash:
                results.network[name] = file.get_tensor(name)
            elif parameter == "*":
                results.network[quantity] = file.get_tensor(name)
            else:
                results.parameters.setdefault(names.get(parameter, parameter), {})[quantity] = file.get_tensor(name)
    return results

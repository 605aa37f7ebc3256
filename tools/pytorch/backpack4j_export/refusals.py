"""How the exporter says no."""


class Refusal(Exception):
    """Something at one place has no counterpart."""


class ExportError(Exception):
    """A model cannot be exported. `refusals` has every reason as a pair (module path, reason); the path of the model itself is empty."""

    def __init__(self, refusals):
        self.refusals = list(dict.fromkeys(refusals))
        lines = [f"  {path or 'the model'}: {reason}" for path, reason in self.refusals]
        super().__init__("The model cannot be exported:\n" + "\n".join(lines))

"""Writes PyTorch models as files of backpack4j, and reads its results.

`export` writes a model and a batch, `import_results` reads what `backpack evaluate` computed. What has no counterpart is refused by an
`ExportError` that lists every such place: nothing wrong is written in silence.
"""

from .exporting import Exported, export
from .refusals import ExportError
from .results import Results, import_results

__all__ = ["ExportError", "Exported", "Results", "export", "import_results"]

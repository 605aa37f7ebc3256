"""The report of bench/duel architectures, from cells that are written down here."""

import json
import tempfile
import unittest
from pathlib import Path

import architectures

SETTINGS = {"date": "2020-01-01", "threads": 2, "machine": "Linux", "load": "quiet"}
OURS = {"gradient_ms": {"median": 50.0}, "pass_ms": {"median": 75.0}}


class Report(unittest.TestCase):
    def test_cells_stand_where_they_belong(self) -> None:
        cells = {("unet", "gradient"): {"median_ms": 100.0}, ("unet", "opacus"): {"failed": "no such layer"}, ("unet", "Variance"): OURS,
                 ("gpt2", "KFAC(parameters=[*.h.*])"): OURS}
        lines = architectures.report(SETTINGS, cells).splitlines()
        peers, ours = [line for line in lines if line.startswith("| unet |")]
        self.assertEqual(peers, "| unet | 8 | 100 | – | – | * | – | – |")
        self.assertEqual(ours, "| unet | 50.0 (0.50) | – | – | 75.0 (0.75) | – | – | – |")
        self.assertIn("| gpt2 | 50.0 | – | – | – | – | 75.0 | – |", lines)
        self.assertIn("- unet, Opacus, ghost norms: no such layer", lines)

    def test_a_run_goes_on_with_what_was_finished(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "cells.jsonl"
            path.write_text("\n".join(json.dumps(line) for line in (SETTINGS, {"cell": ["unet", "gradient"], "found": {"median_ms": 1.0}})))
            self.assertEqual(architectures.read(path), (SETTINGS, {("unet", "gradient"): {"median_ms": 1.0}}))
            self.assertEqual(architectures.read(Path(folder) / "none"), ({}, {}))


if __name__ == "__main__":
    unittest.main()

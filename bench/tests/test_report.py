import json
import tempfile
import unittest
from pathlib import Path
from xml.etree import ElementTree

import cells
import picture
import report

HEAD = {"date": "2026-01-02", "machine": {"processor": "P", "processors": 2, "memory_gib": 8, "system": "S"},
        "versions": {"backpack4j": "O", "java": "17", "torch": "2", "backpack-for-pytorch": "1", "python": "3"},
        "ceiling": {"gemm_gflops": 100.0, "median_gflops": 90.0}, "settings": {"threads": 2, "rounds": 3, "seconds": 1.0, "limit": 60.0}}


def one(passes: float, gradient: float, peak: float = 150) -> dict:
    return {"pass_ms": {"median": passes, "min": passes - 1, "max": passes + 5}, "gradient_ms": {"median": gradient, "min": gradient, "max": gradient},
            "peak_rss_mib": peak, "idle_rss_mib": 100}


CELLS = [
    {"problem": "3c3d", "batch": 128, "set": "Variance", "extensions": ["Variance"], "contenders": {
        "backpack4j": {"rounds": [one(80, 40), one(60, 40), one(70, 41)]},
        "backpack": {"rounds": [one(700, 100, 900)]}, "backpack_kept_pages": {"rounds": [one(350, 90)]}}},
    {"problem": "3c3d", "batch": 128, "set": "BatchGrad", "extensions": ["BatchGrad"], "contenders": {
        "backpack4j": {"rounds": [one(90, 40)]}, "backpack": {"rounds": [], "failed": "out of memory"},
        "backpack_kept_pages": {"rounds": [], "failed": "out of memory"}}},
]


class ReportTest(unittest.TestCase):
    def setUp(self):
        self.gradient, self.batch_grad, self.variance = report.rows(HEAD, CELLS)

    def test_median_and_range_are_of_the_rounds(self):
        ours = self.variance.ours
        self.assertEqual((ours.median, ours.low, ours.high, ours.least, ours.gradient, ours.memory), (70, 60, 80, 59, 40, 50))
        self.assertEqual(ours.ratio, 1.75)
        self.assertEqual(self.variance.default.memory, 800)

    def test_ratios_rates_and_floor(self):
        self.assertEqual((self.variance.ratio("default"), self.variance.ratio("kept")), (0.1, 0.2))
        self.assertAlmostEqual(self.variance.rate(self.variance.ours) / 100, self.variance.floor / 70)
        self.assertEqual((self.gradient.name, self.gradient.ours.median, self.gradient.default.median), ("gradient", 40, 100))

    def test_short_table_takes_the_better_malloc(self):
        table = report.short([self.gradient, self.batch_grad, self.variance])
        self.assertIn("| Variance | 70.0 / 350 (0.20) |", table)
        self.assertIn("| BatchGrad | 90.0 / out of memory |", table)

    def test_detailed_lines_have_all_columns(self):
        lines = [line for line in report.page(HEAD, [self.gradient, self.batch_grad, self.variance], "x.svg").splitlines() if line.startswith("|")]
        self.assertEqual([line.count("|") for line in lines], [16] * 5 + [9] * 5)
        self.assertIn("| 70.0 (60.0–80.0) | 700 (700–700) | 350 (350–350) | 0.10 | 0.20 |", lines[4])
        floor = self.variance.floor
        self.assertIn(f"| Variance | 59.0 | 699 | 349 | 0.08 | 0.17 | {report.number(floor)} | {report.number(59 / floor, True)} |", lines[-1])

    def test_one_version_stands_alone_and_several_with_what_they_did(self):
        rows = report.rows(HEAD, CELLS)
        self.assertIn("float32; O on Java", report.setting(HEAD, rows))
        self.assertNotIn("several versions", report.page(HEAD, rows, "x.svg"))
        later = report.rows(HEAD, [{**CELLS[0], "version": "O2"}, CELLS[1], {**CELLS[0], "problem": "mlp", "version": "O2"}])
        self.assertIn("float32; O, O2 on Java", report.setting(HEAD, later))
        self.assertIn("\n- O: 3C3D (BatchGrad)\n- O2: 3C3D (Variance), MLP 784-100-10\n\n", report.page(HEAD, later, "x.svg"))

    def test_json_is_plain(self):
        values = json.loads(json.dumps(self.variance.to_json()))
        self.assertEqual((values["ours"]["times_own_gradient"], values["ours_by_default"]), (1.75, 0.1))
        self.assertEqual(self.batch_grad.to_json()["failures"]["backpack"], "out of memory")

    def test_picture_is_well_formed(self):
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "times.svg")
            picture.draw([self.gradient, self.batch_grad, self.variance], "test", path)
            self.assertTrue(ElementTree.parse(path).getroot().tag.endswith("svg"))

    def test_marked_section_is_replaced(self):
        text = "a\n<!-- duel:begin -->\nold\n<!-- duel:end -->\nb\n"
        self.assertEqual(report.fill(text, "new"), "a\n<!-- duel:begin -->\nnew\n<!-- duel:end -->\nb\n")
        self.assertRaises(SystemExit, report.fill, "no marks", "new")


class CellsTest(unittest.TestCase):
    def test_resume_keeps_cells_and_drops_a_line_that_was_cut(self):
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "cells.jsonl")
            settings = cells.Settings(2)
            head = HEAD | {"settings": {"threads": 2, "rounds": 3, "seconds": 1.0, "limit": 60.0}}
            path.write_text(json.dumps(head) + "\n" + json.dumps(CELLS[0]) + '\n{"problem": "3c')
            cells.run(path, [("3c3d", "Variance")], settings, True, self.fail)
            self.assertEqual(cells.read(path), (head, CELLS[:1]))
            with self.assertRaises(SystemExit):
                cells.run(path, [], cells.Settings(1), True, self.fail)

    def test_repetitions_fill_the_time(self):
        settings = cells.Settings(2, seconds=1)
        self.assertEqual([settings.repetitions(ms) for ms in (0.1, 50, 9000)], [1000, 20, 2])


if __name__ == "__main__":
    unittest.main()

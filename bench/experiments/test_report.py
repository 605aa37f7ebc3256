"""Tables and pictures of made-up results."""

import unittest

from contenders import EXPERIMENTS
from curves import COLOURS, draw, quartiles as bands, ticks
from report import quartiles, reaching, report, times_report


def runs(*losses_of_seeds):
    return [[{"steps": 10 * (i + 1), "loss": loss, "held-out_accuracy": 0.5} for i, loss in enumerate(losses)] for losses in losses_of_seeds]


class Tables(unittest.TestCase):
    def test_quartiles_need_three_values(self):
        self.assertEqual(quartiles([2, 1]), "1.5")
        self.assertEqual(quartiles([1, 2, 3, 4, 5]), "3 (2 to 4)")
        self.assertEqual(quartiles([]), "–")

    def test_long_numbers_have_no_exponents(self):
        self.assertEqual(quartiles([2741.2], 3), "2741")
        self.assertEqual(quartiles([0.00255312], 3), "0.00255")

    def test_the_first_stretch_that_is_as_good_counts(self):
        rows = runs([3, None, 1, 2])[0]
        self.assertEqual(reaching(rows, 2)["steps"], 30)
        self.assertIsNone(reaching(rows, 0.5))

    def test_a_goal_is_that_of_the_same_seed(self):
        results = [
            {"name": "Momentum", "optimizer": "m", "runs": runs([4, 3], [4, 1])},
            {"name": "Adam", "optimizer": "a", "runs": runs([3, 2], [3, 1])},
            {"name": "KFAC", "optimizer": "k", "runs": runs([1, 1], [2, 2])},
        ]
        times = {"Momentum": {"of_momentum": 1}, "Adam": {"of_momentum": 2}, "KFAC": {"of_momentum": 3}}
        lines = report("mlp", EXPERIMENTS["mlp"], results, times).splitlines()
        cells = {line.split(" | ")[0][2:]: line[:-2].split(" | ")[-2:] for line in lines if line.startswith("| ")}
        self.assertEqual(cells["Momentum"], ["20", "20"])
        # Seed 0 is there after 10 steps, seed 1 after 20, each of which takes two of Momentum's.
        self.assertEqual(cells["Adam"], ["15", "30"])
        self.assertEqual(cells["KFAC"], ["not reached", "–"])

    def test_runs_that_failed_are_left_out(self):
        results = [
            {"name": "Momentum", "optimizer": "m", "runs": runs([4, 3]) + [[]]},
            {"name": "Adam", "optimizer": "a", "runs": [[]] + runs([4, 3])},
        ]
        self.assertIn("| Adam | `a` | – |", report("mlp", EXPERIMENTS["mlp"], results, {}))
        self.assertIn("</svg>", draw(results, {}))

    def test_times_alone_have_a_table(self):
        self.assertIn("| KFAC | 12 | 6 |", times_report("3c3d", EXPERIMENTS["3c3d"], {"KFAC": {"ms": 12, "of_momentum": 6}}))


class Pictures(unittest.TestCase):
    def test_labels_are_round_numbers_within_the_axis(self):
        self.assertEqual(ticks(0, 200, False), [0, 50, 100, 150, 200])
        self.assertEqual(ticks(3, 90, True), [5, 10, 20, 50])

    def test_a_band_holds_the_middle(self):
        for low, middle, high in bands(runs([1, 2], [2, 9], [6, 3]), "loss"):
            self.assertTrue(low <= middle <= high)

    def test_every_optimiser_has_a_colour(self):
        names = {contender.name for experiment in EXPERIMENTS.values() for contender in experiment.contenders}
        self.assertLessEqual(names, set(COLOURS))


if __name__ == "__main__":
    unittest.main()

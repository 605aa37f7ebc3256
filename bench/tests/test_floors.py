import unittest

import floors
from cells import SETS
from networks import PROBLEMS, build, weights


def milliseconds(problem: str, name: str, product: float = 350, square: float = 260, symmetric: float = 370) -> float:
    counted = floors.operations(PROBLEMS[problem], [] if name == "gradient" else SETS[name])
    return (counted.product / product + counted.square / square + counted.symmetric / symmetric) / 1e6


class NetworksTest(unittest.TestCase):
    def test_known_numbers_of_parameters(self):
        for name, expected in {"logreg": 7850, "2c2d": 3274634, "3c3d": 895210, "allcnnc": 1387108, "mlp": 79510}.items():
            with self.subTest(name):
                self.assertEqual(sum(w.outputs * (w.inputs + 1) for w in weights(PROBLEMS[name])), expected)
                self.assertEqual(sum(p.numel() for p in build(PROBLEMS[name]).parameters()), expected)

    def test_positions_are_those_of_pytorch(self):
        import torch

        for name, problem in PROBLEMS.items():
            with self.subTest(name):
                found = []
                model = build(problem)
                for module in model:
                    if hasattr(module, "weight"):
                        module.register_forward_hook(lambda _, __, output: found.append(output[0, 0].numel()))
                self.assertEqual(model(torch.randn(2, *problem.sample)).shape, (2, problem.classes))
                self.assertEqual([w.positions for w in weights(problem)], found)


class FloorsTest(unittest.TestCase):
    def test_linear_layer_by_hand(self):
        # 512 samples, 784 -> 10, no backward-data: two products of 2 * 512 * 784 * 10.
        product = 2 * 512 * 784 * 10
        self.assertEqual(floors.operations(PROBLEMS["logreg"], []).total(), 2 * product)
        self.assertEqual(floors.operations(PROBLEMS["logreg"], ["BatchL2Grad"]).total(), 2 * product)
        self.assertEqual(floors.operations(PROBLEMS["logreg"], ["Variance"]).total(), 3 * product)
        self.assertEqual(floors.operations(PROBLEMS["logreg"], ["DiagGGNExact"]).total(), (2 + 9) * product)
        self.assertEqual(floors.operations(PROBLEMS["logreg"], ["KFAC"]).total(), 2 * product + 2 * 512 * (784**2 + 10**2))

    def test_floors_that_were_counted_before(self):
        # Counted by hand at 350 GFLOP/s for products, 260 for fused squares, 370 for symmetric updates.
        known = {("2c2d", "SumGradSquared"): 43, ("2c2d", "Variance"): 43, ("2c2d", "DiagGGNMC"): 53, ("2c2d", "DiagGGNExact"): 234,
                 ("2c2d", "DiagHessian"): 234, ("3c3d", "Cheap6"): 130, ("allcnnc", "gradient"): 150, ("allcnnc", "DiagGGNMC"): 264,
                 ("allcnnc", "KFAC"): 580, ("allcnnc", "Cheap6"): 715}
        for (problem, name), expected in known.items():
            with self.subTest(problem=problem, name=name):
                self.assertAlmostEqual(milliseconds(problem, name) / expected, 1, delta=0.015)

    def test_sets_share(self):
        for problem in PROBLEMS.values():
            single = sum(floors.operations(problem, [name]).total() for name in SETS["Cheap6"])
            self.assertLess(floors.operations(problem, SETS["Cheap6"]).total(), single)
            self.assertEqual(floors.operations(problem, SETS["first-order all"]), floors.operations(problem, ["Variance"]))

    def test_no_count_no_floor(self):
        self.assertIsNone(floors.operations(PROBLEMS["2c2d"], ["KFRA"]))


if __name__ == "__main__":
    unittest.main()

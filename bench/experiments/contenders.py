"""What is compared: experiments, and the optimisers of each with grids of their options."""

from dataclasses import dataclass
from itertools import product


@dataclass(frozen=True)
class Contender:
    """An optimiser with a grid of options, of which the best is chosen, and how many stretches it trains."""

    name: str
    template: str
    grid: dict
    stretches: int
    # Steps after which its work repeats: a single step tells nothing of the others then.
    period: int = 1

    def expressions(self):
        for values in product(*self.grid.values()):
            yield self.template.format(**dict(zip(self.grid, values)))


@dataclass(frozen=True)
class Experiment:
    """A network, what it trains on, and who trains it; a stretch is the steps between two evaluations."""

    model: str
    data: tuple
    batch: int
    every: int
    contenders: tuple

    def is_random(self):
        return self.data[0] == "random"


DIGITS = ("digits",)
FASHION = ("fashion-mnist", "fashion-mnist-test")


def first_order(stretches, momentum, adam):
    return (
        Contender("Momentum", "SGD(lr={lr},momentum=0.9)", {"lr": momentum}, stretches),
        Contender("Adam", "Adam(lr={lr})", {"lr": adam}, stretches),
    )


def preconditioned(names, stretches, rates, dampings):
    template = "PreconditionedGradient(curvature=%s,lr={lr},damping={damping})"
    return tuple(Contender(n, template % n, {"lr": rates, "damping": dampings}, stretches) for n in names)


def averaged(stretches, period, lr, damping, norm_constraint, momentum, more=""):
    template = "KFAC(lr={lr},damping={damping},norm_constraint={most},momentum={momentum}%s)" % more
    grid = {"lr": lr, "damping": damping, "most": norm_constraint, "momentum": momentum}
    return (Contender("KFAC averaged", template, grid, stretches, period),)


RARE = ",curvature_ema=0.5,curvature=KFLR,curvature_update_period=10,inverse_update_period=50"
SELDOM = ",curvature_update_period=5,inverse_update_period=25"
EXPERIMENTS = {
    "logreg": Experiment(
        "logreg",
        DIGITS,
        128,
        10,
        first_order(20, (0.01, 0.03, 0.1, 0.3), (0.001, 0.003, 0.01, 0.03))
        # Many pixels are dark in nearly all images: their diagonal is next to nothing, and damping is what divides.
        + preconditioned(("DiagGGNExact", "DiagGGNMC"), 20, (0.01, 0.03, 0.1, 0.3), (0.1, 1))
        + preconditioned(("KFAC", "KFLR", "KFRA"), 20, (0.03, 0.1, 0.3), (0.01, 0.1)),
    ),
    "2c2d": Experiment(
        "2c2d",
        FASHION,
        128,
        20,
        first_order(12, (0.01, 0.03, 0.1), (0.0003, 0.001, 0.003))
        + preconditioned(("DiagGGNExact",), 4, (0.01, 0.03), (0.1,))
        + preconditioned(("DiagGGNMC",), 12, (0.003, 0.01, 0.03), (0.1,))
        # Inverses of a matrix of 3,136 rows in every step.
        + preconditioned(("KFAC",), 4, (0.1, 0.3, 1), (0.1,))
        + preconditioned(("KFLR",), 4, (0.1, 0.3), (0.1,))
        + averaged(12, 25, (0.03, 0.1), (0.03,), (0.01,), (0.9,), SELDOM),
    ),
    "mlp": Experiment(
        "mlp",
        DIGITS,
        512,
        10,
        first_order(20, (0.003, 0.01, 0.03, 0.1, 0.2, 0.3), (0.001, 0.003, 0.01))
        + preconditioned(("DiagGGNExact", "DiagGGNMC"), 20, (0.01, 0.03, 0.1, 0.3), (0.1,))
        + preconditioned(("KFAC", "KFLR", "KFRA"), 20, (0.1, 0.3), (0.01, 0.1))
        + averaged(20, 50, (0.04, 0.05), (0.005,), (0.01, 0.015), (0.6, 0.65), RARE),
    ),
    # Of the paper's other networks only the times of steps: there are no pictures of CIFAR here.
    "3c3d": Experiment(
        "3c3d",
        ("random", "3,32,32,10"),
        128,
        1,
        first_order(1, (0.01,), (0.001,))
        + preconditioned(("DiagGGNExact", "DiagGGNMC", "KFAC", "KFLR"), 1, (0.001,), (1,))
        + averaged(1, 25, (0.01,), (0.1,), (0.001,), (0.9,), SELDOM),
    ),
    "allcnnc": Experiment(
        "allcnnc",
        ("random", "3,32,32,100"),
        32,
        1,
        first_order(1, (0.01,), (0.001,))
        + preconditioned(("DiagGGNMC", "KFAC"), 1, (0.001,), (1,))
        + averaged(1, 25, (0.01,), (0.1,), (0.001,), (0.9,), SELDOM),
    ),
}

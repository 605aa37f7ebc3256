"""Tables of what was measured, in Markdown."""

import statistics


def number(value, digits):
    return f"{value:.0f}" if abs(value) >= 10**digits else f"{value:.{digits}g}"


def quartiles(values, digits=4):
    """Median, and the quartiles where there are enough values."""
    if not values:
        return "–"
    middle = statistics.median(values)
    if len(values) < 3:
        return number(middle, digits)
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return f"{number(middle, digits)} ({number(low, digits)} to {number(high, digits)})"


def reaching(rows, loss):
    """The first stretch whose loss is no more than that of another."""
    return next((row for row in rows if row["loss"] is not None and row["loss"] <= loss), None)


def seeds(results):
    return min((len(result["runs"]) for result in results), default=0)


def report(name, experiment, results, times):
    lines = [
        f"# {name}: batches of {experiment.batch}, {seeds(results)} seeds",
        "",
        f"Losses are means over {experiment.every} steps. Medians over seeds, quartiles in brackets. The last three columns: how long a step takes beside Momentum's, in how many steps an optimiser reaches the loss that Momentum ends with from the same seed, and how long that takes, counted in Momentum's steps.",
        "",
        "| optimiser | best of its grid | steps | training loss | held-out accuracy | a step, of Momentum's | steps to Momentum's loss | time to it |",
        "|---|---|---|---|---|---|---|---|",
    ]
    # Of the same seed: its last stretch holds the same samples.
    goals = [run[-1]["loss"] if run else None for result in results if result["name"] == "Momentum" for run in result["runs"]]
    for result in results:
        pairs = [(run, goal) for run, goal in zip(result["runs"], goals) if run and run[-1]["loss"] is not None and goal is not None]
        runs = [run for run, _ in pairs]
        momentum = result["name"] == "Momentum"
        there = [run[-1] if momentum else reaching(run, goal) for run, goal in pairs]
        reached = bool(there) and all(there)
        step = times.get(result["name"], {}).get("of_momentum")
        cells = [
            result["name"],
            "`%s`" % result["optimizer"],
            str(runs[0][-1]["steps"]) if runs else "–",
            quartiles([run[-1]["loss"] for run in runs]),
            quartiles([run[-1]["held-out_accuracy"] for run in runs]),
            f"{step:.3g}" if step else "–",
            quartiles([row["steps"] for row in there]) if reached else "not reached",
            quartiles([row["steps"] * step for row in there], 3) if reached and step else "–",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def times_report(name, experiment, times):
    lines = [
        f"# {name}: times of steps, batches of {experiment.batch}",
        "",
        "| optimiser | ms per step | of Momentum's |",
        "|---|---|---|",
    ]
    lines += [f"| {optimizer} | {of['ms']:.4g} | {of['of_momentum']:.3g} |" for optimizer, of in times.items()]
    return "\n".join(lines) + "\n"

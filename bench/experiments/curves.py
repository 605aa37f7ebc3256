"""A picture of learning curves: training loss and held-out accuracy against steps and time, median and quartiles of the seeds."""

import math
import statistics

COLOURS = {
    "Momentum": "#4477aa",
    "Adam": "#ee6677",
    "DiagGGNExact": "#228833",
    "DiagGGNMC": "#aa8800",
    "KFAC": "#0099bb",
    "KFLR": "#aa3377",
    "KFRA": "#777777",
    "KFAC averaged": "#000000",
}
WIDTH, HEIGHT, LEFT, TOP, GAP, LEGEND = 430, 270, 70, 34, 96, 34


def quartiles(runs, key):
    """Low, middle and high of all seeds, stretch by stretch."""
    for values in zip(*[[row[key] for row in run] for run in runs]):
        if all(value is not None for value in values):
            low, middle, high = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
            yield low, middle, high


def ticks(low, high, logarithmic):
    """Round numbers from low to high: about five, or 1, 2 and 5 times powers of ten."""
    if logarithmic:
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        factors = (1, 2, 5) if high / low < 300 else (1,)
        found = [factor * 10.0**power for power in powers for factor in factors]
    else:
        size = 10 ** math.floor(math.log10((high - low) / 4))
        step = next(size * factor for factor in (1, 2, 5, 10) if (high - low) / (size * factor) <= 6)
        found = [step * i for i in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return [value for value in found if low <= value * (1 + 1e-9) and value <= high * (1 + 1e-9)]


class Axis:
    """Places numbers on a length."""

    def __init__(self, low, high, length, logarithmic):
        self.low, self.high, self.logarithmic = low, high if high > low else low * 2 or 1, logarithmic
        self._length = length

    def at(self, value):
        value = min(max(value, self.low), self.high)
        if self.logarithmic:
            return self._length * math.log(value / self.low) / math.log(self.high / self.low)
        return self._length * (value - self.low) / (self.high - self.low)

    def ticks(self):
        return ticks(self.low, self.high, self.logarithmic)


def series(results, times, by_time, key):
    """Per optimiser its colour, and x with low, middle and high of every stretch."""
    for result in results:
        scale = times.get(result["name"], {}).get("of_momentum") if by_time else 1
        runs = [run for run in result["runs"] if run]
        if runs and scale:
            steps = [row["steps"] * scale for row in runs[0]]
            yield COLOURS[result["name"]], list(zip(steps, quartiles(runs, key)))


def panel(lines, titles, logarithmic, left, top):
    """One picture: a frame with labels, a band from quartile to quartile, the median as a line."""
    points = [(x, y) for _, line in lines for x, (_, y, _) in line]
    lowest, highest = min(y for _, y in points), max(y for _, y in points)
    if logarithmic[1]:
        # What diverges does not push the others together.
        highest = min(highest, max(line[0][1][1] for _, line in lines))
    else:
        lowest = max(lowest, statistics.median(line[0][1][1] for _, line in lines) - 0.1)
        highest += 0.02 * (highest - lowest)
    low_x = min(x for x, _ in points) if logarithmic[0] else 0
    across = Axis(low_x, max(x for x, _ in points), WIDTH, logarithmic[0])
    up = Axis(lowest, highest, HEIGHT, logarithmic[1])

    def place(x, y):
        return f"{left + across.at(x):.1f},{top + HEIGHT - up.at(y):.1f}"

    parts = [f'<rect x="{left}" y="{top}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#999"/>']
    for value in up.ticks():
        y = top + HEIGHT - up.at(value)
        parts.append(f'<path d="M{left} {y:.1f}h{WIDTH}" stroke="#e4e4e4"/>')
        parts.append(f'<text x="{left - 7}" y="{y + 4:.1f}" text-anchor="end">{value:.3g}</text>')
    for value in across.ticks():
        x = left + across.at(value)
        parts.append(f'<path d="M{x:.1f} {top}v{HEIGHT}" stroke="#e4e4e4"/>')
        parts.append(f'<text x="{x:.1f}" y="{top + HEIGHT + 18}" text-anchor="middle">{value:g}</text>')
    parts.append(f'<text x="{left + WIDTH / 2}" y="{top - 10}" text-anchor="middle" font-weight="bold">{titles[1]}</text>')
    parts.append(f'<text x="{left + WIDTH / 2}" y="{top + HEIGHT + 38}" text-anchor="middle">{titles[0]}</text>')
    for colour, line in lines:
        band = [place(x, low) for x, (low, _, _) in line] + [place(x, high) for x, (_, _, high) in reversed(line)]
        parts.append(f'<polygon points="{" ".join(band)}" fill="{colour}" fill-opacity="0.15"/>')
    for colour, line in lines:
        middle = " ".join(place(x, y) for x, (_, y, _) in line)
        parts.append(f'<polyline points="{middle}" fill="none" stroke="{colour}" stroke-width="2"/>')
    return "\n".join(parts)


def draw(results, times):
    """The picture as SVG: loss above accuracy, against steps and time; without times one beside the other, against steps."""
    whats = (("loss", "training loss", True), ("held-out_accuracy", "held-out accuracy", False))
    acrosses = [(False, "steps")] + ([(True, "time, in steps of Momentum")] if times else [])
    panels = [(what, across) for what in whats for across in acrosses]
    width, rows = 2 * (WIDTH + LEFT) + 30, len(panels) // 2
    height = rows * (HEIGHT + GAP) + LEGEND
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="13">']
    parts.append('<rect width="100%" height="100%" fill="white"/>')
    for index, result in enumerate(results):
        x = LEFT + index % 4 * (width - LEFT) / 4
        y = height - LEGEND + 20 * (index // 4) - 4
        colour = COLOURS[result["name"]]
        parts.append(f'<path d="M{x:.0f} {y - 4}h22" stroke="{colour}" stroke-width="3"/>')
        parts.append(f'<text x="{x + 28:.0f}" y="{y}">{result["name"]}</text>')
    for index, ((key, title, logarithmic), (by_time, across)) in enumerate(panels):
        lines = list(series(results, times, by_time, key))
        left, top = LEFT + index % 2 * (WIDTH + LEFT), TOP + index // 2 * (HEIGHT + GAP)
        parts.append(panel(lines, (across, title), (by_time, logarithmic), left, top))
    return "\n".join(parts + ["</svg>\n"])

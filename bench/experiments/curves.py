"""A picture of learning curves: training loss and held-out accuracy against steps and seconds, the median of the seeds."""

import math
import statistics

COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#777777", "#000000")
WIDTH, HEIGHT, MARGIN = 420, 260, 60


def medians(runs, key):
    """The values of all seeds, epoch by epoch, as one."""
    return [statistics.median(values) for values in zip(*[[row[key] for row in run] for run in runs])]


def panel(results, across, up, logarithmic, left, top):
    series = []
    for index, result in enumerate(results):
        runs = [run for run in result["runs"] if run and up in run[0]]
        if not runs:
            continue
        points = [
            (x, math.log10(y) if logarithmic else y)
            for x, y in zip(medians(runs, across), medians(runs, up))
            if math.isfinite(y) and (y > 0 or not logarithmic)
        ]
        series.append((COLOURS[index % len(COLOURS)], points))
    all_points = [point for _, points in series for point in points]
    if not all_points:
        return ""
    right = max(x for x, _ in all_points) or 1
    low, high = min(y for _, y in all_points), max(y for _, y in all_points)
    if logarithmic:
        high = min(high, low + 4)
    span = (high - low) or 1

    def place(x, y):
        return f"{left + WIDTH * x / right:.1f},{top + HEIGHT * (1 - (min(y, high) - low) / span):.1f}"

    def label(y):
        return f"{10 ** y if logarithmic else y:.3g}"

    parts = [f'<rect x="{left}" y="{top}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#999"/>']
    for part in range(5):
        y = low + span * part / 4
        height = top + HEIGHT * (1 - part / 4)
        parts.append(f'<text x="{left - 6}" y="{height + 4:.1f}" text-anchor="end">{label(y)}</text>')
        parts.append(f'<text x="{left + WIDTH * part / 4:.1f}" y="{top + HEIGHT + 16}" text-anchor="middle">{right * part / 4:.3g}</text>')
    what = "training loss" if up == "loss" else "held-out accuracy"
    parts.append(f'<text x="{left + WIDTH / 2}" y="{top + HEIGHT + 34}" text-anchor="middle">{what} against {across}</text>')
    for colour, points in series:
        line = " ".join(place(x, y) for x, y in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
    return "\n".join(parts)


def draw(results):
    columns = [MARGIN, 2 * MARGIN + WIDTH + 20]
    rows = [20, 20 + HEIGHT + MARGIN]
    width, height = 3 * MARGIN + 2 * WIDTH, 2 * (HEIGHT + MARGIN) + 60
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="11">']
    parts.append('<rect width="100%" height="100%" fill="white"/>')
    for row, (up, logarithmic) in zip(rows, (("loss", True), ("held-out_accuracy", False))):
        for column, across in zip(columns, ("steps", "seconds")):
            parts.append(panel(results, across, up, logarithmic, column, row))
    for index, result in enumerate(results):
        x = MARGIN + index * (width - 2 * MARGIN) / len(results)
        parts.append(f'<text x="{x:.0f}" y="{height - 20}" fill="{COLOURS[index % len(COLOURS)]}">{result["name"]}</text>')
    return "\n".join(parts + ["</svg>\n"])

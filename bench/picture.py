"""The picture of a duel: bars of time per pass, floors as marks."""

from __future__ import annotations

from pathlib import Path

from report import TITLES, Row

COLOURS = {"ours": "#1b6ca8", "default": "#d9822b", "kept": "#f0c48a"}
LABELS = {"ours": "backpack4j", "default": "BackPACK", "kept": "BackPACK, pages kept"}


def draw(table: list[Row], subtitle: str, path: Path) -> None:
    """A panel per problem, time on a logarithmic axis."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "duel"
    from matplotlib import pyplot

    problems = list(dict.fromkeys(row.problem for row in table))
    columns = min(2, len(problems))
    lines = -(-len(problems) // columns)
    most = max(sum(row.problem == problem for row in table) for problem in problems)
    figure, axes = pyplot.subplots(lines, columns, figsize=(6.5 * columns, lines * (1.4 + 0.42 * most)), squeeze=False, layout="constrained")
    for axis, problem in zip(axes.flat, problems):
        _panel(axis, [row for row in table if row.problem == problem])
    for axis in axes.flat[len(problems):]:
        axis.set_visible(False)
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4, frameon=False)
    figure.supxlabel(subtitle, fontsize=8, color="#555555")
    figure.savefig(path, dpi=110, metadata={"Date": None} if path.suffix == ".svg" else None)
    pyplot.close(figure)


def _panel(axis, table: list[Row]) -> None:
    places = range(len(table))
    for offset, (key, colour) in zip((-0.27, 0, 0.27), COLOURS.items()):
        found = [(place + offset, getattr(row, key)) for place, row in zip(places, table) if getattr(row, key)]
        errors = [[value.median - value.low for _, value in found], [value.high - value.median for _, value in found]]
        axis.barh([place for place, _ in found], [value.median for _, value in found], height=0.26, color=colour, label=LABELS[key],
                  xerr=errors, error_kw={"linewidth": 0.8, "ecolor": "#444444"})
    floors = [(place, row.floor) for place, row in zip(places, table) if row.floor]
    axis.vlines([floor for _, floor in floors], [place - 0.42 for place, _ in floors], [place + 0.42 for place, _ in floors],
                color="black", linewidth=1.6, label="floor")
    for place, row in zip(places, table):
        if row.default is None and row.ours:
            reason = next(iter(row.failures.values()), "")
            axis.text(row.ours.median, place + 0.27, f" BackPACK: {reason}", fontsize=7, va="center", ha="right", color=COLOURS["default"])
    axis.set_xscale("log")
    axis.set_yticks(list(places), [row.name for row in table])
    axis.invert_yaxis()
    axis.set_title(f"{TITLES[table[0].problem]}, N={table[0].batch}, ms per pass", fontsize=10)
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(axis="x", alpha=0.3)
    axis.set_axisbelow(True)

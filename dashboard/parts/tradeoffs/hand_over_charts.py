"""The chart of how many rows each technique may keep, and how many of them it then hits: frames in, a chart out."""

import altair as alt
import polars as pl

from dashboard.shared.chart_style import FAMILY_COLOURS, GREY, Chart, sized


def curves(lines: pl.DataFrame, promised: pl.DataFrame, wish: float, within: float) -> Chart:
    """Share of hits among kept test rows against the share that is kept, a line with its band for each technique; a
    dot where the wished hit rate puts the limit.

    `lines`: worker.evaluation.hand_over.CURVE with label. `promised`: label, share, realised (0 to 1), a line for each
    technique that can promise the wish.
    """
    labels = lines["label"].unique(maintain_order=True).to_list()
    palette = list(FAMILY_COLOURS.values())
    colour = alt.Color(
        "label:N",
        scale=alt.Scale(domain=labels, range=[palette[place % len(palette)] for place in range(len(labels))]),
        legend=alt.Legend(title=None, orient="top", labelLimit=300, columns=3, symbolType="stroke", symbolOpacity=1),
    )
    # Colours come round again; a dash tells the second technique of a colour from the first.
    dash = alt.StrokeDash(
        "label:N",
        scale=alt.Scale(
            domain=labels, range=[[1, 0] if place < len(palette) else [6, 3] for place in range(len(labels))]
        ),
        legend=None,
    )
    x = alt.X("share:Q", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(title="Rows kept, the surest first", format="%"))
    y = alt.Y("realised:Q", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(title=f"Within ±{within:.0%}", format="%"))
    tooltip = [
        alt.Tooltip("label:N", title="Technique"),
        alt.Tooltip("share:Q", title="Rows kept", format=".0%"),
        alt.Tooltip("n:Q", title="Test rows kept", format=","),
        alt.Tooltip("realised:Q", title="Did hit", format=".0%"),
        alt.Tooltip("low:Q", title="Interval from", format=".0%"),
        alt.Tooltip("high:Q", title="to", format=".0%"),
        alt.Tooltip("expected:Q", title="Expected to hit", format=".0%"),
    ]
    base = alt.Chart(lines)
    bands = (
        alt.Chart(lines.drop_nulls(["low", "high"]))
        .mark_area(opacity=0.1)
        .encode(x=x, y=alt.Y("low:Q"), y2="high:Q", color=colour)
    )
    through = base.mark_line(strokeWidth=2).encode(x=x, y=y, color=colour, strokeDash=dash)
    hover = base.mark_point(size=90, filled=True, opacity=0).encode(x=x, y=y, color=colour, tooltip=tooltip)
    wished = (
        alt.Chart(pl.DataFrame({"realised": [wish]})).mark_rule(color=GREY, strokeDash=[5, 4], strokeWidth=1.5)
    ).encode(y=y)
    dots = (
        alt.Chart(promised)
        .mark_point(size=140, filled=True, opacity=1)
        .encode(x=x, y=y, color=colour, tooltip=[*tooltip[:2], tooltip[3]])
    )
    return sized(alt.layer(bands, wished, through, hover, dots), height=380)

"""Line plots as SVG, readable on a light and on a dark page."""

import html

WIDTH, HEIGHT = 640, 320
LEFT, RIGHT, TOP, BOTTOM = 64, 150, 40, 48
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")


def _nice_top(value):
    """A round number that is not below `value`."""
    magnitude = 1.0
    while magnitude * 10 <= value:
        magnitude *= 10
    while magnitude > value:
        magnitude /= 10
    return next(step * magnitude for step in (1, 2, 2.5, 4, 5, 8, 10) if step * magnitude >= value)


def _number(value):
    return f"{value:g}" if value < 1e5 else f"{value / 1000:g}k"


def line_plot(title, x_label, y_label, ticks, series):
    """An SVG document. `ticks` are the x values' names, evenly spaced; `series` is name to values, None where there is none."""
    top = _nice_top(max((value for values in series.values() for value in values if value is not None), default=1))
    inner_width, inner_height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def x(index):
        return LEFT + inner_width * (index / max(len(ticks) - 1, 1))

    def y(value):
        return TOP + inner_height * (1 - value / top)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12"',
        'fill="#777">',
        f'<text x="{LEFT}" y="20" font-size="14">{html.escape(title)}</text>',
    ]
    for step in range(5):
        value = top * step / 4
        ends = f'x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"'
        parts.append(f'<line {ends} stroke="#999" stroke-opacity="0.4"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{_number(value)}</text>')
    for index, tick in enumerate(ticks):
        parts.append(f'<text x="{x(index):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{html.escape(str(tick))}</text>')
    parts.append(f'<text x="{LEFT + inner_width / 2}" y="{HEIGHT - 10}" text-anchor="middle">{html.escape(x_label)}</text>')
    middle = TOP + inner_height / 2
    parts.append(f'<text transform="translate(16 {middle}) rotate(-90)" text-anchor="middle">{html.escape(y_label)}</text>')
    for number, (name, values) in enumerate(series.items()):
        parts += _line(name, [(x(i), y(value)) for i, value in enumerate(values) if value is not None], number)
    return "\n".join(parts + ["</svg>", ""])


def _line(name, points, number):
    colour = COLOURS[number % len(COLOURS)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    for x, y in points:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'
    y = TOP + 16 + 20 * number
    yield f'<rect x="{WIDTH - RIGHT + 12}" y="{y - 9}" width="10" height="10" fill="{colour}"/>'
    yield f'<text x="{WIDTH - RIGHT + 28}" y="{y}">{html.escape(name)}</text>'

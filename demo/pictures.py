"""The picture in the demo's posts: a week's tide, added up from cosines as the tide board does, drawn with Pillow."""

import io
import math

from PIL import Image, ImageDraw

PAPER, INK, ACCENT, LINE = "#fbf8f2", "#24211d", "#2b47b4", "#ddd5c6"
SIZE = (1360, 620)
# Drawn larger and scaled down, which smooths the edges.
SCALE = 2
MARGIN_X, MARGIN_TOP, MARGIN_BOTTOM = 60, 60, 90
# Amplitude in metres, speed in degrees an hour (M2, S2, N2, K1, O1), phase in degrees.
CONSTITUENTS = ((1.7, 28.984, 200), (0.85, 30.0, 278), (0.2, 28.44, 150), (0.11, 15.041, 80), (0.09, 13.943, 310))
HOURS = 7 * 24
HIGHEST = 3.0


def tide_curve() -> bytes:
    """A PNG: seven days of tide at Port Wenlow, a thin line a day, and the dot that is now."""
    image = Image.new("RGB", (SIZE[0] * SCALE, SIZE[1] * SCALE), PAPER)
    draw = ImageDraw.Draw(image)
    for day in range(8):
        x = _x(day * 24)
        draw.line((x, MARGIN_TOP * SCALE, x, (SIZE[1] - MARGIN_BOTTOM) * SCALE), fill=LINE, width=2 * SCALE)
    draw.line((_x(0), _y(0), _x(HOURS), _y(0)), fill=LINE, width=2 * SCALE)
    points = [(_x(h / 10), _y(height(h / 10))) for h in range(HOURS * 10 + 1)]
    draw.line(points, fill=INK, width=5 * SCALE, joint="curve")
    moment = 61.0
    _dot(draw, _x(moment), _y(height(moment)), 15 * SCALE)
    for day, name in enumerate("Mon Tue Wed Thu Fri Sat Sun".split()):
        draw.text((_x(day * 24 + 12), (SIZE[1] - 50) * SCALE), name, fill=INK, anchor="mm", font_size=28 * SCALE)
    buffer = io.BytesIO()
    smooth = image.resize(SIZE, Image.Resampling.LANCZOS)
    smooth.quantize(32, method=Image.Quantize.MAXCOVERAGE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def height(hours: float) -> float:
    """Metres above the mean level, `hours` after the week began."""
    return sum(a * math.cos(math.radians(speed * hours - phase)) for a, speed, phase in CONSTITUENTS)


def _x(hours: float) -> float:
    return (MARGIN_X + hours / HOURS * (SIZE[0] - 2 * MARGIN_X)) * SCALE


def _y(metres: float) -> float:
    room = SIZE[1] - MARGIN_TOP - MARGIN_BOTTOM
    return (MARGIN_TOP + room * (0.5 - metres / HIGHEST / 2)) * SCALE


def _dot(draw: ImageDraw.ImageDraw, x: float, y: float, radius: float) -> None:
    ring = radius + 6 * SCALE
    draw.ellipse((x - ring, y - ring, x + ring, y + ring), fill=PAPER)
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=ACCENT)


PICTURES = {"tide-curve.png": tide_curve}

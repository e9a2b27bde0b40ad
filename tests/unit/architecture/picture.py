"""Draws docs/architecture.svg: the rooms of bridge/ on their floors, and who imports whom.

The floors come from the import contract in pyproject.toml, the arrows from the imports themselves.
`python -m tests.unit.architecture.picture` writes the file.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[3]
SVG = ROOT / "docs" / "architecture.svg"

_WIDTH, _FLOOR, _BOX_W, _BOX_H, _TOP = 900, 86, 170, 38, 24
_COLOURS = ("#2b6cb0", "#b7791f", "#2f855a", "#9b2c2c", "#6b46c1", "#00798c", "#805ad5", "#4a5568")


def floors() -> list[list[str]]:
    """The rooms of each floor, from the top; the loose files that all may import are the last."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    [contract] = [x for x in contracts if x["type"] == "layers"]
    named = [[room.strip() for room in floor.split("|")] for floor in contract["layers"]]
    return [*named, list(contract["exhaustive_ignores"])]


def arrows() -> list[tuple[str, str]]:
    """(importing room, imported room), each pair once, in alphabetical order."""
    graph = grimp.build_graph("bridge", cache_dir=None)
    rooms = {room for floor in floors() for room in floor}
    found = set()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            pair = _room(module), _room(imported)
            if pair[0] != pair[1] and rooms.issuperset(pair):
                found.add(pair)
    return sorted(found)


def drawn() -> str:
    """The picture as SVG text; the same imports give the same text."""
    places = {
        room: (int((place + 1) * _WIDTH / (len(floor) + 1)), _TOP + level * _FLOOR)
        for level, floor in enumerate(floors())
        for place, room in enumerate(floor)
    }
    height = _TOP + len(floors()) * _FLOOR
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}"'
        ' font-family="sans-serif" font-size="14" role="img">',
        "<title>The rooms of bridge/ and their imports</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    order = list(places)
    for source, target in arrows():
        colour = _COLOURS[order.index(source) % len(_COLOURS)]
        parts.append(_arrow(places[source], places[target], colour, f"{source} imports {target}"))
    for room, (x, y) in places.items():
        colour = _COLOURS[order.index(room) % len(_COLOURS)]
        parts.append(
            f'<rect x="{x - _BOX_W // 2}" y="{y}" width="{_BOX_W}" height="{_BOX_H}" rx="5"'
            f' fill="#ffffff" stroke="{colour}" stroke-width="2"/>'
        )
        parts.append(f'<text x="{x}" y="{y + 24}" text-anchor="middle">{_label(room)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _arrow(source: tuple[int, int], target: tuple[int, int], colour: str, title: str) -> str:
    """From the bottom of one box to the top of the other, bent away from the boxes between."""
    (x1, y1), (x2, y2) = (source[0], source[1] + _BOX_H), target
    floors_between = (y2 - y1) // _FLOOR
    # Rooms in the middle of the picture would hide a straight line.
    bend = floors_between * 45 * (-1 if (y1 // _FLOOR) % 2 else 1)
    c1, c2 = (x1 + bend, y1 + (y2 - y1) // 3), (x2 + bend, y2 - (y2 - y1) // 3)
    path = f"M{x1},{y1} C{c1[0]},{c1[1]} {c2[0]},{c2[1]} {x2},{y2 - 5}"
    head = f"M{x2 - 4},{y2 - 8} L{x2},{y2} L{x2 + 4},{y2 - 8} Z"
    return (
        f'<g stroke="{colour}" opacity="0.55"><title>{title}</title>'
        f'<path d="{path}" fill="none"/><path d="{head}" fill="{colour}"/></g>'
    )


def _label(room: str) -> str:
    return f"{room}/" if (ROOT / "bridge" / room).is_dir() else f"{room}.py"


def _room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


if __name__ == "__main__":
    SVG.write_text(drawn(), encoding="utf-8")

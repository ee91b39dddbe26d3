"""Where the service map's boxes and arrows go: callers left of what they call, as coordinates for an SVG.

The usual way of drawing layers (Sugiyama, Tagawa and Toda, 1981): each node gets a column, an arrow that passes a
column gets a free place in it, and each column is sorted by where its arrows come from.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from workshop.console.service_map import Edge, Node, ServiceMap

BOX_WIDTH, BOX_HEIGHT = 240, 104
LABEL_WIDTH, LABEL_HEIGHT = 168, 58
COLUMN, ROW = 450, 150
MARGIN = 20

# A place in a column: a node's key, or the number of the edge that passes by.
Place = str | int
Point = tuple[float, float]
STEPS = 24  # points that stand for a curve


@dataclass(slots=True)
class Box:
    """A node and its upper left corner."""

    node: Node
    x: float
    y: float


@dataclass(slots=True)
class Arrow:
    """An edge, its path (SVG's `d`) and points on it, and where its label's middle stands."""

    edge: Edge
    path: str
    points: list[Point]
    x: float
    y: float
    hot: bool


@dataclass(slots=True)
class Drawing:
    """The whole picture."""

    width: float
    height: float
    boxes: list[Box]
    arrows: list[Arrow]


def draw(found: ServiceMap) -> Drawing:
    """Lays the map out in columns; every caller stands left of its callees, but for those that call back."""
    depth = _depths(found.nodes, [(edge.parent, edge.child) for edge in found.edges])
    columns = _columns(found, depth)
    height = max((len(column) for column in columns), default=0) * ROW + 2 * MARGIN
    middle: dict[tuple[int, Place], float] = {}
    for number, column in enumerate(columns):
        space = (height - 2 * MARGIN) / len(column)
        for place, key in enumerate(column):
            middle[number, key] = round(MARGIN + space * (place + 0.5), 1)
    boxes = {
        key: Box(node, MARGIN + depth[key] * COLUMN, middle[depth[key], key] - BOX_HEIGHT / 2)
        for key, node in found.nodes.items()
    }
    arrows = [_arrow(number, edge, boxes, depth, middle) for number, edge in enumerate(found.edges)]
    _place_labels(arrows, list(boxes.values()))
    width = max(len(columns) - 1, 0) * COLUMN + BOX_WIDTH + 2 * MARGIN
    return Drawing(width, height, list(boxes.values()), arrows)


def _arrow(
    number: int, edge: Edge, boxes: dict[str, Box], depth: dict[str, int], middle: dict[tuple[int, Place], float]
) -> Arrow:
    start, end = boxes[edge.parent], boxes[edge.child]
    hot = end.node.hot and end.node.kind != "service"
    first, last = depth[edge.parent], depth[edge.child]
    if first >= last:
        return _arrow_back(edge, start, end, hot)
    x, y = start.x + BOX_WIDTH, start.y + BOX_HEIGHT / 2
    path = f"M{x},{y}"
    points: list[Point] = []
    for column in range(first + 1, last):
        left, level = MARGIN + column * COLUMN, middle[column, number]
        path += f"{_curve(x, y, left, level)} H{left + BOX_WIDTH}"
        points += _bezier((x, y), (left, level)) + [(left + BOX_WIDTH * step / STEPS, level) for step in range(STEPS)]
        x, y = left + BOX_WIDTH, level
    path += _curve(x, y, end.x - 4, end.y + BOX_HEIGHT / 2)
    points += _bezier((x, y), (end.x - 4, end.y + BOX_HEIGHT / 2))
    return Arrow(edge, path, points, *points[len(points) // 2], hot)


def _curve(x1: float, y1: float, x2: float, y2: float) -> str:
    bend = (x1 + x2) / 2
    return f" C{bend},{y1} {bend},{y2} {x2},{y2}"


def _bezier(start: Point, end: Point) -> list[Point]:
    """Points on `_curve`, from its start to its end."""
    (x1, y1), (x2, y2) = start, end
    bend = (x1 + x2) / 2
    parts = [step / STEPS for step in range(STEPS + 1)]
    return [
        (
            x1 * (1 - t) ** 3 + 3 * bend * t * (1 - t) + x2 * t**3,
            y1 * ((1 - t) ** 3 + 3 * t * (1 - t) ** 2) + y2 * (3 * t**2 * (1 - t) + t**3),
        )
        for t in parts
    ]


def _arrow_back(edge: Edge, start: Box, end: Box, hot: bool) -> Arrow:
    """An arrow to a node in the same column or left of it, below both."""
    x1, x2 = start.x + BOX_WIDTH / 2, end.x + BOX_WIDTH / 2
    low = max(start.y, end.y) + BOX_HEIGHT + 40
    path = f"M{x1},{start.y + BOX_HEIGHT} C{x1},{low} {x2},{low} {x2},{end.y + BOX_HEIGHT + 4}"
    label = (x1 + x2) / 2, low - 10
    return Arrow(edge, path, [label], *label, hot)


def _place_labels(arrows: list[Arrow], boxes: list[Box]) -> None:
    """Moves each label along its arrow to where it covers least: no box, no other label, few lines of others."""
    taken = [(box.x + BOX_WIDTH / 2, box.y + BOX_HEIGHT / 2, BOX_WIDTH, BOX_HEIGHT) for box in boxes]
    for arrow in sorted(arrows, key=lambda each: not each.hot):
        others = [point for other in arrows if other is not arrow for point in other.points]
        half = len(arrow.points) / 2

        def cost(place: int, arrow: Arrow = arrow, others: list[Point] = others, half: float = half) -> float:
            x, y = arrow.points[place]
            covered = sum(abs(x - a) < LABEL_WIDTH / 2 and abs(y - b) < LABEL_HEIGHT / 2 for a, b in others)
            hidden = sum(
                abs(x - a) < (LABEL_WIDTH + width) / 2 and abs(y - b) < (LABEL_HEIGHT + height) / 2
                for a, b, width, height in taken
            )
            return 1000 * hidden + 10 * covered + abs(place - half) / half

        arrow.x, arrow.y = arrow.points[min(range(len(arrow.points)), key=cost)]
        taken.append((arrow.x, arrow.y, LABEL_WIDTH, LABEL_HEIGHT))


def _columns(found: ServiceMap, depth: dict[str, int]) -> list[list[Place]]:
    """Who stands in which column; in each, near the callers."""
    columns: list[list[Place]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    callers: dict[tuple[int, Place], list[tuple[int, Place]]] = {}
    for key in sorted(found.nodes, key=lambda key: (found.nodes[key].kind == "service", key)):
        columns[depth[key]].append(key)
    for number, edge in enumerate(found.edges):
        first, last = depth[edge.parent], depth[edge.child]
        above: tuple[int, Place] = (first, edge.parent)
        for passed in range(first + 1, last):
            columns[passed].append(number)
            callers[passed, number] = [above]
            above = passed, number
        if first < last:
            callers.setdefault((last, edge.child), []).append(above)
    _sort(columns, callers)
    return columns


def _sort(columns: list[list[Place]], callers: dict[tuple[int, Place], list[tuple[int, Place]]]) -> None:
    """Puts each column in the order of what its arrows come from, first column first."""
    height: dict[tuple[int, Place], float] = {}
    for number, column in enumerate(columns):
        order = {key: _mean([height[each] for each in callers.get((number, key), ())]) for key in column}
        column.sort(key=order.__getitem__)
        for row, key in enumerate(column):
            height[number, key] = (row + 0.5) / len(column)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.5


def _depths(keys: Iterable[str], edges: list[tuple[str, str]]) -> dict[str, int]:
    """How many calls each node is away from where calls begin, by the longest way; calls that go back are ignored."""
    callees: dict[str, list[str]] = {key: [] for key in keys}
    called = set()
    for parent, child in edges:
        callees[parent].append(child)
        called.add(child)
    # Those that nobody calls come first; a ring without a beginning starts anywhere.
    order = _topological(sorted(callees, key=lambda key: (key in called, key)), callees)
    rank = {key: number for number, key in enumerate(order)}
    depth = dict.fromkeys(callees, 0)
    for key in order:
        for child in callees[key]:
            if rank[child] > rank[key]:
                depth[child] = max(depth[child], depth[key] + 1)
    return depth


def _topological(starts: list[str], callees: dict[str, list[str]]) -> list[str]:
    """Depth first, callers before callees wherever no ring is in the way."""
    done: list[str] = []
    seen: set[str] = set()
    for start in reversed(starts):
        stack = [(start, False)]
        while stack:
            key, left = stack.pop()
            if left:
                done.append(key)
            elif key not in seen:
                seen.add(key)
                stack.append((key, True))
                stack.extend((child, False) for child in callees[key] if child not in seen)
    return done[::-1]

// The service map: dagre says where boxes, arrows and labels go, in the direction that shows them larger.
import { Graph, layout } from "../vendor/dagre.esm.js";
import { byId } from "../dom.js";
import { count, duration, share } from "../format.js";

const SVG = "http://www.w3.org/2000/svg";
const TIGHT = 700; // px of room below which boxes stand close to one another
const LINE = 26; // px from one line of text to the next
const data = JSON.parse(byId("map-data").textContent);
const place = byId("map");

function s(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// How wide a line of text gets, in px.
const pen = document.createElement("canvas").getContext("2d");
function width(text, size) {
  pen.font = `650 ${size}px system-ui, sans-serif`;
  return pen.measureText(text).width;
}

const boxLines = (node) => [node.kind !== "service" && ["kind", node.what, 18], ["name", node.name, 22], node.version && ["kind answer", node.version, 18], ["share", share(node.share), 25]].filter(Boolean);
const edgeLines = (edge) => [["p50", `p50 ${duration(edge.p50)}`, 20], ["calls", calls(edge), 17]];
const calls = (edge) => count(edge.calls, "call") + (edge.errors ? `, ✗ ${edge.errors}` : "");
const widest = (lines) => Math.max(...lines.map(([, text, size]) => width(text, size)));

function laidOut(direction, room) {
  const tight = room < TIGHT ? 0.4 : 1;
  const graph = new Graph({ multigraph: true })
    .setGraph({ rankdir: direction, nodesep: 28 * tight, edgesep: 16 * tight, ranksep: direction === "LR" ? 34 : 26, marginx: 8, marginy: 8 })
    .setDefaultEdgeLabel(() => ({}));
  data.nodes.forEach((node) => {
    const lines = boxLines(node);
    graph.setNode(node.key, { node, lines, width: widest(lines) + 36 * tight + (node.kind === "outside" ? 24 : 0), height: lines.length * LINE + 26 });
  });
  data.edges.forEach((edge, index) => {
    const lines = edgeLines(edge);
    graph.setEdge(edge.parent, edge.child, { edge, lines, labelpos: "c", width: widest(lines) + 12, height: lines.length * LINE }, String(index));
  });
  layout(graph);
  return graph;
}

// A line through dagre's points with its corners rounded.
function curve(points) {
  let path = `M${points[0].x},${points[0].y}`;
  for (let i = 1; i < points.length - 1; i += 1) {
    const here = points[i], next = points[i + 1];
    path += ` Q${here.x},${here.y} ${(here.x + next.x) / 2},${(here.y + next.y) / 2}`;
  }
  const last = points.at(-1);
  return `${path} L${last.x},${last.y}`;
}

function texts(lines, x, y) {
  const top = y - ((lines.length - 1) * LINE) / 2;
  return lines.map(([name, text], line) => s("text", { class: name, x, y: top + line * LINE, dy: ".35em" }, text));
}

function box({ node, lines, x, y, width, height }) {
  const round = node.kind === "outside" ? height / 2 : 10;
  const found = new URLSearchParams({ ...node.query, lookback: data.lookback });
  return s("a", { href: `/?${found}`, class: `node ${node.kind} ${node.hot ? "hot" : ""}` },
    s("title", {}, `${node.name}: its traces`),
    s("rect", { x: x - width / 2, y: y - height / 2, width, height, rx: round }), ...texts(lines, x, y));
}

const isHot = (edge) => data.nodes.some((node) => node.key === edge.child && node.hot && node.kind !== "service");

function arrow({ edge, points }) {
  const hot = isHot(edge);
  const classes = ["edge", hot && "hot", edge.message && "message"].filter(Boolean).join(" ");
  return s("path", { class: classes, d: curve(points), "marker-end": `url(#tip${hot ? "-hot" : ""})` });
}

// The label stands on its line, on a patch no larger than its text: dagre has kept boxes and other lines off it.
function label({ edge, lines, x, y, width, height }) {
  return s("g", { class: `edge-label ${isHot(edge) ? "hot" : ""}` },
    s("rect", { x: x - width / 2, y: y - height / 2, width, height }), ...texts(lines, x, y));
}

function tip(id, size, classes) {
  return s("marker", { id, viewBox: "0 0 10 10", refX: 9, refY: 5, markerWidth: size, markerHeight: size, markerUnits: "userSpaceOnUse", orient: "auto" },
    s("path", { class: classes, d: "M0,0 L10,5 L0,10 z" }));
}

function draw() {
  const room = place.clientWidth;
  if (!room) return;
  const scale = (graph) => Math.min(1, room / graph.graph().width);
  const [across, down] = [laidOut("LR", room), laidOut("TB", room)];
  // From left to right reads better; where that gets too small, from top to bottom is larger.
  const graph = scale(across) >= Math.min(0.75, scale(down)) ? across : down;
  const size = graph.graph();
  const edges = graph.edges().map((each) => graph.edge(each));
  place.replaceChildren(s("svg", {
    viewBox: `0 0 ${size.width} ${size.height}`, width: size.width * scale(graph), height: size.height * scale(graph),
    role: "group", "aria-label": "Who calls whom; the table below says the same",
  }, s("defs", {}, tip("tip", 14, "tip"), tip("tip-hot", 20, "tip hot")), ...edges.map(arrow), ...edges.map(label), ...graph.nodes().map((key) => box(graph.node(key)))));
}

if (data.nodes.length) {
  let drawn = 0;
  new ResizeObserver(() => {
    if (place.clientWidth === drawn) return;
    drawn = place.clientWidth;
    draw();
  }).observe(place);
}

// The trace page: which span is selected, and what keys and clicks do to the waterfall.
import { details, receiver } from "./details.js";
import { byId, typing } from "../dom.js";
import { count, duration } from "../format.js";
import { neighbours } from "./neighbours.js";
import { Tree } from "./tree.js";
import { Waterfall } from "./waterfall.js";

const data = JSON.parse(byId("trace-data").textContent);
// What a span does not say is empty; its name and its short label are its label (trace_data.py).
const EMPTY = {
  parent: "", depth: 0, service: 0, label: "", kind: "", start: 0, duration: 0, self: 0, critical: 0, dark: 0, path: [], gaps: [],
  status: "", errorText: "", statement: "", scope: "", shift: 0, resource: 0, attributes: {}, events: [], links: [], logs: [], receivers: [],
};
data.spans = data.spans.map((span) => ({ ...EMPTY, short: span.label ?? "", name: span.label ?? "", ...span }));
const MOST_RECEIVERS = 3; // shown above the waterfall
const tree = new Tree(data.spans, data.repeats);
const scroller = byId("scroller");
const traceUrl = (id) => `/trace/${encodeURIComponent(id)}`;
let selected = -1;
let lines = [];
let matches = [];
let marked = new Set();

const waterfall = new Waterfall(scroller, byId("rows"), byId("ticks"), data, {
  tree, select, fold, toggle: (index) => { tree.setOpen(index, !tree.isOpen(index)); refresh(); },
});

function refresh() {
  lines = tree.lines();
  waterfall.show(lines, selected, marked);
  byId("only-path").checked = tree.onlyPath;
}

// The line of a span; of one among folded repeats, the line that stands for all of them.
const lineOf = (index) => lines.findIndex((line) => line.index === index || line.members?.includes(index));

function select(index) {
  const span = data.spans[index];
  if (!span) return;
  selected = index;
  if (tree.reveal(index)) refresh();
  else waterfall.select(index);
  waterfall.scrollTo(lineOf(index));
  scroller.setAttribute("aria-activedescendant", `row-${index}`);
  if (location.hash !== `#${span.id}`) history.replaceState(null, "", `#${span.id}`);
  showDetails(span);
  showPanel("details");
}

function showDetails(span) {
  byId("details").replaceChildren(...details(data, span, tree, traceUrl));
}

function unselect() {
  selected = -1;
  history.replaceState(null, "", location.pathname + location.search);
  scroller.removeAttribute("aria-activedescendant");
  waterfall.select(-1);
  showPanel("diagnosis");
}

function showPanel(name) {
  byId("details").hidden = name !== "details";
  byId("diagnosis").hidden = name !== "diagnosis";
  byId("panel").scrollTop = 0;
  for (const each of ["details", "diagnosis"]) byId(`show-${each}`).setAttribute("aria-pressed", String(each === name));
  byId("show-details").disabled = selected < 0;
}

function togglePanel() {
  const hidden = document.body.classList.toggle("no-panel");
  byId("panel-button").setAttribute("aria-expanded", String(!hidden));
}

function fromAddress() {
  const index = tree.index.get(location.hash.slice(1));
  if (index !== undefined) select(index);
}

const step = (by) => {
  const now = selected < 0 ? -by : lineOf(selected);
  select(lines[Math.min(Math.max(now + by, 0), lines.length - 1)].index);
};

function inward() {
  if (selected < 0) return step(1);
  if (tree.isOpen(selected)) return step(1);
  tree.setOpen(selected, true);
  refresh();
}

function outward() {
  if (selected < 0) return;
  if (tree.isOpen(selected)) {
    tree.setOpen(selected, false);
    refresh();
  } else if (tree.open.has(tree.repeatOf.get(selected))) fold(selected);
  else if (tree.parents[selected] >= 0) select(tree.parents[selected]);
}

function fold(index) {
  const first = tree.fold(index);
  refresh();
  select(first);
}

// The next span after the selected one, round the end, for which the test is true.
function next(test, by = 1) {
  const all = data.spans.length;
  for (let distance = 1; distance <= all; distance += 1) {
    const index = (Math.max(selected, by > 0 ? -1 : 0) + by * distance + 2 * all) % all;
    if (test(index)) return select(index);
  }
}

function find(text) {
  const wanted = text.trim().toLowerCase();
  matches = !wanted ? [] : data.spans.flatMap((span, index) => (holds(span, wanted) ? [index] : []));
  marked = new Set(matches);
  byId("found").textContent = wanted ? count(matches.length, "span") : "";
  refresh();
}

function holds(span, wanted) {
  const names = [data.services[span.service], span.label, span.short, span.name, span.id, span.errorText];
  const attributes = Object.entries(span.attributes).map(([key, value]) => `${key}=${value}`);
  return [...names, ...attributes].some((text) => text.toLowerCase().includes(wanted));
}

function zoom(span) {
  if (span) waterfall.zoom(span.start, span.start + span.duration);
  else waterfall.zoom(0, data.duration);
  byId("whole").hidden = !span;
  refresh();
}

function onlyPath(wanted) {
  tree.onlyPath = wanted;
  refresh();
  if (selected >= 0) waterfall.scrollTo(Math.max(lineOf(selected), 0));
}

// Quiet pages keep the answer until somebody asks.
function ask() {
  document.documentElement.dataset.asked = "";
}

const keys = {
  a: ask,
  l: () => { ask(); select(data.spans.findIndex((span) => span.longest)); },
  e: () => next((index) => data.spans[index].error),
  j: () => step(1), ArrowDown: () => step(1),
  k: () => step(-1), ArrowUp: () => step(-1),
  ArrowRight: inward, ArrowLeft: outward,
  Home: () => select(lines[0].index), End: () => select(lines.at(-1).index),
  PageDown: () => step(15), PageUp: () => step(-15),
  p: () => onlyPath(!tree.onlyPath),
  z: () => selected >= 0 && zoom(data.spans[selected]),
  0: () => zoom(null),
  "/": () => { byId("find").focus(); byId("find").select(); },
  n: () => next((index) => marked.has(index)),
  N: () => next((index) => marked.has(index), -1),
  d: togglePanel,
  Escape: unselect,
};

document.addEventListener("keydown", (event) => {
  if (event.target === byId("find") && event.key === "Enter") {
    scroller.focus();
    return keys.n();
  }
  if (typing(event) || !Object.hasOwn(keys, event.key)) return;
  event.preventDefault();
  keys[event.key]();
});
byId("find").addEventListener("input", (event) => find(event.target.value));
byId("only-path").addEventListener("change", (event) => onlyPath(event.target.checked));
byId("whole").addEventListener("click", () => zoom(null));
byId("ask").addEventListener("click", ask);
byId("panel-button").addEventListener("click", togglePanel);
byId("show-details").addEventListener("click", () => showPanel("details"));
byId("show-diagnosis").addEventListener("click", () => showPanel("diagnosis"));
addEventListener("hashchange", fromAddress);

// What was sent is followed forward, too: the receivers' traces link back to this one.
async function follow() {
  if (!byId("received") || !data.spans.some((span) => span.kind === "producer")) return;
  const answer = await fetch(`${traceUrl(data.traceId)}/receivers`).catch(() => null); // the console is being restarted
  if (!answer?.ok) return;
  const receipts = await answer.json();
  for (const receipt of receipts) data.spans[tree.index.get(receipt.sender)].receivers.push(receipt);
  byId("received").replaceChildren(...receipts.slice(0, MOST_RECEIVERS).map((each) => receiver(each, traceUrl)));
  byId("received").hidden = !receipts.length;
  if (selected >= 0) showDetails(data.spans[selected]);
}

// Work that went on long after the answer would press everything else together: the root's time comes first.
if (data.duration > 2 * data.root && data.root > 0) zoom({ start: data.rootStart, duration: data.root });
else refresh();
fromAddress();
follow();
neighbours(data.traceId, traceUrl);
document.body.dataset.ready = duration(data.duration);

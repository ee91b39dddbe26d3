// What is known of one span: times, error, statement, attributes, events, links, and the process it ran in.
import { h } from "../dom.js";
import { count, duration, share } from "../format.js";

export function details(data, span, tree, traceUrl) {
  return [
    h("h2", {}, h("small", {}, data.services[span.service]), span.label),
    h("p", { class: "big" }, duration(span.duration)),
    span.error && h("p", { class: "failure" }, `✗ ${span.errorText || "failed"}`),
    facts(timesOf(data, span)),
    facts(originOf(data, span, tree)),
    span.statement && section("Statement", h("pre", { class: "statement" }, span.statement)),
    span.receivers.length && section("Received by", ...span.receivers.map((each) => receiver(each, traceUrl))),
    span.links.length && section("Links", ...span.links.map((each) => linked(data, each, traceUrl))),
    span.events.length && section(count(span.events.length, "event"), ...span.events.map(event)),
    span.logs.length && section(count(span.logs.length, "log line"), ...span.logs.map(logLine)),
    section("Attributes", table(without(span.attributes, span.statement))),
    section("Process", table(data.resources[span.resource])),
  ].filter(Boolean);
}

function timesOf(data, span) {
  const part = (ms, whole) => share(whole ? ms / whole : 0);
  const onPath = `${duration(span.critical)}, ${part(span.critical, data.root)} of the trace`;
  return [
    ["self time", `${duration(span.self)}, ${part(span.self, span.duration)} of the span`],
    ["critical path", span.critical ? onPath : "nobody waited for it"],
    span.dark > 0 && ["dark time", `${duration(span.dark)} in which no child ran`],
    ["starts at", duration(span.start)],
    span.shift && ["clock", `moved by ${duration(span.shift)}: it differed from the caller's`],
  ];
}

function originOf(data, span, tree) {
  const parent = data.spans[tree.index.get(span.parent)];
  const children = data.spans.filter((other) => other.parent === span.id).length;
  const missing = span.orphan ? `${span.parent} (missing)` : "none";
  return [
    ["kind", span.kind || "internal"],
    span.status && ["status", span.status],
    span.name !== span.label && ["name", span.name],
    ["parent", parent ? link(`#${parent.id}`, `${data.services[parent.service]} ${parent.label}`) : missing],
    children > 0 && ["children", count(children, "span")],
    ["span id", link(`#${span.id}`, span.id)],
    span.scope && ["made by", span.scope],
  ];
}

const link = (href, text) => h("a", { href }, text);
const section = (title, ...content) => h("section", {}, h("h3", {}, title), ...content);

function facts(pairs) {
  const rows = pairs.filter(Boolean).flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]);
  return h("dl", { class: "facts" }, ...rows);
}

function linked(data, { trace, span, attributes }, traceUrl) {
  const where = trace === data.traceId ? "this trace" : `trace ${trace.slice(0, 8)}…`;
  return h("div", { class: "event" }, link(`${traceUrl(trace)}#${span}`, `span ${span} of ${where}`), table(attributes, ""));
}

export function receiver({ trace, span, name, after }, traceUrl) {
  return h("div", { class: "event" }, link(`${traceUrl(trace)}#${span}`, name), ` ${duration(Math.max(after, 0))} later`);
}

function event({ name, at, attributes }) {
  return h("div", { class: "event" }, h("h4", {}, h("b", {}, `at ${duration(at)}`), " ", name), table(attributes, ""));
}

function logLine({ at, level, message }) {
  const failed = level === "ERROR" || level === "CRITICAL";
  return h("p", { class: "log" }, h("b", {}, duration(at)), " ", h("span", failed && { class: "failure" } || {}, level), " ", message);
}

// The statement is shown above already.
function without(attributes, statement) {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => !statement || value !== statement));
}

function table(attributes, otherwise = "none") {
  const entries = Object.entries(attributes);
  if (!entries.length) return h("p", { class: "note" }, otherwise);
  const rows = entries.map(([key, value]) => h("tr", {}, h("th", {}, key), h("td", {}, value)));
  return h("table", { class: "attributes" }, h("tbody", {}, ...rows));
}

// Who held what the trace waited for, and what else the others of its time tell.
// Asked for when somebody opens it: many traces are read for the answer.
import { byId, h } from "../dom.js";
import { duration } from "../format.js";

const AGAIN_MS = 1000; // others are being looked for
const TRIES = 30;

export function neighbours(traceId, traceUrl) {
  const panel = byId("neighbours");
  panel?.addEventListener("toggle", () => panel.open && look(`${traceUrl(traceId)}/neighbours`, traceUrl));
}

async function look(address, traceUrl, tries = TRIES) {
  const answer = await fetch(address).catch(() => null); // the console is being restarted
  if (answer?.status === 429 && tries > 0) {
    say("Others are being looked for: a moment …");
    await new Promise((done) => setTimeout(done, AGAIN_MS));
    return look(address, traceUrl, tries - 1);
  }
  if (!answer?.ok) return say("No answer: is the trace still there, and Jaeger up? Close this and open it again.");
  const found = await answer.json();
  const more = found.more > 0 && h("p", { class: "quiet" }, `and ${found.more} shorter waits`);
  const among = found.among.length ? [h("p", {}, "With the other traces of those moments the diagnosis says:"), h("ol", { class: "among" }, ...found.among.map(finding))] : [];
  byId("neighbours-found").replaceChildren(
    ...among, h("p", {}, `${found.verdict[0].toUpperCase()}${found.verdict.slice(1)}.`), h("ol", {}, ...found.waits.map((each) => wait(each, traceUrl))), ...[more].filter(Boolean),
  );
}

function say(text) {
  byId("neighbours-found").replaceChildren(h("p", {}, text));
}

function finding(each) {
  const advice = each.advice && h("p", { class: "advice" }, each.advice);
  return h("li", {}, h("h3", {}, each.title), ...each.details.map((line) => h("p", { class: "detail" }, line)), advice);
}

function wait(each, traceUrl) {
  return h("li", {},
    h("h3", {}, h("a", { href: `#${each.span}` }, each.title)),
    h("p", { class: "verdict" }, each.verdict),
    h("ul", { class: "evidence" }, ...each.holders.map((one) => holder(one, traceUrl))),
    each.more > 0 && h("p", { class: "quiet" }, `and ${each.more} more, each for less of it`),
    ...each.evidence.map((line) => h("p", { class: "detail" }, line)),
    each.waited.length > 0 && h("p", { class: "quiet" }, "waited, too: ", ...each.waited.flatMap((id) => [other(id, "", traceUrl), " "])),
  );
}

function holder(one, traceUrl) {
  const last = one.letGo ? ", let go last" : "";
  const sent = one.sentBy ? [", sent by ", other(one.sentBy, "", traceUrl)] : [];
  return h("li", {}, other(one.trace, one.span, traceUrl), ` ${one.name} ${duration(one.ms)}${last}`, ...sent);
}

const other = (trace, span, traceUrl) => h("a", { href: `${traceUrl(trace)}${span && `#${span}`}` }, `trace ${trace.slice(0, 8)}…`);

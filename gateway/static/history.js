// The last checkouts as bars over time: there again after a reload, each the way to its trace.

const MOST = 20;
const KEPT = "checkouts";
// What people feel as at once, and a little; from a second on they wait (Nielsen, "Usability Engineering", 1993).
const QUICK_MS = 200;

const byId = (id) => document.getElementById(id);

/** How a checkout of so many milliseconds is told: quick, slow, or bad where it failed. */
export function kindOf({ status, ms }) {
  if (status !== 201) return "bad";
  return ms <= QUICK_MS ? "quick" : "slow";
}

function read() {
  try {
    const found = JSON.parse(localStorage.getItem(KEPT) ?? "[]");
    return Array.isArray(found) ? found.filter((each) => Number.isFinite(each?.ms) && Number.isFinite(each?.at)) : [];
  } catch {
    return []; // a browser that keeps nothing, or somebody else's entry
  }
}

/** Add a checkout: status, ms, at (Unix ms), traceId or null, sampled (whether there is a trace of that id). */
export function remember(checkout) {
  const all = [...read(), checkout].slice(-MOST);
  try {
    localStorage.setItem(KEPT, JSON.stringify(all));
  } catch {
    // Then it is not there after a reload.
  }
  show(all);
}

/** Draw the bars, the oldest first; the tallest is the longest wait of those shown. */
export function show(all = read()) {
  const longest = Math.max(...all.map((each) => each.ms), 1);
  byId("none").hidden = all.length > 0;
  byId("checkouts").replaceChildren(...all.map((each) => bar(each, longest)));
  byId("checkouts").lastElementChild?.scrollIntoView({ block: "nearest", inline: "end" });
}

function bar(checkout, longest) {
  const row = document.createElement("li");
  // One that was not sampled has an id, and a page that answers 404.
  const unsampled = checkout.traceId && checkout.sampled === false;
  const traced = checkout.traceId && !unsampled;
  const inside = document.createElement(traced ? "a" : "span");
  const kind = kindOf(checkout);
  const when = new Date(checkout.at).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const words = { quick: "quick", slow: "slow", bad: `failed with ${checkout.status || "no answer"}` }[kind];
  row.className = kind;
  if (traced) {
    inside.href = document.body.dataset.traceUrl.replace("{trace_id}", encodeURIComponent(checkout.traceId));
    inside.target = "_blank";
    inside.rel = "noopener";
  } else {
    inside.setAttribute("role", "img");
  }
  const there = traced ? ": see its trace" : unsampled ? ": not sampled, so there is no trace" : "";
  inside.setAttribute("aria-label", `${checkout.ms} ms, ${words}, at ${when}${there}`);
  if (unsampled) inside.title = "not sampled: there is no trace";
  const height = document.createElement("span");
  height.className = "bar";
  height.style.height = `${(checkout.ms / longest) * 62}%`;
  if (kind === "bad") inside.append(label("status", `✗ ${checkout.status || "–"}`));
  inside.append(label("ms", `${checkout.ms}`), height, label("when", when.slice(0, 5)));
  row.append(inside);
  return row;
}

function label(name, text) {
  const element = document.createElement("span");
  element.className = name;
  element.textContent = text;
  return element;
}

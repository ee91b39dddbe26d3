// The search page: operations follow the service, two traces can be chosen, and live mode searches again.
import { byId, h, typing } from "../dom.js";
import { localTimes } from "../page.js";
import { count } from "../format.js";
import { Plot } from "./plot.js";
import { changesOf, searchOf, summary } from "./region.js";

const filters = byId("filters");
const boxes = () => [...document.querySelectorAll("#choose input[name=id]")];

byId("service").addEventListener("change", () => {
  byId("operation").value = "";
  filters.requestSubmit();
});
for (const field of filters.querySelectorAll("select:not(#service)")) {
  field.addEventListener("change", () => {
    // To choose how far back leaves the period that was chosen before.
    if (field.name === "lookback") for (const period of filters.querySelectorAll("input[type=hidden]")) period.remove();
    filters.requestSubmit();
  });
}
// Empty fields stay out of the address, so that it is short enough to read out.
filters.addEventListener("formdata", (event) => {
  for (const [name, value] of [...event.formData]) if (!value) event.formData.delete(name);
});

// The order of choosing counts: first before, then after.
let chosen = [];

function choose(box) {
  chosen = chosen.filter((id) => id !== box.value);
  if (box.checked) chosen.push(box.value);
  while (chosen.length > 2) chosen.shift();
  showChosen();
}

function showChosen() {
  for (const box of boxes()) box.checked = chosen.includes(box.value);
  if (!byId("compare")) return;
  byId("compare").parentElement.classList.toggle("chosen", chosen.length > 0);
  byId("compare").disabled = chosen.length !== 2;
  byId("chosen").textContent = ["Choose two traces to compare them, the one before first.",
    "Choose the one after.", "The first chosen is before, the second after."][chosen.length];
}

function compare() {
  if (chosen.length === 2) location.assign(`/compare/${chosen[0]}...${chosen[1]}`);
}

byId("results").addEventListener("change", (event) => choose(event.target));
byId("results").addEventListener("submit", (event) => {
  event.preventDefault();
  compare();
});

// The plot. A region that was drawn in it is told in words, with a link to the list of its traces.
export const plot = new Plot(byId("plot"), {
  open(id, event) {
    const address = `/trace/${encodeURIComponent(id)}`;
    if (event.ctrlKey || event.metaKey) window.open(address, "_blank", "noopener");
    else location.assign(address);
  },
  choose(region, dots) {
    byId("region").hidden = !region && !plot.kept;
    if (byId("region").hidden) return;
    const before = plot.dotsIn(plot.kept).length;
    byId("region").replaceChildren(...[
      plot.kept ? `Before: ${count(before, "trace")}. ` : "",
      region ? summary(dots) : "Choose the region that is compared with it.", " ",
      dots.length > 0 && h("a", { class: "button", href: searchOf(region, plot.data.query) }, "List them"), " ",
      dots.length > 0 && comparing(region), " ",
      h("button", { type: "button", onclick: () => plot.drop() }, "Drop"),
    ].filter(Boolean));
  },
});

// What leads from one region to a comparison with another; a room's visitors have none.
function comparing(region) {
  if (byId("plot").dataset.inARoom !== undefined) return "";
  if (!plot.kept) return h("button", { type: "button", onclick: () => plot.keep() }, "Compare with another region");
  return h("a", { class: "button primary", id: "changes", href: changesOf(plot.kept, region, plot.data.query) }, "Compare");
}

function keepOrCompare() {
  if (byId("changes")) byId("changes").click();
  else if (plot.region && byId("plot").dataset.inARoom === undefined) plot.keep();
}

function draw() {
  const data = JSON.parse(byId("plot-data").textContent);
  byId("scatter").hidden = data.dots.length === 0;
  if (data.dots.length) plot.show(data);
}

// Live: the same search every two seconds, while the page is looked at.
const live = byId("live");
live.checked = sessionStorage.getItem("live") === "on";
live.addEventListener("change", () => sessionStorage.setItem("live", live.checked ? "on" : "off"));

let asking = false;

async function searchAgain() {
  if (!live.checked || document.hidden || asking) return;
  asking = true;
  try {
    const answer = await fetch(location.href);
    take(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    return; // the console is being restarted
  } finally {
    asking = false;
  }
}

// Puts a fresh answer's parts in the place of the old ones; a failure's page becomes the message.
function take(fresh) {
  fresh.getElementById("retry")?.remove(); // a failure's page counts its own tries, this one goes on
  const well = fresh.getElementById("results");
  const focused = document.activeElement?.closest?.("tr")?.querySelector("input")?.value;
  if (!well) {
    byId("messages").replaceChildren(...fresh.querySelector("main").childNodes);
    return;
  }
  for (const id of ["kinds", "messages", "legend", "results", "plot-data"]) byId(id).replaceChildren(...fresh.getElementById(id).childNodes);
  localTimes(byId("results"));
  draw();
  showChosen();
  if (focused) boxes().find((box) => box.value === focused)?.closest("tr").querySelector("a").focus();
}
setInterval(searchAgain, 2000);

function step(by) {
  const links = [...document.querySelectorAll("a.open-trace")];
  const now = links.indexOf(document.activeElement?.closest("tr")?.querySelector("a.open-trace"));
  links[now < 0 ? 0 : Math.min(Math.max(now + by, 0), links.length - 1)]?.focus();
}

const keys = {
  j: () => step(1),
  k: () => step(-1),
  x: () => document.activeElement?.closest("tr")?.querySelector("input")?.click(),
  c: compare,
  l: () => live.click(),
  "/": () => { byId("more").open = true; byId("attributes").focus(); },
  p: () => byId("plot").focus(),
  b: keepOrCompare,
  Escape: () => plot.drop(),
};

document.addEventListener("keydown", (event) => {
  if (typing(event) || !keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});
showChosen();
draw();

// The search page: operations follow the service, two traces can be chosen, and live mode searches again.
import { byId, typing } from "./dom.js";
import { localTimes } from "./page.js";

const filters = byId("filters");
const boxes = () => [...document.querySelectorAll("#choose input[name=id]")];

byId("service").addEventListener("change", () => {
  byId("operation").value = "";
  filters.requestSubmit();
});
for (const field of filters.querySelectorAll("select:not(#service)")) {
  field.addEventListener("change", () => filters.requestSubmit());
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

// Live: the same search every two seconds, while the page is looked at.
const live = byId("live");
live.checked = sessionStorage.getItem("live") === "on";
live.addEventListener("change", () => sessionStorage.setItem("live", live.checked ? "on" : "off"));

async function searchAgain() {
  if (!live.checked || document.hidden) return;
  let answer;
  try {
    answer = await fetch(location.href);
  } catch {
    return; // the console is being restarted
  }
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  fresh.getElementById("retry")?.remove(); // a failure's page counts its own tries, this one goes on
  const results = fresh.getElementById("results") ?? fresh.querySelector("main");
  const focused = document.activeElement?.closest?.("tr")?.querySelector("input")?.value;
  byId("results").replaceChildren(...results.childNodes);
  localTimes(byId("results"));
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
  "/": () => byId("attributes").focus(),
};

document.addEventListener("keydown", (event) => {
  if (typing(event) || !keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});
showChosen();

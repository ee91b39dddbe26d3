// What every page has: local times, dark and light, the list of keys, and the keys that lead elsewhere.
import { byId, typing } from "./dom.js";

export function localTimes(within = document) {
  for (const element of within.querySelectorAll("[data-time]")) {
    const when = new Date(Number(element.dataset.time));
    if (Number.isNaN(when.getTime())) continue;
    const bare = when.toDateString() === new Date().toDateString();
    element.textContent = (bare ? "" : `${when.toLocaleDateString([], { month: "short", day: "numeric" })} `) +
      when.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
  }
}

const root = document.documentElement;
const isDark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;

function nameTheme() {
  byId("theme").textContent = isDark() ? "Light" : "Dark";
}

function toggleTheme() {
  root.dataset.theme = isDark() ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
  nameTheme();
  document.dispatchEvent(new Event("theme-changed"));
}

// Quiet: banner, longest leg and diagnosis wait until somebody asks (theme.js).
function nameQuiet() {
  byId("quiet").setAttribute("aria-pressed", String(root.dataset.quiet !== undefined));
}

function toggleQuiet() {
  root.toggleAttribute("data-quiet");
  root.removeAttribute("data-asked");
  const taught = root.dataset.teach;
  const asDelivered = (root.dataset.quiet !== undefined) === (taught !== undefined);
  if (asDelivered) localStorage.removeItem("quiet");
  else localStorage.setItem("quiet", taught === undefined ? "on" : `off ${taught}`);
  nameQuiet();
  document.dispatchEvent(new Event("quiet-changed"));
}

function showHelp() {
  byId("help").showModal();
}

const keys = {
  "?": showHelp,
  t: toggleTheme,
  q: toggleQuiet,
  g: () => location.assign("/"),
  m: () => location.assign("/services"),
  i: () => byId("open-id").focus(),
  s: () => byId("swap")?.click(),
};

byId("theme").addEventListener("click", toggleTheme);
byId("quiet").addEventListener("click", toggleQuiet);
byId("help-button").addEventListener("click", showHelp);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", nameTheme);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.matches?.("input")) event.target.blur();
  if (typing(event) || !keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});
nameTheme();
nameQuiet();
localTimes();

// What every page has: local times, dark and light, the list of keys, and the keys that lead elsewhere.
import { byId, typing } from "./dom.js";

export function localTimes(within = document) {
  for (const element of within.querySelectorAll("[data-time]")) {
    const when = new Date(Number(element.dataset.time));
    if (Number.isNaN(when.getTime())) continue;
    // An axis has no room for dates.
    const bare = element.closest("svg") || when.toDateString() === new Date().toDateString();
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
}

function showHelp() {
  byId("help").showModal();
}

const keys = {
  "?": showHelp,
  t: toggleTheme,
  g: () => location.assign("/"),
  m: () => location.assign("/services"),
  i: () => byId("open-id").focus(),
  s: () => byId("swap")?.click(),
};

byId("theme").addEventListener("click", toggleTheme);
byId("help-button").addEventListener("click", showHelp);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", nameTheme);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.matches?.("input")) event.target.blur();
  if (typing(event) || !keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});
nameTheme();
localTimes();

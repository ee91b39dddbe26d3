// Follows what runs without loading the page again, and puts the new page in the old one's place when it has ended.
// What somebody has opened, or has the focus on, stays so.
import { byId } from "../dom.js";
import { localTimes } from "../page.js";

const EVERY = 1000;
const following = () => byId("said").dataset.running !== undefined || byId("said").dataset.load !== undefined;

async function asked(path, type) {
  const answer = await fetch(path, { headers: { Accept: type } });
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer;
}

function show(now) {
  byId("said").textContent = now.said;
  const words = byId("words");
  const atEnd = words.scrollTop + words.clientHeight >= words.scrollHeight - 5;
  if (now.words && words.textContent !== now.words) words.textContent = now.words;
  if (atEnd) words.scrollTop = words.scrollHeight;
  byId("load-said").textContent = now.load.said;
}

async function renew() {
  const text = await (await asked("/teach", "text/html")).text();
  const next = new DOMParser().parseFromString(text, "text/html");
  const open = [...document.querySelectorAll("details[id][open]")].map((each) => each.id);
  const focused = document.activeElement?.id;
  const main = byId("main");
  main.replaceChildren(...document.adoptNode(next.getElementById("main")).childNodes);
  for (const id of open) byId(id)?.setAttribute("open", "");
  if (focused) byId(focused)?.focus();
  localTimes(main);
  names();
}

// Before the room is there a teacher wants all of them.
function names() {
  const button = byId("names");
  const all = [...document.querySelectorAll(".card details")];
  button.hidden = false;
  const pressed = () => all.every((each) => each.open);
  const tell = () => button.setAttribute("aria-pressed", String(pressed()));
  button.addEventListener("click", () => {
    const open = !pressed();
    for (const each of all) each.open = open;
    tell();
  });
  tell();
}

async function follow() {
  if (following()) {
    const { running, load } = byId("said").dataset;
    try {
      const now = await (await asked("/teach/now", "application/json")).json();
      show(now);
      if (now.running !== (running !== undefined) || now.load.running !== (load !== undefined)) await renew();
    } catch (error) {
      byId("said").textContent = `The console does not answer (${error.message}); asking again.`;
    }
  }
  setTimeout(follow, EVERY);
}

names();
setTimeout(follow, EVERY);

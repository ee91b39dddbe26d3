// Makes elements. Text goes in as text only: nothing from a trace is ever parsed as markup.

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}

export const byId = (id) => document.getElementById(id);

// Whether a key is meant for a field, not for the page.
export function typing(event) {
  const field = event.target.closest?.("input, select, textarea");
  const inField = field && field.type !== "checkbox";
  return inField || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]");
}

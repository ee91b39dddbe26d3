// Not a module: it runs before the first paint, so that a dark room sees no white flash.
const chosen = localStorage.getItem("theme");
if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;

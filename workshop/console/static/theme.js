// Not a module: it runs before the first paint, so that a dark room sees no white flash, and a quiet page no answer.
const chosen = localStorage.getItem("theme");
if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;

// `?quiet` in any address makes this browser quiet until `?quiet=off`, or until the button on top says so. `make up
// TEACH=1` makes all of them quiet, but those where somebody chose otherwise after it.
const taught = document.documentElement.dataset.teach ?? "";
const wanted = new URLSearchParams(location.search).get("quiet");
if (wanted !== null) localStorage.setItem("quiet", wanted === "off" ? `off ${taught}` : "on");
const kept = localStorage.getItem("quiet");
if (kept === "on" || (taught && kept !== `off ${taught}`)) document.documentElement.dataset.quiet = "";

"use strict";

const byId = (id) => document.getElementById(id);
const money = (cents, currency) =>
  new Intl.NumberFormat("en", { style: "currency", currency }).format(cents / 100);
const MOST_PRODUCTS = 20; // the API takes no more
const MOST_PIECES = 100;
const PATIENCE_MS = 60_000; // an order that was left is settled after half a minute
const basket = new Map();
let buying = false;

/** Show nine products from a random place in the catalogue. */
async function showProducts() {
  const list = byId("catalogue");
  list.setAttribute("aria-busy", "true");
  const after = `SKU-${String(Math.floor(Math.random() * 4990)).padStart(5, "0")}`;
  try {
    let page = await getJson(`/products?limit=9&after=${after}`);
    // The catalogue may be smaller than the workshop's usual one.
    if (page.products.length === 0) page = await getJson("/products?limit=9");
    list.replaceChildren(...page.products.map(productRow));
  } catch (error) {
    const row = document.createElement("li");
    row.className = "bad";
    row.textContent = `The products cannot be shown: ${error.message}`;
    list.replaceChildren(row);
  }
  list.removeAttribute("aria-busy");
}

async function getJson(url) {
  const response = await fetch(url);
  const body = await response.json();
  if (!response.ok) throw new Error(body.detail || `status ${response.status}`);
  return body;
}

function productRow(product) {
  const row = byId("product").content.cloneNode(true).firstElementChild;
  row.querySelector(".name").textContent = product.name;
  row.querySelector(".price").textContent = money(product.price_cents, product.currency);
  row.querySelector("button").addEventListener("click", () => add(product));
  return row;
}

function add(product) {
  const line = basket.get(product.sku) ?? newLine(product);
  setQuantity(line, line.quantity + 1);
  showState();
}

/** A product's line in the basket. It stays the same element, so that the keyboard's focus stays in it. */
function newLine({ sku, name }) {
  const row = byId("line").content.cloneNode(true).firstElementChild;
  const line = { quantity: 0, row, input: row.querySelector("input") };
  row.querySelector(".name").textContent = name;
  line.input.setAttribute("aria-label", `pieces of ${name}`);
  line.input.addEventListener("change", () => setQuantity(line, line.input.valueAsNumber));
  const remove = row.querySelector("button");
  remove.setAttribute("aria-label", `remove ${name}`);
  remove.addEventListener("click", () => {
    const next = row.nextElementSibling ?? row.previousElementSibling;
    basket.delete(sku);
    row.remove();
    showState();
    (next?.querySelector("button") ?? byId("other")).focus();
  });
  basket.set(sku, line);
  byId("basket").append(row);
  return line;
}

function setQuantity(line, wanted) {
  line.quantity = Math.min(MOST_PIECES, Math.max(1, Math.trunc(wanted || 1)));
  line.input.value = line.quantity;
}

/** Whether it can be bought, and if not, why. */
function showState() {
  const tooMany = basket.size > MOST_PRODUCTS;
  byId("empty").hidden = basket.size > 0;
  byId("limit").hidden = !tooMany;
  byId("limit").textContent = tooMany ? `At most ${MOST_PRODUCTS} different products at once: remove ${basket.size - MOST_PRODUCTS}.` : "";
  // Not `disabled`: that would take the focus away.
  byId("buy").setAttribute("aria-disabled", String(buying || basket.size === 0 || tooMany));
}

/** Buy the basket; show status, milliseconds and the way to the trace. */
async function buy(event) {
  event.preventDefault();
  if (byId("buy").getAttribute("aria-disabled") === "true") return;
  buying = true;
  showState();
  const items = [...basket].map(([sku, line]) => ({ sku, quantity: line.quantity }));
  const started = performance.now();
  // The same key for every attempt, so that however often it is sent it is bought once.
  const key = crypto.getRandomValues(new Uint32Array(4)).join("-");
  const checkout = JSON.stringify({ customer_id: "shop-visitor", items, card: byId("card").value });
  let answer = await attempt(key, checkout);
  while (mayStillBeConfirmed(answer) && performance.now() - started < PATIENCE_MS) {
    byId("wait").textContent = `${answer.body.detail}: trying again`;
    await new Promise((resume) => setTimeout(resume, 500 + 1000 * Math.random()));
    answer = await attempt(key, checkout);
  }
  byId("wait").textContent = "";
  showCheckout(answer.status, Math.round(performance.now() - started), answer.body);
  buying = false;
  showState();
}

/** One attempt: status and body of the answer; status 0 when the shop could not be reached. */
async function attempt(key, checkout) {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": key };
  try {
    const response = await fetch("/checkout", { method: "POST", headers, body: checkout });
    return { status: response.status, body: await response.json() };
  } catch (error) {
    return { status: 0, body: { detail: `no answer (${error.message})` } };
  }
}

/** Nobody listened, a service was away, or the order is in hand: whoever comes again may get another answer. */
function mayStillBeConfirmed({ status, body }) {
  return [0, 503, 504].includes(status) || body.reason === "in_progress" || body.order_status === "pending";
}

function showCheckout(status, milliseconds, body) {
  const row = document.createElement("li");
  const time = document.createElement("span");
  time.className = `milliseconds ${status === 201 ? "good" : "bad"}`;
  time.textContent = `${milliseconds} ms`;
  const text = status === 201 ? `confirmed, ${money(body.total_cents, body.currency)} ` : `${status || ""} ${body.detail ?? ""} `;
  row.append(time, text);
  if (body.trace_id) {
    const link = document.createElement("a");
    link.href = document.body.dataset.traceUrl.replace("{trace_id}", body.trace_id);
    link.target = "_blank";
    link.rel = "noopener";
    link.textContent = "see its trace";
    row.append(link);
  }
  byId("checkouts").prepend(row);
}

byId("other").addEventListener("click", showProducts);
byId("checkout").addEventListener("submit", buy);
showState();
showProducts();

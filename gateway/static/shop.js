import { kindOf, remember, show } from "./history.js";

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
function newLine({ sku, name, price_cents, currency }) {
  const row = byId("line").content.cloneNode(true).firstElementChild;
  const line = { quantity: 0, row, name, price_cents, currency, input: row.querySelector("input") };
  row.querySelector(".name").textContent = name;
  line.input.setAttribute("aria-label", `pieces of ${name}`);
  line.input.addEventListener("change", () => {
    setQuantity(line, line.input.valueAsNumber);
    showState();
  });
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
  line.row.querySelector(".price").textContent = money(line.quantity * line.price_cents, line.currency);
}

/** Whether it can be bought, and if not, why. */
function showState() {
  const tooMany = basket.size > MOST_PRODUCTS;
  byId("empty").hidden = basket.size > 0;
  const totals = new Map();
  for (const { currency, quantity, price_cents } of basket.values()) {
    totals.set(currency, (totals.get(currency) ?? 0) + quantity * price_cents);
  }
  byId("total").hidden = basket.size === 0;
  byId("sum").textContent = [...totals].map(([currency, cents]) => money(cents, currency)).join(" + ");
  byId("limit").hidden = !tooMany;
  byId("limit").textContent = tooMany ? `At most ${MOST_PRODUCTS} different products at once: remove ${basket.size - MOST_PRODUCTS}.` : "";
  // Not `disabled`: that would take the focus away.
  byId("buy").setAttribute("aria-disabled", String(buying || basket.size === 0 || tooMany));
}

/** Buy the basket: the time runs while the customer waits, then there is a receipt, or what went wrong. */
async function buy(event) {
  event.preventDefault();
  if (byId("buy").getAttribute("aria-disabled") === "true") return;
  buying = true;
  showState();
  const bought = [...basket];
  const items = bought.map(([sku, line]) => ({ sku, quantity: line.quantity }));
  const started = performance.now();
  const stop = runClock(started);
  // The same key for every attempt, so that however often it is sent it is bought once.
  const key = crypto.getRandomValues(new Uint32Array(4)).join("-");
  const checkout = JSON.stringify({ customer_id: "shop-visitor", items, card: byId("card").value });
  let answer = await attempt(key, checkout);
  while (mayStillBeConfirmed(answer) && performance.now() - started < PATIENCE_MS) {
    say(`${inWords(answer)} Trying again …`, "");
    await new Promise((resume) => setTimeout(resume, 500 + 1000 * Math.random()));
    answer = await attempt(key, checkout);
  }
  const outcome = { status: answer.status, ms: Math.round(performance.now() - started), at: Date.now(), traceId: answer.body.trace_id ?? null, sampled: answer.sampled };
  stop(outcome);
  remember(outcome);
  buying = false;
  if (answer.status === 201) showReceipt(bought, answer.body);
  else say(inWords(answer), "bad");
  showState();
}

/** Count the milliseconds up in large digits; the function it gives stops the count at the outcome. */
function runClock(started) {
  const clock = byId("clock");
  byId("receipt").hidden = true;
  say("", "");
  clock.hidden = false;
  clock.className = "";
  let running = true;
  // Only the outcome is read out, not each of the numbers on the way.
  clock.setAttribute("aria-hidden", "true");
  const tick = () => {
    if (!running) return;
    clock.textContent = `${Math.round(performance.now() - started)} ms`;
    requestAnimationFrame(tick);
  };
  tick();
  return (outcome) => {
    running = false;
    clock.removeAttribute("aria-hidden");
    clock.textContent = `${outcome.ms} ms`;
    clock.className = kindOf(outcome);
  };
}

function say(text, kind) {
  byId("words").textContent = text;
  byId("words").className = kind;
}

/** What was bought, for how much; the basket is empty again. */
function showReceipt(bought, order) {
  const receipt = byId("receipt");
  receipt.replaceChildren();
  const row = (left, right, kind) => {
    for (const [tag, text] of [["dt", left], ["dd", right]]) {
      const cell = document.createElement(tag);
      cell.textContent = text;
      cell.className = kind;
      receipt.append(cell);
    }
  };
  const told = new Map(order.items?.map((item) => [item.sku, item]));
  for (const [sku, line] of bought) {
    // What the shop found out in time; the rest as it stood in the basket.
    const { name, price_cents } = { ...line, ...told.get(sku) };
    row(`${line.quantity} × ${name}`, money(line.quantity * price_cents, order.currency), "");
    line.row.remove();
  }
  row("Total", money(order.total_cents, order.currency), "sum");
  receipt.hidden = false;
  basket.clear();
  byId("buy").focus(); // where the focus was is gone
  say(`Thank you. Order …${String(order.order_id).slice(-6)} is confirmed.`, "");
}

/** An answer that is no confirmation, as a shop says it to a customer. */
function inWords({ status, body }) {
  if (status === 402) return "Your card was declined. Nothing was bought; try another card.";
  if (body.reason === "out_of_stock") return "Sold out: somebody was quicker. Nothing was bought.";
  if (body.order_status === "pending") return "We do not know yet whether your payment went through. You will not be charged twice.";
  if (status === 502) return "The payment provider has trouble. You were not charged; try again in a minute.";
  if (status === 503) return "The shop is too busy right now. You were not charged.";
  if (status === 504) return "That took too long, so we stopped. You were not charged twice, whatever happens.";
  if (status === 0) return "The shop cannot be reached.";
  if (status === 409) return "Your first order is still being worked on.";
  return `That did not work: ${body.detail ?? `status ${status}`}`;
}

/** One attempt: status and body of the answer, and whether its trace is kept; status 0 when nobody could be reached. */
async function attempt(key, checkout) {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": key };
  try {
    const response = await fetch("/checkout", { method: "POST", headers, body: checkout });
    // The last of the header's four parts are flags, and the lowest of them says it.
    const flags = parseInt(response.headers.get("traceresponse")?.split("-")[3] ?? "01", 16);
    return { status: response.status, body: await response.json(), sampled: (flags & 1) === 1 };
  } catch (error) {
    return { status: 0, body: { detail: `no answer (${error.message})` } };
  }
}

/** Nobody listened, a service was away, or the order is in hand: whoever comes again may get another answer. */
function mayStillBeConfirmed({ status, body }) {
  return [0, 503, 504].includes(status) || body.reason === "in_progress" || body.order_status === "pending";
}

byId("other").addEventListener("click", showProducts);
byId("checkout").addEventListener("submit", buy);
showState();
show();
showProducts();

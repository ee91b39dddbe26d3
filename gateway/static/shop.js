"use strict";

const byId = (id) => document.getElementById(id);
const money = (cents, currency) =>
  new Intl.NumberFormat("en", { style: "currency", currency }).format(cents / 100);
const basket = new Map();

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
  row.querySelector("button").addEventListener("click", () => {
    basket.set(product.sku, { name: product.name, quantity: (basket.get(product.sku)?.quantity ?? 0) + 1 });
    showBasket();
  });
  return row;
}

function showBasket() {
  byId("basket").replaceChildren(...[...basket].map(([sku, line]) => {
    const row = byId("line").content.cloneNode(true).firstElementChild;
    row.querySelector(".name").textContent = line.name;
    const input = row.querySelector("input");
    input.value = line.quantity;
    input.addEventListener("change", () => { line.quantity = Math.min(100, Math.max(1, Math.trunc(input.valueAsNumber || 1))); showBasket(); });
    row.querySelector("button").addEventListener("click", () => { basket.delete(sku); showBasket(); });
    return row;
  }));
  byId("empty").hidden = basket.size > 0;
  byId("buy").disabled = basket.size === 0 || basket.size > 20;
}

/** Buy the basket; show status, milliseconds and the way to the trace. */
async function buy(event) {
  event.preventDefault();
  byId("buy").disabled = true;
  const items = [...basket].map(([sku, line]) => ({ sku, quantity: line.quantity }));
  const started = performance.now();
  let status, body;
  try {
    const response = await fetch("/checkout", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ customer_id: "shop-visitor", items, card: byId("card").value }),
    });
    status = response.status;
    body = await response.json();
  } catch (error) {
    body = { detail: `no answer: ${error.message}` };
  }
  showCheckout(status, Math.round(performance.now() - started), body);
  showBasket();
}

function showCheckout(status, milliseconds, body) {
  const row = document.createElement("li");
  const time = document.createElement("span");
  time.className = `milliseconds ${status === 201 ? "good" : "bad"}`;
  time.textContent = `${milliseconds} ms`;
  const text = status === 201 ? `confirmed, ${money(body.total_cents, body.currency)} ` : `${status ?? ""} ${body.detail ?? ""} `;
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
showBasket();
showProducts();

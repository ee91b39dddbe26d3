// Draws the lines that are in sight, so that 100,000 spans scroll like ten.
import { h } from "../dom.js";
import { duration } from "../format.js";

const AHEAD = 12; // lines drawn above and below what is in sight
const DEEPEST = 18; // levels of indentation; deeper spans stand as far right as this
const MINOR = 0.02; // of the trace: a span with less time of its own is no news
const MOST_FOR_NAMES = [0.55, 0.66]; // of the width: the second only where the bars keep ENOUGH
const ENOUGH = 300; // px for durations and bars
const NARROW = 790; // px: here a name stands above its bar
const TICK = 95; // px from one time on the axis to the next
const THINNEST = 0.12; // percent of the width below which a stretch is left out, where there are many

// A click on a button in a row must not select the row, too.
function stopping(action) {
  return (event) => {
    event.stopPropagation();
    action();
  };
}

export class Waterfall {
  constructor(scroller, rows, ticks, data, actions) {
    Object.assign(this, { scroller, rows, ticks, data, actions });
    this.lines = [];
    this.drawn = new Map();
    this.from = 0;
    this.to = Math.max(data.duration, 0.001);
    let waiting = false;
    scroller.addEventListener("scroll", () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => { waiting = false; this.draw(); });
    }, { passive: true });
    this.width = 0;
    new ResizeObserver(() => this.resized()).observe(scroller);
  }

  // The lines changed, or what they look like.
  show(lines, selected, marked) {
    Object.assign(this, { lines, selected, marked, needed: 0, must: 0 });
    this.redraw();
  }

  resized() {
    if (this.scroller.clientWidth === this.width) this.draw();
    else this.redraw();
  }

  redraw() {
    this.width = this.scroller.clientWidth;
    this.lineHeight = parseFloat(getComputedStyle(this.rows).getPropertyValue("--line-height"));
    this.rows.style.height = `${this.lines.length * this.lineHeight}px`;
    this.drawn.clear();
    this.rows.replaceChildren();
    this.draw();
  }

  // Gives the names the width that they need, so that none is cut. Where that would leave too little for the bars, a
  // name stands above its bar; and where only an unimportant one is so long, it alone ends with dots.
  fit() {
    for (const [line, element] of this.drawn) {
      const name = element.firstChild, label = name.querySelector(".label");
      const after = label.nextSibling ? label.nextSibling.offsetWidth + 8 : 0;
      const service = name.querySelector(".service"), behindDots = service ? service.scrollWidth - service.clientWidth : 0;
      const needs = label.offsetLeft - name.offsetLeft + behindDots + label.scrollWidth + after + 12;
      const { index } = this.lines[line];
      this.needed = Math.max(this.needed, needs);
      if (this.data.spans[index].longest || this.data.spans[index].error) this.must = Math.max(this.must, needs);
    }
    const [usual, utmost] = MOST_FOR_NAMES.map((part) => part * this.width);
    const most = Math.max(usual, Math.min(this.width - ENOUGH, utmost)), view = this.scroller.parentElement;
    const above = this.must > most || this.width < NARROW;
    view.style.setProperty("--names", above ? "0px" : `${Math.min(this.needed, most)}px`);
    this.drawTicks();
    if (view.classList.contains("above") === above) return;
    const top = this.scroller.scrollTop / this.lineHeight;
    view.classList.toggle("above", above);
    this.redraw();
    this.scroller.scrollTop = top * this.lineHeight; // lines have another height now
  }

  select(index) {
    this.selected = index;
    for (const [line, element] of this.drawn) {
      const isIt = this.lines[line].index === index;
      element.classList.toggle("selected", isIt);
      element.setAttribute("aria-selected", String(isIt));
    }
  }

  zoom(from, to) {
    this.from = from;
    this.to = Math.max(to, from + 0.001);
  }

  scrollTo(line) {
    const top = line * this.lineHeight, height = this.scroller.clientHeight;
    if (top < this.scroller.scrollTop) this.scroller.scrollTop = top - this.lineHeight;
    else if (top + this.lineHeight > this.scroller.scrollTop + height) this.scroller.scrollTop = top - height / 2;
    this.draw();
  }

  draw() {
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / this.lineHeight) - AHEAD);
    const bottom = (this.scroller.scrollTop + this.scroller.clientHeight) / this.lineHeight;
    const last = Math.min(this.lines.length, Math.ceil(bottom) + AHEAD);
    for (const [line, element] of this.drawn) {
      if (line < first || line >= last) {
        element.remove();
        this.drawn.delete(line);
      }
    }
    for (let line = first; line < last; line += 1) {
      if (this.drawn.has(line)) continue;
      const element = this.row(line);
      this.drawn.set(line, element);
      this.rows.append(element);
    }
    this.fit();
  }

  drawTicks() {
    // As many as have room beside one another.
    const steps = [4, 2, 1].find((each) => this.ticks.clientWidth / each >= TICK) ?? 1;
    const parts = Array.from({ length: steps + 1 }, (_, step) => step / steps);
    const ticks = parts.map((part) => {
      const tick = h("span", { class: "tick" }, duration(this.from + (this.to - this.from) * part));
      tick.style.left = `${part * 100}%`;
      return tick;
    });
    this.ticks.replaceChildren(...ticks);
  }

  row(line) {
    const { index } = this.lines[line];
    const span = this.data.spans[index];
    const inside = this.actions.tree.within(this.lines[line]);
    const row = h("div", {
      class: this.classes(index, inside),
      role: "treeitem",
      id: `row-${index}`,
      "aria-label": `${this.data.services[span.service]} ${span.label}, ${duration(span.duration)}`,
      "aria-level": span.depth + 1,
      "aria-expanded": this.canOpen(line) ? String(this.actions.tree.isOpen(index)) : undefined,
      "aria-selected": String(index === this.selected),
      "aria-posinset": line + 1,
      "aria-setsize": this.lines.length,
      onclick: () => this.actions.select(index),
    }, this.name(line, inside), ...this.bar(this.lines[line].members ?? [index], inside));
    row.style.top = `${line * this.lineHeight}px`;
    return row;
  }

  classes(index, inside) {
    const spans = inside.map((each) => this.data.spans[each]);
    const own = spans.reduce((sum, span) => sum + span.critical, 0);
    return [
      "row",
      `service-${this.data.colours[this.data.spans[index].service]}`,
      !inside.some((each) => this.actions.tree.onPath[each]) && "off",
      own < this.data.root * MINOR && "minor",
      spans.some((span) => span.longest) && "longest",
      spans.some((span) => span.error) && "error",
      index === this.selected && "selected",
      this.marked.has(index) && "marked",
    ].filter(Boolean).join(" ");
  }

  canOpen(line) {
    return this.lines[line].members !== undefined || this.actions.tree.hasChildren(this.lines[line].index);
  }

  // The left half of a row: whether it can be opened, the service where the call enters it, what the span is.
  name(line, inside) {
    const { index, members } = this.lines[line];
    const span = this.data.spans[index];
    const service = this.data.services[span.service];
    const failed = inside.map((each) => this.data.spans[each]).find((each) => each.error);
    const sign = this.canOpen(line) ? (this.actions.tree.isOpen(index) ? "▾" : "▸") : "";
    const name = h("div", { class: "name" },
      h("button", { type: "button", class: "twist", tabindex: "-1", onclick: stopping(() => this.actions.toggle(index)) }, sign),
      h("i", { class: "swatch" }),
      failed && h("span", { class: "cross", title: failed.errorText }, "✗"),
      this.entersService(index) && h("span", { class: "service" }, service),
      members && h("span", { class: "times" }, `× ${members.length}`),
      this.actions.tree.open.has(index) && h("button", {
        type: "button", class: "times", tabindex: "-1", title: "show as one line (←)", onclick: stopping(() => this.actions.fold(index)),
      }, "fold"),
      h("span", { class: "label", title: `${service} ${span.label}` }, span.short),
      span.orphan && h("span", { class: "orphan" }, "parent missing"));
    name.style.paddingLeft = `calc(${Math.min(span.depth, DEEPEST)} * var(--indent))`;
    return name;
  }

  entersService(index) {
    const parent = this.data.spans[this.actions.tree.parents[index]];
    return parent?.service !== this.data.spans[index].service;
  }

  // How long the span took, and its bar: where it was, in it what nobody explains and what the trace waited for.
  bar(shown, inside) {
    const isLeaf = (index) => !this.actions.tree.hasChildren(index);
    const parts = [];
    let start = Infinity, end = 0, total = 0;
    for (const index of shown) {
      const span = this.data.spans[index];
      parts.push(this.piece(isLeaf(index) ? "extent leaf" : "extent", span.start, span.start + span.duration, 0));
      for (const [from, to] of span.gaps) parts.push(this.piece("gap", from, to, THINNEST));
      start = Math.min(start, span.start);
      end = Math.max(end, span.start + span.duration);
      total += span.duration;
    }
    for (const index of inside) {
      const span = this.data.spans[index];
      const kind = `own${isLeaf(index) ? "" : " dark"}${span.longest ? " hot" : ""}`;
      for (const [from, to] of span.path) {
        parts.push(this.piece(kind, from, to, span.path.length > 1 || inside.length > 1 ? THINNEST : 0));
      }
    }
    return [
      h("b", { class: "length" }, shown.length > 1 ? `Σ ${duration(total)}` : duration(total)),
      h("div", { class: "bar" }, ...parts.filter(Boolean), this.elsewhere(start, end)),
    ];
  }

  // An arrow to where the span is, when what is zoomed to does not have it.
  elsewhere(start, end) {
    if (this.percent(start) > 99.9) return h("span", { class: "elsewhere after" }, "→");
    return this.percent(end) <= 0 ? h("span", { class: "elsewhere" }, "←") : null;
  }

  piece(kind, from, to, thinnest) {
    const left = this.percent(from), right = this.percent(to);
    if (right < 0 || left > 100 || right - left < thinnest) return null;
    const element = h("i", { class: kind });
    element.style.left = `${Math.max(left, -1)}%`;
    element.style.width = `${Math.min(right, 101) - Math.max(left, -1)}%`;
    return element;
  }

  percent(ms) {
    return ((ms - this.from) / (this.to - this.from)) * 100;
  }
}

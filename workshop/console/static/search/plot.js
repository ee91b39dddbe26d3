// The scatter plot: uPlot draws axes and marks time; dots, marks and the chosen region are drawn here.
import uPlot from "../vendor/uPlot.esm.js";
import { h } from "../dom.js";
import { duration } from "../format.js";
import { inside, moved } from "./region.js";

const NEAR = 14; // px from a dot within which it is meant
const FAILED = 1, UNDER_WAY = 2;
const FONT = "15px system-ui, sans-serif";
const ROWS = 3; // rows that texts of marks close to one another have

const clock = (ms) => new Date(ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

// Quiet pages say that something was changed, and not what (page.js).
const quiet = () => document.documentElement.dataset.quiet !== undefined;

// A colour of console.css as the canvas takes it, for the theme that is on.
function inks() {
  const probe = document.body.appendChild(h("i", { hidden: true }));
  const ink = (name) => {
    probe.className = `ink-${name}`;
    return getComputedStyle(probe).color;
  };
  const found = { text: ink("quiet"), line: ink("line"), paper: ink("paper"), bad: ink("bad"), mark: ink("mark") };
  found.services = Array.from({ length: 12 }, (_, number) => ink(number));
  probe.remove();
  return found;
}

export class Plot {
  // actions: open(id, event) for a click on a dot, choose(region, dots) for a region, or null when it is dropped.
  constructor(place, actions) {
    Object.assign(this, { place, actions, data: null, region: null, kept: null, nearest: null });
    this.tip = h("div", { class: "plot-tip", hidden: true });
    new ResizeObserver(() => this.uplot?.setSize(this.size())).observe(place);
    place.addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("quiet-changed", () => this.uplot?.redraw(false));
    for (const event of ["theme-changed", "change"]) {
      (event === "change" ? matchMedia("(prefers-color-scheme: dark)") : document).addEventListener(event, () => this.repaint());
    }
  }

  show(data) {
    this.data = data;
    if (!this.uplot) return this.create();
    this.uplot.setData(this.columns());
    this.drawRegion();
  }

  columns() {
    const { dots } = this.data;
    return [dots.map((dot) => dot[0]), dots.map((dot) => dot[1])];
  }

  size() {
    return { width: this.place.clientWidth, height: this.place.clientHeight };
  }

  create() {
    this.inks = inks();
    const axis = (more) => ({ stroke: () => this.inks.text, font: FONT, ticks: { show: false }, ...more });
    this.uplot = new uPlot({
      ...this.size(),
      ms: 1,
      padding: [8, 36, 0, 0],
      legend: { show: false },
      scales: {
        x: { range: () => [this.data.from, this.data.to] },
        y: { range: (_, _least, most) => [0, most > 0 ? most * 1.12 : 1] },
      },
      axes: [
        axis({ size: 26, gap: 2, grid: { show: false }, space: 110, values: (_, times) => times.map((ms) => clock(Math.round(ms))) }),
        axis({ size: 78, grid: { stroke: () => this.inks.line, width: 1 }, space: 34, values: (_, all) => all.map((ms) => (ms ? duration(ms) : "0")) }),
      ],
      series: [{}, { paths: () => null, points: { show: false } }],
      cursor: { x: false, y: false, points: { show: false }, drag: { x: true, y: true, setScale: false } },
      hooks: { draw: [() => this.drawMarks(), () => this.drawKept(), () => this.drawDots()], setSelect: [() => this.selected()] },
    }, this.columns(), this.place);
    const { over } = this.uplot;
    over.append(this.tip);
    over.addEventListener("mousemove", (event) => this.point(event));
    over.addEventListener("mouseleave", () => this.point(null));
    over.addEventListener("click", (event) => this.nearest && this.actions.open(this.nearest[4], event));
  }

  repaint() {
    this.inks = inks();
    this.uplot?.redraw(false);
  }

  // Where a dot is, in CSS px from the plot's upper left corner.
  at([time, ms]) {
    return [this.uplot.valToPos(time, "x"), this.uplot.valToPos(ms, "y")];
  }

  drawDots() {
    const { ctx } = this.uplot, ratio = devicePixelRatio;
    const radius = (this.data.dots.length > 200 ? 4 : 6) * ratio;
    // The slow ones are drawn last: on top of the many.
    for (const dot of [...this.data.dots].sort((a, b) => a[1] - b[1])) {
      const x = this.uplot.valToPos(dot[0], "x", true), y = this.uplot.valToPos(dot[1], "y", true);
      ctx.beginPath();
      if (dot[3] === FAILED) {
        const far = radius * 1.4;
        ctx.moveTo(x, y - far);
        for (const [dx, dy] of [[far, 0], [0, far], [-far, 0]]) ctx.lineTo(x + dx, y + dy);
        ctx.closePath();
      } else ctx.arc(x, y, radius, 0, 2 * Math.PI);
      const ink = dot[3] === FAILED ? this.inks.bad : this.inks.services[this.data.kinds[dot[2]].colour];
      const open = dot[3] === UNDER_WAY;
      ctx.fillStyle = open ? this.inks.paper : ink;
      ctx.strokeStyle = open ? this.inks.text : this.inks.paper;
      ctx.lineWidth = 1.5 * ratio;
      ctx.setLineDash(open ? [3 * ratio, 3 * ratio] : []);
      ctx.fill();
      ctx.stroke();
    }
    ctx.setLineDash([]);
  }

  drawMarks() {
    const { ctx, bbox } = this.uplot, ratio = devicePixelRatio;
    ctx.save();
    ctx.font = `600 ${15 * ratio}px system-ui, sans-serif`;
    ctx.textBaseline = "top";
    const rows = Array.from({ length: ROWS }, () => []); // from where to where there is text in each
    // The latest first: what somebody did just now has its words.
    [...this.data.marks].reverse().forEach(({ at, text: words, answer }) => {
      const text = answer && quiet() ? "a change" : words;
      const x = this.uplot.valToPos(at, "x", true);
      if (x < bbox.left || x > bbox.left + bbox.width) return;
      ctx.strokeStyle = ctx.fillStyle = this.inks.mark;
      ctx.lineWidth = 2 * ratio;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      const room = ctx.measureText(text).width + 8 * ratio;
      const fits = x + room < bbox.left + bbox.width;
      const [from, to] = fits ? [x, x + room] : [x - room, x];
      const row = rows.find((taken) => taken.every((other) => to <= other[0] || from >= other[1]));
      if (!row) return; // the line alone, rather than words on words
      row.push([from, to]);
      ctx.textAlign = fits ? "left" : "right";
      ctx.fillText(text, x + (fits ? 6 : -6) * ratio, bbox.top + rows.indexOf(row) * 18 * ratio);
    });
    ctx.restore();
  }

  point(event) {
    this.nearest = event && this.dotAt(event.offsetX, event.offsetY);
    this.uplot.over.style.cursor = this.nearest ? "pointer" : "crosshair";
    this.tip.hidden = !this.nearest;
    if (!this.nearest) return;
    const [start, ms, kind, state] = this.nearest, [x, y] = this.at(this.nearest);
    const took = state === UNDER_WAY ? "under way" : duration(ms) + (state === FAILED ? ", with an error" : "");
    this.tip.textContent = `${this.data.kinds[kind].name}: ${took}, ${clock(start)}`;
    const left = x > this.uplot.over.clientWidth / 2;
    this.tip.style.left = left ? "" : `${x + 14}px`;
    this.tip.style.right = left ? `${this.uplot.over.clientWidth - x + 14}px` : "";
    this.tip.style.top = `${Math.max(y - 34, 0)}px`;
  }

  dotAt(x, y) {
    let best = null, nearest = NEAR;
    for (const dot of this.data.dots) {
      const [dotX, dotY] = this.at(dot), far = Math.hypot(dotX - x, dotY - y);
      if (far <= nearest) [best, nearest] = [dot, far];
    }
    return best;
  }

  // A region was drawn with the mouse; a mere click drops the one before.
  selected() {
    const { left, top, width, height } = this.uplot.select;
    if (this.drawing) return;
    if (width < 5 || height < 5) return this.choose(null);
    const { uplot } = this;
    this.choose({
      from: uplot.posToVal(left, "x"), to: uplot.posToVal(left + width, "x"),
      max: uplot.posToVal(top, "y"), min: Math.max(uplot.posToVal(top + height, "y"), 0),
    });
  }

  choose(region) {
    this.region = region;
    this.drawRegion();
  }

  // By keyboard: arrows move the region, with Shift they move its right or upper edge.
  key(event) {
    if (!this.uplot || !event.key.startsWith("Arrow") || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const { from, to } = this.data;
    this.choose(moved(this.region, event.key, event.shiftKey, { from, to, min: 0, max: this.uplot.scales.y.max }));
  }

  // The region becomes the one before, and another one can be chosen to be compared with it.
  keep() {
    this.kept = this.region;
    this.choose(null);
    this.uplot.redraw(false);
  }

  // Drops the region, then the one that is kept.
  drop() {
    if (!this.region) this.kept = null;
    this.choose(null);
    this.uplot?.redraw(false);
  }

  dotsIn(region) {
    return region ? this.data.dots.filter((dot) => inside(dot, region)) : [];
  }

  drawKept() {
    if (!this.kept) return;
    const { ctx, bbox } = this.uplot, ratio = devicePixelRatio;
    const [left, right] = [this.kept.from, this.kept.to].map((ms) => this.uplot.valToPos(ms, "x", true));
    const [top, bottom] = [this.kept.max, this.kept.min].map((ms) => this.uplot.valToPos(ms, "y", true));
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.strokeStyle = ctx.fillStyle = this.inks.text;
    ctx.setLineDash([6 * ratio, 4 * ratio]);
    ctx.lineWidth = 2 * ratio;
    ctx.strokeRect(left, top, right - left, bottom - top);
    ctx.font = `600 ${15 * ratio}px system-ui, sans-serif`;
    ctx.textBaseline = "top";
    ctx.fillText("before", left + 6 * ratio, Math.max(top, bbox.top) + 4 * ratio);
    ctx.restore();
  }

  // The region stays where its times and durations are when the plot moves on.
  drawRegion() {
    const { region, uplot } = this;
    this.drawing = true;
    if (region) {
      const [left, top] = this.at([region.from, region.max]), [right, bottom] = this.at([region.to, region.min]);
      uplot.setSelect({ left, top, width: right - left, height: bottom - top }, false);
    } else uplot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.drawing = false;
    this.actions.choose(region, this.dotsIn(region));
  }
}

// A region of the plot: what lies in it, how keys move it, and the pages that list or compare what it holds.
import { count, duration } from "../format.js";

const UNDER_WAY = 2;
const STEPS = 20; // key strokes from one edge of the plot to the other

// Whether a whole trace's dot lies in a region.
export const inside = ([time, ms, , state], region) =>
  state !== UNDER_WAY && time >= region.from && time <= region.to && ms >= region.min && ms <= region.max;

// What a region holds, in words: how many traces, and how long they took.
export function summary(dots) {
  const sorted = dots.map((dot) => dot[1]).sort((a, b) => a - b);
  if (!sorted.length) return "no trace drawn in this region";
  const rank = (percent) => sorted[Math.max(Math.ceil((percent / 100) * sorted.length) - 1, 0)];
  return `${count(sorted.length, "trace")} drawn in this region: p50 ${duration(rank(50))}, p95 ${duration(rank(95))}`;
}

// The search that lists a region's traces.
export function searchOf(region, query) {
  return `/?${new URLSearchParams({ ...query, ...bounds(region) })}`;
}

function bounds(region) {
  const ms = (value, round) => `${round(value * 1000) / 1000}ms`;
  return {
    from: Math.floor(region.from), to: Math.ceil(region.to), min: ms(region.min, Math.floor), max: ms(region.max, Math.ceil),
  };
}

// A region moved by an arrow key inside the whole plot; with `grow` only its right or upper edge. The first one is
// the last third of the time.
export function moved(region, key, grow, whole) {
  if (!region) return { ...whole, from: whole.to - (whole.to - whole.from) / 3 };
  const sideways = key === "ArrowLeft" || key === "ArrowRight";
  const [low, high] = sideways ? ["from", "to"] : ["min", "max"];
  const step = (whole[high] - whole[low]) / STEPS;
  let by = key === "ArrowRight" || key === "ArrowUp" ? step : -step;
  const edge = (name, to) => ({ ...region, [name]: to });
  if (grow) return edge(high, Math.min(Math.max(region[high] + by, region[low] + step), whole[high]));
  by = Math.min(Math.max(by, whole[low] - region[low]), whole[high] - region[high]);
  // One that fills the plot from edge to edge has nowhere to go: its near edge gives way.
  if (!by) return edge(low, Math.min(region[low] + step, region[high] - step));
  return { ...region, [low]: region[low] + by, [high]: region[high] + by };
}

// The page that compares two regions as populations.
export function changesOf(before, after, query) {
  const address = new URLSearchParams(query);
  for (const [side, region] of Object.entries({ before, after })) {
    for (const [name, value] of Object.entries(bounds(region))) address.set(`${side}_${name}`, value);
  }
  return `/changes?${address}`;
}

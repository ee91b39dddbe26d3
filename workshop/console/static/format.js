// Durations and shares, written as workshop/traces/wording.py writes them.

export function duration(ms) {
  if (ms === 0) return "0 ms";
  const size = Math.abs(ms);
  if (size < 9.95) return `${ms.toFixed(size < 0.995 ? 2 : 1)} ms`;
  if (size < 999.5) return `${ms.toFixed(0)} ms`;
  if (size < 59995) return `${(ms / 1000).toFixed(2)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

export function share(part) {
  const percent = part * 100;
  return percent > 0 && percent < 1 ? "<1%" : `${percent.toFixed(0)}%`;
}

export const count = (number, one) => `${number.toLocaleString("en")} ${one}${number === 1 ? "" : "s"}`;

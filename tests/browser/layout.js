// What is wrong with how a page is laid out, as sentences: boxes are measured, pictures are not looked at.
() => {
  const wrong = [];
  const shown = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const name = (element) => {
    const text = (element.textContent || element.value || "").trim().replace(/\s+/g, " ").slice(0, 40);
    return `${element.tagName.toLowerCase()}${element.id ? `#${element.id}` : ""}.${[...element.classList].join(".")} "${text}"`;
  };
  const ownText = (element) => [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  const all = [...document.body.querySelectorAll("*")].filter((element) => !element.closest("dialog, script, noscript, defs, .visually-hidden, .skip, option, title") && shown(element));
  const clips = (element) => ["hidden", "auto", "scroll", "clip"].includes(getComputedStyle(element).overflowX);

  // Nothing stands outside of the window, or has to be scrolled to sideways.
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) wrong.push(`the page is ${document.documentElement.scrollWidth} px wide in a window of ${width}`);
  for (const element of all) {
    if (!ownText(element) || getComputedStyle(element).textOverflow === "ellipsis") continue; // what ends with dots is cut, below
    const range = document.createRange();
    range.selectNodeContents(element);
    const box = range.getBoundingClientRect();
    if (box.left < -1 || box.right > width + 1) wrong.push(`${name(element)} is outside of the window: ${box.left}..${box.right} of ${width}`);
  }

  // What should hold something holds something.
  for (const selector of ["main", ".split", ".waterfall", ".scroller", ".panel", ".plot canvas", ".map svg", "table tbody", ".summary", ".legend", ".tools"]) {
    for (const element of document.querySelectorAll(selector)) {
      const box = element.getBoundingClientRect();
      if (shown(element) && (box.width < 20 || box.height < 15)) wrong.push(`${name(element)} (${selector}) is empty: ${box.width} by ${box.height}`);
    }
  }

  // No name is cut: neither with dots nor without.
  for (const element of all) {
    if (!ownText(element) || element.closest("select, pre, textarea, input")) continue;
    for (let around = element; around && around !== document.body; around = around.parentElement) {
      if (!clips(around)) continue;
      const scrolls = ["auto", "scroll"].includes(getComputedStyle(around).overflowX);
      const range = document.createRange();
      range.selectNodeContents(element);
      const text = range.getBoundingClientRect(), box = around.getBoundingClientRect();
      if (!scrolls && (text.right > box.right + 1.5 || text.left < box.left - 1.5)) wrong.push(`${name(element)} is cut at ${box.right - box.left} px by ${name(around)}`);
      break;
    }
  }

  // No text lies on another text, and none on a bar.
  const visible = (element) => {
    let [left, right, top, bottom] = [-Infinity, Infinity, -Infinity, Infinity];
    for (let around = element; around && around !== document.body; around = around.parentElement) {
      if (!clips(around)) continue;
      const box = around.getBoundingClientRect();
      [left, right, top, bottom] = [Math.max(left, box.left), Math.min(right, box.right), Math.max(top, box.top), Math.min(bottom, box.bottom)];
    }
    return right - left > 1 && bottom - top > 1 ? { left, right, top, bottom } : null;
  };
  const sticky = (element) => element.closest(".compare-bar.chosen, .tabs");
  const texts = all.filter((element) => ownText(element) && !sticky(element) && !element.closest("select")).map((element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    const lines = [...range.getClientRects()].filter((line) => line.width > 1);
    const around = visible(element);
    const seen = around ? lines.filter((line) => line.bottom > around.top + 4 && line.top < around.bottom - 4) : [];
    // Of a name that ends with dots, what is behind them lies on nothing.
    const upTo = (line) => ({ left: Math.max(line.left, around.left), right: Math.min(line.right, around.right), top: line.top, bottom: line.bottom });
    return { element, lines: seen.map(upTo) };
  });
  const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 5;
  for (let one = 0; one < texts.length; one += 1) {
    for (let other = one + 1; other < texts.length; other += 1) {
      const [a, b] = [texts[one], texts[other]];
      if (a.element.contains(b.element) || b.element.contains(a.element)) continue;
      if (a.lines.some((line) => b.lines.some((each) => meet(line, each)))) wrong.push(`${name(a.element)} lies on ${name(b.element)}`);
    }
  }
  const bars = all.filter((element) => element.matches(".bar > i")).map((element) => {
    const box = element.getBoundingClientRect(), around = visible(element);
    return around && box.bottom > around.top && box.top < around.bottom ? box : null;
  }).filter(Boolean);
  for (const { element, lines } of texts) {
    if (lines.some((line) => bars.some((box) => meet(line, box)))) wrong.push(`${name(element)} covers a bar`);
  }

  // The map: labels keep off boxes and arrow heads, and can be read.
  const boxes = [...document.querySelectorAll(".map .node rect")].map((rect) => rect.getBoundingClientRect());
  const labels = [...document.querySelectorAll(".map .edge-label")].map((label) => label.getBoundingClientRect());
  const tips = [...document.querySelectorAll(".map path.edge")].map((path) => {
    const end = path.getPointAtLength(path.getTotalLength()).matrixTransform(path.getScreenCTM());
    return { left: end.x - 2, right: end.x + 2, top: end.y - 2, bottom: end.y + 2 };
  });
  const touch = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
  labels.forEach((label, index) => {
    if (boxes.some((box) => touch(label, box))) wrong.push(`label ${index} of the map lies on a box`);
    if (tips.some((tip) => touch(label, tip))) wrong.push(`label ${index} of the map covers the head of an arrow`);
    if (labels.some((other, at) => at > index && touch(label, other))) wrong.push(`label ${index} of the map lies on another`);
  });
  boxes.forEach((box, index) => {
    if (boxes.some((other, at) => at > index && touch(box, other))) wrong.push(`box ${index} of the map lies on another`);
  });
  return wrong;
}

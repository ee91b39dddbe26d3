// Which lines of a trace are shown: what is closed, which repeats are one line, whether only the critical path is wanted.

export class Tree {
  // spans: in the order of the tree, with their depth; repeats: lists of ids of siblings that do the same work.
  constructor(spans, repeats) {
    this.spans = spans;
    this.index = new Map(spans.map((span, index) => [span.id, index]));
    this.closed = new Set();
    this.open = new Set(); // repeats shown one by one, by the index of the first
    this.onlyPath = false;
    this.after = afterEach(spans);
    this.repeats = new Map();
    this.repeatOf = new Map();
    for (const ids of repeats) {
      const members = ids.map((id) => this.index.get(id));
      this.repeats.set(members[0], members);
      for (const member of members) this.repeatOf.set(member, members[0]);
    }
    this.parents = parentOfEach(spans);
    // On the path is a span with time of its own there, and every span above one.
    this.onPath = new Array(spans.length).fill(false);
    for (let index = spans.length - 1; index >= 0; index -= 1) {
      if (spans[index].critical > 0) this.onPath[index] = true;
      if (this.onPath[index] && this.parents[index] >= 0) this.onPath[this.parents[index]] = true;
    }
  }

  // The spans that a line stands for: itself, or folded repeats with all that is below them.
  within({ index, members }) {
    if (!members) return [index];
    return members.flatMap((member) => Array.from({ length: this.after[member] - member }, (_, below) => member + below));
  }

  hasChildren(index) {
    return this.after[index] > index + 1;
  }

  // The lines to show, as {index, members}; members is there for repeats shown as one.
  lines() {
    const lines = [];
    for (let index = 0; index < this.spans.length;) {
      const first = this.repeatOf.get(index);
      const folded = first !== undefined && !this.open.has(first);
      const members = folded && first === index ? this.repeats.get(first) : [index];
      if (this.onlyPath && !members.some((member) => this.onPath[member])) {
        index = this.after[index];
      } else if (folded) {
        if (first === index) lines.push({ index, members });
        index = this.after[index];
      } else {
        lines.push({ index });
        index = this.closed.has(index) ? this.after[index] : index + 1;
      }
    }
    return lines;
  }

  // Opens whatever hides the span, and says whether anything did.
  reveal(index) {
    let hidden = this.onlyPath && !this.onPath[index];
    if (hidden) this.onlyPath = false;
    for (let at = index; at >= 0; at = this.parents[at]) {
      if (at !== index && this.closed.delete(at)) hidden = true;
      const first = this.repeatOf.get(at);
      if (first === undefined || this.open.has(first) || (at === index && first === index)) continue;
      this.open.add(first);
      hidden = true;
    }
    return hidden;
  }

  setOpen(index, open) {
    const first = this.repeatOf.get(index);
    if (open && first === index && !this.open.has(first)) this.open.add(first);
    else if (open) this.closed.delete(index);
    else if (this.hasChildren(index) && !this.closed.has(index)) this.closed.add(index);
  }

  // Shows repeats as one line again; returns the first of them, undefined where the span is no opened repeat.
  fold(index) {
    const first = this.repeatOf.get(index);
    return this.open.delete(first) ? first : undefined;
  }

  isOpen(index) {
    const first = this.repeatOf.get(index);
    return !(first !== undefined && !this.open.has(first)) && this.hasChildren(index) && !this.closed.has(index);
  }
}

// For each span the index of the next one that is not below it.
function afterEach(spans) {
  const after = new Array(spans.length).fill(spans.length);
  const open = [];
  spans.forEach((span, index) => {
    while (open.length && spans[open.at(-1)].depth >= span.depth) after[open.pop()] = index;
    open.push(index);
  });
  return after;
}

function parentOfEach(spans) {
  const open = [];
  return spans.map((span, index) => {
    while (open.length && spans[open.at(-1)].depth >= span.depth) open.pop();
    const parent = open.at(-1) ?? -1;
    open.push(index);
    return parent;
  });
}

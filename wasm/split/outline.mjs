// Moves out of a function what never ran: the cold ends of its blocks become functions of their own, so that the function itself
// can be loaded without them. A block's instructions run in order, so what never ran is always its end; and what an end reads and
// writes is the function's locals, which become parameters and results. Where an end leaves for, it tells by a number.
import { I32, Reader, Writer, instructions, op } from "./binary.mjs";

const EMPTY = 0x40;
const ZERO = { 0x7f: [op.i32Const, 0], 0x7e: [0x42, 0], 0x7d: [0x43, 0, 0, 0, 0], 0x7c: [0x44, 0, 0, 0, 0, 0, 0, 0, 0] };
/** What a call costs besides its arguments: a place in the table, the check, the call. */
const CALL = 9;

/**
 * Makes functions of the cold ends of those functions that are kept, and calls them. `ran(func, at)` says whether that function's
 * instruction at that place ran; `gain` is how many bytes an end has to save.
 */
export function outline(module, kept, ran, gain) {
  const types = new Map(module.types.map((type, index) => [JSON.stringify(type), index]));
  const typed = (type) => {
    const key = JSON.stringify(type);
    if (!types.has(key)) types.set(key, module.types.push(type) - 1);
    return types.get(key);
  };
  for (const [index, func] of [...module.funcs.entries()]) {
    if (!kept(index)) continue;
    const body = new Writer();
    let at = 0;
    for (const end of coldEnds(module, func, (place) => ran(index, place), gain)) {
      body.put(func.body.subarray(at, end.from)).put(end.before).byte(op.call).number(module.imports.length + module.funcs.length).put(end.after);
      at = end.to;
      module.funcs.push({ type: typed(end.type), locals: end.locals, body: end.body(typed) });
    }
    if (at) func.body = body.put(func.body.subarray(at)).bytes;
  }
}

function coldEnds(module, func, hot, gain) {
  const locals = [...module.types[func.type].params, ...func.locals];
  const root = tree(module, func, module.types[func.type], hot);
  const ends = [];
  collect(root, [root], ends);
  if (!ends.length) return [];
  liveness(root, locals.length);
  const spare = new Map();
  const own = (type, use) => {
    const key = `${use} ${type}`;
    if (!spare.has(key)) spare.set(key, module.types[func.type].params.length + func.locals.push(type) - 1);
    return spare.get(key);
  };
  return ends.map((end) => cut(func, end, locals, own)).filter((end) => end && end.saved >= gain).sort((a, b) => a.from - b.from);
}

/** The blocks of a function: each a list of instructions, of which some hold blocks. */
function tree(module, func, type, hot) {
  const frame = (kind, results, labelled) => ({ kind, results, labelled, items: [], height: 0, dead: false, cold: undefined });
  const root = frame("function", type.results, type.results);
  const open = [root];
  const r = new Reader(func.body);
  for (const it of instructions(r, module)) {
    const top = open.at(-1);
    if (it.code === op.else) {
      top.end = it.from;
      const other = frame("if", top.results, top.labelled);
      top.item.frames.push(other);
      other.item = top.item;
      open[open.length - 1] = other;
      continue;
    }
    if (it.code === op.end) {
      top.end = it.from;
      open.pop();
      if (top.item) {
        top.item.to = it.to;
        const outer = open.at(-1);
        if (!outer.dead) outer.height += top.results.length;
        top.item.after = outer.height;
      }
      continue;
    }
    // What cannot be reached is not worth a thought.
    if (top.dead) { if ([op.block, op.loop, op.if].includes(it.code)) throw new Error("a block that nothing reaches"); continue; }
    const item = { ...it, before: top.height, hot: hot(it.from), frames: [] };
    const label = (depth) => open[open.length - 1 - depth];
    if (it.code === op.br || it.code === op.brIf) item.targets = [label(it.a)];
    if (it.code === op.brTable) item.targets = it.labels.map(label);
    if (it.code === op.return) item.targets = [root];
    const carried = item.targets ? item.targets.at(-1).labelled.length : 0;
    item.lowest = top.height - it.pops - carried;
    top.height += it.pushes - it.pops;
    item.after = top.height;
    top.items.push(item);
    if ([op.br, op.brTable, op.return, op.unreachable].includes(it.code)) top.dead = true;
    if (it.code === op.block || it.code === op.loop || it.code === op.if) {
      const kind = it.code === op.loop ? "loop" : it.code === op.if ? "if" : "block";
      const inner = frame(kind, it.type.results, it.code === op.loop ? it.type.params : it.type.results);
      if (it.type.params.length) throw new Error("a block with parameters");
      inner.item = item;
      item.frames.push(inner);
      open.push(inner);
    }
  }
  return root;
}

/** The cold ends of a block, and of the blocks in what is before. */
function collect(frame, chain, ends) {
  const { items } = frame;
  let first = items.findIndex(({ hot }) => !hot);
  if (first < 0) first = items.length;
  for (const item of items.slice(0, first)) for (const inner of item.frames) collect(inner, [inner, ...chain], ends);
  if (first === items.length) return;
  // What was put on the stack before it stays there.
  for (; first < items.length; first++) {
    const base = items[first].before;
    if (items.slice(first).every(({ lowest }) => lowest >= base)) break;
  }
  if (first < items.length) {
    frame.cold = first;
    ends.push({ frame, first, chain });
  }
}

/** Which locals are read later: at the labels, and where the cold ends begin. */
function liveness(root, count) {
  const words = (count + 31) >> 5;
  const none = () => new Uint32Array(words);
  const join = (into, from) => { let more = false; for (let i = 0; i < words; i++) { const bits = (into[i] | from[i]) >>> 0; more ||= bits !== into[i]; into[i] = bits; } return more; };
  root.live = none();
  const walk = (frame, after) => {
    let live = after.slice();
    for (let i = frame.items.length - 1; i >= 0; i--) {
      const item = frame.items[i];
      const bit = 1 << (item.a & 31);
      switch (item.code) {
        case op.localGet: live[item.a >> 5] |= bit; break;
        case op.localSet: case op.localTee: live[item.a >> 5] &= ~bit; break;
        case op.unreachable: live = none(); break;
        case op.br: case op.brTable: case op.return: live = none();
        // falls through
        case op.brIf: for (const { live: there } of item.targets) join(live, there); break;
        case op.block: item.frames[0].live = live; live = walk(item.frames[0], live); break;
        case op.if: {
          const after = live;
          for (const inner of item.frames) inner.live = after;
          live = item.frames.length === 1 ? after.slice() : none();
          for (const inner of item.frames) join(live, walk(inner, after));
          break;
        }
        case op.loop: {
          const inner = item.frames[0];
          inner.live ??= none();
          inner.fall = live;
          let start;
          do start = walk(inner, live); while (join(inner.live, start));
          live = start;
          break;
        }
      }
      if (i === frame.cold) frame.liveAtCold = live.slice();
    }
    return live;
  };
  walk(root, none());
}

/** One end as a function of its own, and what calls it. Nothing where what it leaves behind is too different. */
function cut(func, { frame, first, chain }, locals, own) {
  const items = frame.items.slice(first);
  const [from, to, height] = [items[0].from, frame.end, items[0].before];
  const falls = !frame.dead;
  if (frame.kind === "loop" && height) return undefined;
  // Where it leaves for: a block's label, or out of the loop whose end it is.
  const exits = [];
  const exit = (target) => { if (!exits.includes(target)) exits.push(target); };
  const read = new Set();
  const written = new Set();
  const visit = (list, inside) => {
    for (const item of list) {
      if (item.code === op.localGet) read.add(item.a);
      if (item.code === op.localSet || item.code === op.localTee) written.add(item.a);
      for (const target of item.targets ?? []) if (!inside.has(target)) exit(target);
      for (const inner of item.frames) visit(inner.items, new Set([...inside, inner]));
    }
  };
  visit(items, new Set());
  const out = frame.kind === "loop" ? "out" : frame;
  if (falls) exit(out);
  const carries = (target) => (target === "out" ? frame.results : target.labelled);
  if (falls && carries(out).length && height !== 0) return undefined;
  if (exits.some((target) => carries(target).length > 1)) return undefined;

  // How the caller goes on.
  const valued = exits.filter((target) => carries(target).length);
  const value = valued.length ? carries(valued[0])[0] : undefined;
  if (valued.some((target) => carries(target)[0] !== value)) return undefined;
  const depth = (target) => (target === "out" ? 0 : chain.indexOf(target));
  // The one for which nothing needs to be done comes first.
  exits.sort((a, b) => carries(a).length - carries(b).length || Number(b === out) - Number(a === out));
  const go = new Writer();
  const jump = (w, target) => {
    if (target === out && height === 0) return;
    if (target.kind === "function") w.byte(op.return); else w.byte(op.br).number(depth(target));
  };
  if (!exits.length) go.byte(op.unreachable);
  else if (exits.length === 1) jump(go, exits[0]);
  else if (exits.length === 2 && (valued.length === 0 || valued.length === 1)) {
    const [plain, other] = exits;
    if (other === "out") return undefined;
    go.byte(op.brIf).number(depth(other));
    if (value !== undefined) go.byte(0x1a);
    jump(go, plain);
  } else if (valued.length === 0 || valued.length === exits.length) {
    if (exits.includes("out")) {
      if (value !== undefined) return undefined;
      go.byte(op.brTable).many(exits.slice(0, -1), (target) => go.number(target === "out" ? 0 : depth(target) + 1));
      go.number(exits.at(-1) === "out" ? 0 : depth(exits.at(-1)) + 1).byte(op.end);
    } else {
      go.byte(op.brTable).many(exits.slice(0, -1), (target) => go.number(depth(target))).number(depth(exits.at(-1)));
    }
  } else if (valued.length === 1 && !exits.includes("out")) {
    // The value waits until it is known whether it is one.
    go.byte(op.localSet).number(own(I32, "exit")).byte(op.localSet).number(own(value, "value")).byte(op.localGet).number(own(I32, "exit"));
    go.byte(op.brTable).many(exits.slice(0, -1), (target) => go.number(depth(target) + 1)).number(0).byte(op.end);
    go.byte(op.localGet).number(own(value, "value"));
    jump(go, exits.at(-1));
  } else return undefined;
  const wrapped = exits.length > 2 && (exits.includes("out") || valued.length % exits.length > 0);

  // Locals go in and come out, sorted by their types so that few types of functions are needed.
  const live = (target) => (target === "out" ? frame.fall : target.live);
  const has = (set, local) => (set[local >> 5] >>> (local & 31)) & 1;
  const sorted = (list) => list.sort((a, b) => locals[b] - locals[a] || a - b);
  const outs = sorted([...written].filter((local) => exits.some((target) => has(live(target), local))));
  const ins = sorted([...new Set([...read, ...outs])].filter((local) => has(frame.liveAtCold, local)));
  const inner = sorted([...new Set([...read, ...written])].filter((local) => !ins.includes(local)));
  const place = new Map([...ins, ...inner].map((local, index) => [local, index]));
  const told = exits.length > 1;
  const type = {
    params: ins.map((local) => locals[local]),
    results: [...(value === undefined ? [] : [value]), ...(told ? [I32] : []), ...outs.map((local) => locals[local])],
  };

  // The caller.
  const before = new Writer();
  if (wrapped) before.byte(op.block, EMPTY);
  for (const local of ins) before.byte(op.localGet).number(local);
  const after = new Writer();
  for (const local of outs.toReversed()) after.byte(op.localSet).number(local);
  after.put(go.bytes);

  const saved = to - from - before.bytes.length - after.bytes.length - CALL;
  return { from, to, type, before: before.bytes, after: after.bytes, locals: inner.map((local) => locals[local]), body: theEnd, saved };

  // The end itself, in a block for each place that it leaves for.
  function theEnd(typed) {
    const body = new Writer();
    const block = (result) => body.byte(op.block, result ?? EMPTY);
    const both = told && value !== undefined ? { params: [], results: [value, I32] } : undefined;
    if (both) body.byte(op.block).signed(typed(both)); else if (told) block(I32);
    for (const target of exits.toReversed()) block(carries(target)[0]);
    const relabel = (target, label, inside) => (inside.has(target) ? label : inside.size + exits.indexOf(target));
    const write = (list, inside) => {
      for (const item of list) {
        switch (item.code) {
          case op.localGet: case op.localSet: case op.localTee: body.byte(item.code).number(place.get(item.a)); break;
          case op.br: case op.brIf: body.byte(item.code).number(relabel(item.targets[0], item.a, inside)); break;
          case op.return: body.byte(op.br).number(relabel(item.targets[0], undefined, inside)); break;
          case op.brTable: {
            const labels = item.labels.map((label, index) => relabel(item.targets[index], label, inside));
            body.byte(op.brTable).many(labels.slice(0, -1), (label) => body.number(label)).number(labels.at(-1));
            break;
          }
          case op.block: case op.loop: case op.if: {
            body.byte(item.code);
            if (item.type.results.length > 1) throw new Error("a block of several values");
            body.byte(item.type.results[0] ?? EMPTY);
            for (const [index, inner] of item.frames.entries()) {
              if (index) body.byte(op.else);
              write(inner.items, new Set([...inside, inner]));
            }
            body.byte(op.end);
            break;
          }
          default: body.put(func.body.subarray(item.from, item.to));
        }
      }
    };
    write(items, new Set());
    if (falls && exits.indexOf(out) > 0) body.byte(op.br).number(exits.indexOf(out));
    for (const [index, target] of exits.entries()) {
      body.byte(op.end);
      if (!told) continue;
      if (value !== undefined && !carries(target).length) body.put(ZERO[value]);
      body.byte(op.i32Const).signed(index);
      if (index < exits.length - 1) body.byte(op.br).number(exits.length - 1 - index);
    }
    if (told) body.byte(op.end);
    if (!exits.length) body.byte(op.unreachable);
    for (const local of outs) body.byte(op.localGet).number(place.get(local));
    body.byte(op.end);
    return body.bytes;
  }
}

// Which constants the first module can come to. The linker's map says where each lies. Code comes to a constant by its address,
// which is a number in the code or in another constant that it comes to, and from there to all of that constant and to no other.
// What no function of the first module comes to may come with the second.
import { Reader, instructions, op } from "./binary.mjs";

const I64_CONST = 0x42;
/** One of them in the map: address, place in the file, size, and in brackets its section. */
const CONSTANT = /^ *([0-9a-f]+) +[0-9a-f]+ +([0-9a-f]+) {9}\S.*:\((\.rodata.*)\)$/;
/** The section of texts that end in a zero, which the linker has put into one. */
const TEXTS = ".rodata";

/** Where the constants lie that nobody writes to, in order. */
export function constants(map) {
  const found = map.split("\n").map((line) => CONSTANT.exec(line)).filter(Boolean);
  return found.map(([, from, size, name]) => {
    const at = Number.parseInt(from, 16);
    return { from: at, to: at + Number.parseInt(size, 16), texts: name === TEXTS };
  }).sort((a, b) => a.from - b.from);
}

/** Divides the data of a module between the two that are made of it. */
export function divide(module, funcs, constants) {
  const from = Math.min(...module.data.map(({ offset }) => offset));
  const to = Math.max(...module.data.map(({ offset, bytes }) => offset + bytes.length));
  const bytes = new Uint8Array(to - from);
  for (const one of module.data) bytes.set(one.bytes, one.offset - from);
  const view = new DataView(bytes.buffer);

  const kept = new Uint8Array(bytes.length).fill(1);
  for (const one of constants) kept.fill(0, one.from - from, one.to - from);
  const open = [];
  const keep = (from_, to_) => {
    if (kept[from_ - from]) return;
    kept.fill(1, from_ - from, to_ - from);
    open.push([from_, to_]);
  };
  const [first, last] = [constants[0].from, constants.at(-1).to];
  const come = (address, code = false) => {
    if (address < first || address >= last) return;
    let [low, high] = [0, constants.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (constants[middle].from <= address) low = middle; else high = middle - 1;
    }
    const one = constants[low];
    // It may as well be the end of the one before, from which its last is reached by counting down.
    if (code && address === one.from && low && constants[low - 1].to === address) {
      const before = constants[low - 1];
      if (before.texts) keep(bytes.lastIndexOf(0, address - from - 2) + 1 + from, address); else keep(before.from, before.to);
    }
    // An end of one is no place to read at.
    if (address > one.to) throw new Error(`the address ${address} is that of no constant`);
    if (one.texts) keep(address, from + bytes.indexOf(0, address - from) + 1); else keep(one.from, one.to);
  };
  for (const { body } of funcs) for (const it of instructions(new Reader(body), module)) {
    if (it.code === op.i32Const) come(new Reader(body, it.from + 1).signed() >>> 0, true);
    else if (it.code >= 0x28 && it.code <= 0x3e) come(it.offset, true);
    else if (it.code === I64_CONST) {
      const value = new Reader(body, it.from + 1).signed64();
      come(Number(value & 0xffffffffn));
      come(Number((value >> 32n) & 0xffffffffn));
    }
  }
  // What may be written to is kept, and may hold addresses.
  const words = (from_, to_) => { for (let at = (from_ + 3) & ~3; at + 4 <= to_; at += 4) come(view.getUint32(at - from, true)); };
  words(last, to);
  while (open.length) words(...open.pop());

  const rest = [];
  for (let at = 0; at < bytes.length; ) {
    if (kept[at] || !bytes[at]) { at++; continue; }
    // A few zeros within are cheaper than a segment of their own.
    let end = at;
    for (let next = at; next < bytes.length && !kept[next] && next < end + 9; next++) if (bytes[next]) end = next + 1;
    rest.push({ offset: from + at, bytes: bytes.slice(at, end) });
    at = end;
  }
  return { first: [{ offset: from, bytes: bytes.map((byte, at) => (kept[at] ? byte : 0)) }], rest };
}

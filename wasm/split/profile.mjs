// Which instructions of the engine run in the chosen scenarios. A mark is set at the beginning of each function and wherever a
// jump may lead or may leave; between two such places everything runs or nothing does.
import { Reader, Writer, emit, instructions, op, parse } from "./binary.mjs";

const PAGE = 65536;
const ENDS = new Set([op.loop, op.if, op.else, op.end, op.brIf]);

/** The module with marks: a byte each, behind the memory that it begins with and that nobody but these writes. */
export function marked(bytes) {
  const module = parse(bytes);
  const from = module.memories[0].min * PAGE;
  let marks = 0;
  const places = module.funcs.map((func) => {
    const out = new Writer();
    const mine = [];
    const mark = (at) => {
      mine.push({ at, mark: marks });
      out.byte(op.i32Const).signed(from + marks++).byte(op.i32Const).signed(1).byte(op.i32Store8).number(0).number(0);
    };
    mark(0);
    for (const it of instructions(new Reader(func.body), module)) {
      out.put(func.body.subarray(it.from, it.to));
      if (ENDS.has(it.code) && it.to < func.body.length) mark(it.to);
    }
    func.body = out.bytes;
    return mine;
  });
  module.memories[0].min += Math.ceil(marks / PAGE);
  return { bytes: emit(module), from, marks, places };
}

/** Takes all marks away. */
export const forget = ({ from, marks }, memory) => void new Uint8Array(memory.buffer, from, marks).fill(0);

/** The marks that are set in the memory of the module with marks. */
export const taken = ({ from, marks }, memory) => new Uint8Array(memory.buffer, from, marks).slice();

/** Whether an instruction ran, by its function and its place there, in one of those that the marks were taken of. */
export function profile({ places, marks: count }, runs) {
  const ran = new Uint8Array(count);
  for (const marks of runs) for (const [mark, set] of marks.entries()) ran[mark] |= set;
  return (func, at) => {
    const mine = places[func];
    let [low, high] = [0, mine.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (mine[middle].at <= at) low = middle; else high = middle - 1;
    }
    return ran[mine[low].mark] === 1;
  };
}

// Splits a module in two: the first is what ran, the second the rest. The first has no entry in its table for what is in the second;
// whoever calls through the table asks for the entry before, and if there is none, the second module is loaded, which fills the
// table. A call from the first into the second goes through the table too.
import { I32, Reader, Writer, instructions, op } from "./binary.mjs";
import { divide } from "./data.mjs";

const [FUNC, TABLE, MEMORY, GLOBAL] = [0, 1, 2, 3];
const TABLE_GET = 0x25;
const REF_IS_NULL = 0xd1;
/** How the second module calls the first. */
export const FIRST = "p";

/**
 * The two modules. `first(index)` says of a function whether it belongs to the first; `load` begins the name of the import that
 * loads the second; `constants` are those of the linker's map.
 */
export function split(module, first, load, constants) {
  const imported = module.imports.length;
  const inFirst = (func) => func < imported || first(func - imported);
  const loader = module.imports.findIndex(({ name }) => name.startsWith(load));
  if (loader < 0) throw new Error(`there is no import ${load}`);
  const typed = (params, results) => {
    const key = JSON.stringify({ params, results });
    const at = module.types.findIndex((type) => JSON.stringify(type) === key);
    return at < 0 ? module.types.push({ params, results }) - 1 : at;
  };
  const typeOf = (func) => (func < imported ? module.imports[func] : module.funcs[func - imported]).type;

  // Where in the table a function stands.
  const table = module.tables[0];
  const places = new Map();
  for (const { offset, funcs } of module.elements) for (const [index, func] of funcs.entries()) if (!places.has(func)) places.set(func, offset + index);
  const added = { offset: table.min, funcs: [] };
  const place = (func) => {
    if (!places.has(func)) places.set(func, added.offset + added.funcs.push(func) - 1);
    return places.get(func);
  };

  // The functions of both, in their order; the check comes before all others of the first.
  const check = imported;
  const ours = new Map(module.imports.map((_, index) => [index, index]));
  const [kept, moved] = [[], []];
  // Those of one type together: the list of their types weighs less.
  for (const [index, func] of [...module.funcs.entries()].sort(([a, { type }], [b, other]) => type - other.type || a - b)) {
    if (first(index)) { ours.set(imported + index, imported + 1 + kept.length); kept.push(func); } else moved.push({ index: imported + index, func });
  }
  const used = { funcs: new Map(), globals: new Map() };
  for (const { func } of moved) for (const it of instructions(new Reader(func.body), module)) {
    if ((it.code === op.call || it.code === op.refFunc) && inFirst(it.a)) used.funcs.set(it.a, 0);
    if (it.code === op.globalGet || it.code === op.globalSet) used.globals.set(it.a, 0);
  }
  const shared = {
    funcs: [...used.funcs.keys()].sort((a, b) => ours.get(a) - ours.get(b)),
    globals: [...used.globals.keys()].sort((a, b) => a - b),
  };
  for (const [kind, list] of Object.entries(shared)) for (const [index, one] of list.entries()) used[kind].set(one, index);
  const theirs = new Map(used.funcs);
  for (const [index, one] of moved.entries()) theirs.set(one.index, used.funcs.size + index);

  const rewrite = (body, change) => {
    const out = new Writer();
    let from = 0;
    for (const it of instructions(new Reader(body), module)) {
      const bytes = change(it);
      if (!bytes) continue;
      out.put(body.subarray(from, it.from)).put(bytes);
      from = it.to;
    }
    return out.put(body.subarray(from)).bytes;
  };
  const checked = (type) => new Writer().byte(op.call).number(check).byte(op.callIndirect).number(type).number(0).bytes;
  const rewriteFirst = (func) => ({ ...func, body: rewrite(func.body, (it) => {
    if (it.code === op.callIndirect && it.table === 0) return checked(it.a);
    if (it.code !== op.call && it.code !== op.refFunc) return undefined;
    if (inFirst(it.a)) return new Writer().byte(it.code).number(ours.get(it.a)).bytes;
    if (it.code === op.refFunc) throw new Error("the first module refers to a function of the second");
    return [...new Writer().byte(op.i32Const).signed(place(it.a)).bytes, ...checked(typeOf(it.a))];
  }) });
  const rewriteSecond = ({ func }) => ({ ...func, body: rewrite(func.body, (it) => {
    if (it.code === op.call || it.code === op.refFunc) return new Writer().byte(it.code).number(theirs.get(it.a)).bytes;
    if (it.code === op.globalGet || it.code === op.globalSet) return new Writer().byte(it.code).number(used.globals.get(it.a)).bytes;
    return undefined;
  }) });

  const firstFuncs = [
    { type: typed([I32], [I32]), locals: [], body: Uint8Array.from([
      op.localGet, 0, TABLE_GET, 0, REF_IS_NULL, op.if, 0x40, op.call, ...new Writer().number(loader).bytes, op.end, op.localGet, 0, op.end,
    ]) },
    ...kept.map(rewriteFirst),
  ];
  const secondFuncs = moved.map(rewriteSecond);

  const data = divide(module, kept, constants);
  const runs = (member, index) => module.elements.flatMap(({ offset, funcs }) => {
    const made = [];
    for (const [at, func] of funcs.entries()) {
      if (!member(func)) continue;
      const last = made.at(-1);
      if (last && last.offset + last.funcs.length === offset + at) last.funcs.push(index.get(func));
      else made.push({ offset: offset + at, funcs: [index.get(func)] });
    }
    return made;
  });
  const size = { ...table, min: table.min + added.funcs.length };
  if (size.max !== undefined) size.max = Math.max(size.max, size.min);
  const short = (kind, index) => kind + index.toString(36);
  const named = (name, kind, index) => ({ name, kind, index });
  const primary = {
    ...module, funcs: firstFuncs, tables: [size, ...module.tables.slice(1)], elements: runs(inFirst, ours), data: data.first,
    exports: [
      ...module.exports.map((one) => (one.kind === FUNC ? { ...one, index: ours.get(one.index) } : one)),
      named("$t", TABLE, 0), ...module.tables.slice(1).map((_, index) => named(short("$t", index + 1), TABLE, index + 1)), named("$m", MEMORY, 0),
      ...shared.globals.map((global) => named(short("$g", global), GLOBAL, global)),
      ...shared.funcs.map((func, index) => named(short("", index), FUNC, ours.get(func))),
    ],
  };
  const other = (name, kind, rest) => ({ module: FIRST, name, kind, ...rest });
  const secondary = {
    types: module.types, tables: [], memories: [], globals: [], exports: [], funcs: secondFuncs, data: data.rest, dataCount: undefined,
    imports: [
      other("$t", TABLE, size), ...module.tables.slice(1).map((one, index) => other(short("$t", index + 1), TABLE, one)), other("$m", MEMORY, module.memories[0]),
      ...shared.globals.map((global) => other(short("$g", global), GLOBAL, module.globals[global])),
      ...shared.funcs.map((func, index) => other(short("", index), FUNC, { type: typeOf(func) })),
    ],
    elements: [...runs((func) => !inFirst(func), theirs), { offset: added.offset, funcs: added.funcs.map((func) => theirs.get(func)) }],
  };
  return { primary, secondary };
}

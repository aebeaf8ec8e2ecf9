// WebAssembly's binary format, as far as the splitter needs it: a module as values, and back. What it does not know it refuses.
// Numbers are those of the specification, "5 Binary Format".

/** Reads bytes in order. */
export class Reader {
  constructor(bytes, at = 0, end = bytes.length) { Object.assign(this, { bytes, at, end }); }
  byte() { return this.bytes[this.at++]; }
  take(length) { return this.bytes.subarray(this.at, (this.at += length)); }
  /** An unsigned number in LEB128. */
  number() {
    for (let value = 0, scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }
  /** A signed number of 32 bits. */
  signed() { return Number(BigInt.asIntN(32, this.signed64())); }
  /** A signed number of 64 bits. */
  signed64() {
    for (let [value, shift] = [0n, 0n]; ; ) {
      const byte = this.byte();
      value |= BigInt(byte & 127) << shift;
      shift += 7n;
      if (byte < 128) return BigInt.asIntN(64, byte & 64 ? value | (-1n << shift) : value);
    }
  }
  /** Goes on behind a signed number. */
  skipSigned() { while (this.byte() >= 128); }
  many(read) { return Array.from({ length: this.number() }, read); }
  name() { return new TextDecoder().decode(this.take(this.number())); }
}

/** Writes bytes in order. */
export class Writer {
  #buffer = new Uint8Array(64);
  #length = 0;
  get bytes() { return this.#buffer.subarray(0, this.#length); }
  #room(more) {
    if (this.#length + more <= this.#buffer.length) return;
    const larger = new Uint8Array(2 * (this.#length + more));
    larger.set(this.bytes);
    this.#buffer = larger;
  }
  byte(...bytes) { return this.put(bytes); }
  put(bytes) {
    this.#room(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }
  number(value) {
    this.#room(10);
    for (; value >= 128; value = Math.floor(value / 128)) this.#buffer[this.#length++] = (value % 128) | 128;
    this.#buffer[this.#length++] = value;
    return this;
  }
  signed(value) {
    this.#room(10);
    for (; value < -64 || value > 63; value >>= 7) this.#buffer[this.#length++] = (value & 127) | 128;
    this.#buffer[this.#length++] = value & 127;
    return this;
  }
  name(text) {
    const bytes = new TextEncoder().encode(text);
    return this.number(bytes.length).put(bytes);
  }
  many(list, write) {
    this.number(list.length);
    for (const one of list) write(one);
    return this;
  }
  /** What `write` writes, behind its length. */
  sized(write) {
    const inner = new Writer();
    write(inner);
    return this.number(inner.bytes.length).put(inner.bytes);
  }
}

export const I32 = 0x7f;
export const op = {
  unreachable: 0x00, block: 0x02, loop: 0x03, if: 0x04, else: 0x05, end: 0x0b, br: 0x0c, brIf: 0x0d, brTable: 0x0e, return: 0x0f,
  call: 0x10, callIndirect: 0x11, localGet: 0x20, localSet: 0x21, localTee: 0x22, globalGet: 0x23, globalSet: 0x24,
  i32Store8: 0x3a, i32Const: 0x41, i32Eqz: 0x45, refFunc: 0xd2,
};
const KINDS = { func: 0, table: 1, memory: 2, global: 3 };
const EMPTY = 0x40;

/** A module as values. Indices are those of the file: imported functions come first. */
export function parse(bytes) {
  const module = { types: [], imports: [], funcs: [], tables: [], memories: [], globals: [], exports: [], elements: [], data: [], dataCount: undefined, names: new Map() };
  const all = new Reader(bytes, 8);
  const limits = (r) => { const flag = r.byte(); const min = r.number(); return { flag, min, max: flag & 1 ? r.number() : undefined }; };
  let declared = [];
  while (all.at < all.end) {
    const id = all.byte();
    const size = all.number();
    const r = new Reader(bytes, all.at, all.at + size);
    all.at += size;
    switch (id) {
      case 0: if (r.name() === "name") module.names = functionNames(r); break;
      case 1: module.types = r.many(() => {
        if (r.byte() !== 0x60) throw new Error("a type that is no function's");
        return { params: [...r.take(r.number())], results: [...r.take(r.number())] };
      }); break;
      case 2: module.imports = r.many(() => {
        const one = { module: r.name(), name: r.name(), kind: r.byte() };
        if (one.kind !== KINDS.func) throw new Error(`import of ${one.module}.${one.name}: only functions are expected`);
        return { ...one, type: r.number() };
      }); break;
      case 3: declared = r.many(() => r.number()); break;
      case 4: module.tables = r.many(() => ({ type: r.byte(), ...limits(r) })); break;
      case 5: module.memories = r.many(() => limits(r)); break;
      case 6: module.globals = r.many(() => {
        const [type, mutable, from] = [r.byte(), r.byte(), r.at];
        for (const _ of instructions(r, module));
        return { type, mutable, init: bytes.slice(from, r.at) };
      }); break;
      case 7: module.exports = r.many(() => ({ name: r.name(), kind: r.byte(), index: r.number() })); break;
      case 9: module.elements = r.many(() => {
        const flag = r.number();
        if (flag !== 0) throw new Error("an element segment that is not active, of functions, in table 0");
        if (r.byte() !== op.i32Const) throw new Error("an element segment without a constant place");
        const offset = r.signed();
        r.byte();
        return { offset, funcs: r.many(() => r.number()) };
      }); break;
      case 10: module.funcs = r.many(() => {
        const end = r.number() + r.at;
        const locals = [];
        for (let groups = r.number(); groups > 0; groups--) { const n = r.number(); locals.push(...Array(n).fill(r.byte())); }
        const body = bytes.slice(r.at, end);
        r.at = end;
        return { locals, body };
      }).map((one, index) => ({ ...one, type: declared[index] })); break;
      case 11: module.data = r.many(() => {
        if (r.number() !== 0 || r.byte() !== op.i32Const) throw new Error("a data segment that is not active, in memory 0, at a constant place");
        const offset = r.signed() >>> 0;
        r.byte();
        return { offset, bytes: r.take(r.number()) };
      }); break;
      case 12: module.dataCount = r.number(); break;
      default: throw new Error(`section ${id} is not known`);
    }
  }
  return module;
}

/** The names of functions, by their indices: the second of the parts that the section of names has. */
function functionNames(r) {
  while (r.at < r.end) {
    const [part, size] = [r.byte(), r.number()];
    if (part === 1) return new Map(r.many(() => [r.number(), r.name()]));
    r.take(size);
  }
  return new Map();
}

/** The bytes of a module, without names. */
export function emit(module) {
  const out = new Writer().byte(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  const section = (id, list, write) => {
    if (list.length) out.byte(id).sized((w) => w.many(list, (one) => write(w, one)));
  };
  const limits = (w, { flag, min, max }) => { w.byte(flag).number(min); if (flag & 1) w.number(max); };
  section(1, module.types, (w, { params, results }) => w.byte(0x60).many(params, (one) => w.byte(one)).many(results, (one) => w.byte(one)));
  section(2, module.imports, (w, one) => {
    w.name(one.module).name(one.name).byte(one.kind);
    if (one.kind === KINDS.func) w.number(one.type);
    else if (one.kind === KINDS.table) { w.byte(one.type); limits(w, one); } else if (one.kind === KINDS.memory) limits(w, one);
    else w.byte(one.type, one.mutable);
  });
  section(3, module.funcs, (w, { type }) => w.number(type));
  section(4, module.tables, (w, one) => { w.byte(one.type); limits(w, one); });
  section(5, module.memories, limits);
  section(6, module.globals, (w, { type, mutable, init }) => w.byte(type, mutable).put(init));
  section(7, module.exports, (w, { name, kind, index }) => w.name(name).byte(kind).number(index));
  section(9, module.elements, (w, { offset, funcs }) => w.number(0).byte(op.i32Const).signed(offset).byte(op.end).many(funcs, (one) => w.number(one)));
  if (module.dataCount !== undefined) out.byte(12).sized((w) => w.number(module.data.length));
  section(10, module.funcs, (w, { locals, body }) => w.sized((inner) => {
    const groups = [];
    for (const type of locals) {
      if (groups.at(-1)?.type === type) groups.at(-1).count++;
      else groups.push({ type, count: 1 });
    }
    inner.many(groups, ({ type, count }) => inner.number(count).byte(type)).put(body);
  }));
  section(11, module.data, (w, { offset, bytes }) => w.number(0).byte(op.i32Const).signed(offset).byte(op.end).number(bytes.length).put(bytes));
  return out.bytes;
}

/**
 * The instructions up to the end that matches nothing: where each begins and ends in the bytes, its operands of interest (`a` a
 * label, function, local, global or type; `labels` of br_table), and how many values it takes from the stack and leaves there.
 */
export function* instructions(r, module) {
  const signature = ({ params, results }) => ({ pops: params.length, pushes: results.length });
  const imported = module.imports.filter(({ kind }) => kind === KINDS.func);
  const typeOf = (func) => module.types[(func < imported.length ? imported[func] : module.funcs[func - imported.length]).type];
  for (let depth = 0; depth >= 0; ) {
    const from = r.at;
    const code = r.byte();
    const it = { code, from, to: 0, a: undefined, pops: 0, pushes: 0 };
    if (code >= 0x45 && code <= 0xc4) {
      const unary = code === 0x45 || code === 0x50 || (code >= 0x67 && code <= 0x69) || (code >= 0x79 && code <= 0x7b)
        || (code >= 0x8b && code <= 0x91) || (code >= 0x99 && code <= 0x9f) || code >= 0xa7;
      [it.pops, it.pushes] = [unary ? 1 : 2, 1];
    } else if (code >= 0x28 && code <= 0x3e) {
      r.number();
      it.offset = r.number();
      [it.pops, it.pushes] = code <= 0x35 ? [1, 1] : [2, 0];
    } else switch (code) {
      case 0x00: case 0x01: break;
      case op.block: case op.loop: case op.if: {
        const type = r.bytes[r.at];
        if (type === EMPTY || (type >= 0x6f && type <= 0x7f)) { r.byte(); it.type = type === EMPTY ? { params: [], results: [] } : { params: [], results: [type] }; } else it.type = module.types[r.number()];
        it.pops = code === op.if ? 1 : 0;
        depth++;
        break;
      }
      case op.else: break;
      case op.end: depth--; break;
      case op.br: it.a = r.number(); break;
      case op.brIf: it.a = r.number(); it.pops = 1; break;
      case op.brTable: it.labels = r.many(() => r.number()); it.labels.push(r.number()); it.pops = 1; break;
      case op.return: break;
      case op.call: it.a = r.number(); Object.assign(it, signature(typeOf(it.a))); break;
      case op.callIndirect: {
        it.a = r.number();
        it.table = r.number();
        const { pops, pushes } = signature(module.types[it.a]);
        [it.pops, it.pushes] = [pops + 1, pushes];
        break;
      }
      case 0x1a: it.pops = 1; break;
      case 0x1b: [it.pops, it.pushes] = [3, 1]; break;
      case 0x1c: r.many(() => r.byte()); [it.pops, it.pushes] = [3, 1]; break;
      case op.localGet: case op.globalGet: it.a = r.number(); it.pushes = 1; break;
      case op.localSet: case op.globalSet: it.a = r.number(); it.pops = 1; break;
      case op.localTee: it.a = r.number(); [it.pops, it.pushes] = [1, 1]; break;
      case 0x25: it.a = r.number(); [it.pops, it.pushes] = [1, 1]; break;
      case 0x26: it.a = r.number(); it.pops = 2; break;
      case 0x3f: r.byte(); it.pushes = 1; break;
      case 0x40: r.byte(); [it.pops, it.pushes] = [1, 1]; break;
      case 0x41: case 0x42: r.skipSigned(); it.pushes = 1; break;
      case 0x43: r.take(4); it.pushes = 1; break;
      case 0x44: r.take(8); it.pushes = 1; break;
      case 0xd0: r.byte(); it.pushes = 1; break;
      case 0xd1: [it.pops, it.pushes] = [1, 1]; break;
      case op.refFunc: it.a = r.number(); it.pushes = 1; break;
      case 0xfc: {
        const sub = r.number();
        if (sub <= 7) [it.pops, it.pushes] = [1, 1];
        else if (sub === 10) { r.take(2); it.pops = 3; } else if (sub === 11) { r.byte(); it.pops = 3; } else if (sub === 15) { r.number(); [it.pops, it.pushes] = [2, 1]; } else if (sub === 16) { r.number(); it.pushes = 1; } else if (sub === 17) { r.number(); it.pops = 3; } else throw new Error(`instruction 0xfc ${sub} is not known`);
        break;
      }
      default: throw new Error(`instruction 0x${code.toString(16)} is not known`);
    }
    it.to = r.at;
    yield it;
  }
}

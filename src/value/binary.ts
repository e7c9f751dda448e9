// Objects that hold bytes: ArrayBuffer, DataView, typed arrays, Buffer.
import { types } from "node:util";

import { makeKind, type Kind, type Members } from "./kind.js";

const TYPED_ARRAY = Object.getPrototypeOf(Uint8Array.prototype) as object;

// By name, because not every version of the language has all of them.
const TYPED_ARRAYS = [
  "Int8Array",
  "Uint8Array",
  "Uint8ClampedArray",
  "Int16Array",
  "Uint16Array",
  "Float16Array",
  "Int32Array",
  "Uint32Array",
  "Float32Array",
  "Float64Array",
  "BigInt64Array",
  "BigUint64Array",
].filter((name) => name in globalThis);

/** The bytes alone. */
const BYTES = makeKind<ArrayBuffer>({
  is: types.isArrayBuffer,
  fault: bufferFault,
  bytes: (buffer) => buffer.byteLength,
  shell: (buffer) => copyBytes({ buffer, offset: 0, length: buffer.byteLength }),
});

const DATA = view({
  is: types.isDataView,
  getters: DataView.prototype,
  make: (bytes) => new DataView(bytes),
});

// A Buffer never shares its bytes: small ones lie in a pool, among the bytes of others.
const BUFFER = makeKind<Buffer>({
  is: (value) => Buffer.isBuffer(value),
  fault: (buffer) => bufferFault(bufferOf(buffer, TYPED_ARRAY)),
  names: () => [],
  bytes: (buffer) => partOf(buffer, TYPED_ARRAY).length,
  shell: (buffer) => Buffer.from(copyBytes(partOf(buffer, TYPED_ARRAY))),
});

/** Kinds by the name of their class. */
export const BINARIES: Readonly<Record<string, Kind>> = {
  ArrayBuffer: BYTES,
  DataView: DATA,
  Buffer: BUFFER,
  ...Object.fromEntries(TYPED_ARRAYS.map((name) => [name, typedArray(name)])),
};

/** What a view shows of which buffer. */
interface Part {
  readonly buffer: ArrayBufferLike;
  readonly offset: number;
  readonly length: number;
}

/** What tells views of one class from others; `getters` is where the language keeps its getters. */
interface ViewClass {
  readonly is: Kind["is"];
  readonly getters: object;
  readonly make: (bytes: ArrayBuffer) => ArrayBufferView;
}

function typedArray(name: string): Kind {
  const Maker = Reflect.get(globalThis, name) as new (bytes: ArrayBuffer) => ArrayBufferView;
  const is = (value: object): boolean =>
    Reflect.get(TYPED_ARRAY, Symbol.toStringTag, value) === name;
  const kind = view({ is, getters: TYPED_ARRAY, make: (bytes) => new Maker(bytes) });
  // Its properties are its elements, too many to look for others among them.
  return { ...kind, names: () => [] };
}

/** Views that show all of one buffer share it in the copy too; any other gets its own bytes. */
function view({ is, getters, make }: ViewClass): Kind {
  return makeKind({
    is,
    fault: (value) => bufferFault(bufferOf(value, getters)),
    bytes: (value) => {
      const part = partOf(value, getters);
      return isWhole(part) ? 0 : part.length;
    },
    shell: (value, members: Members) => {
      const part = partOf(value, getters);
      if (!isWhole(part)) return make(copyBytes(part));
      return make(members.member(part.buffer, "buffer") as ArrayBuffer);
    },
  });
}

function bufferOf(value: object, getters: object): ArrayBufferLike {
  return Reflect.get(getters, "buffer", value) as ArrayBufferLike;
}

function partOf(value: object, getters: object): Part {
  const buffer = bufferOf(value, getters);
  const offset = Reflect.get(getters, "byteOffset", value) as number;
  return { buffer, offset, length: Reflect.get(getters, "byteLength", value) as number };
}

function isWhole({ buffer, length }: Part): boolean {
  return length === buffer.byteLength;
}

function copyBytes({ buffer, offset, length }: Part): ArrayBuffer {
  return new Uint8Array(buffer, offset, length).slice().buffer;
}

function bufferFault(buffer: ArrayBufferLike): string | undefined {
  if (!types.isArrayBuffer(buffer)) return "a view of shared memory";
  if ("resizable" in buffer && buffer.resizable === true) return "a resizable ArrayBuffer";
  return isDetached(buffer) ? "an ArrayBuffer that was transferred" : undefined;
}

function isDetached(buffer: ArrayBuffer): boolean {
  if (buffer.byteLength > 0) return false;
  try {
    return new Uint8Array(buffer).length > 0;
  } catch {
    return true;
  }
}

// Stands before a property of an object for a while, and takes itself away again.

/** A property that is watched. */
export interface Shadow {
  /** The value beneath, as a reader would get it. */
  readonly get: () => unknown;
  readonly set: (value: unknown) => void;
  /** Puts the property back, with the value it has by now. */
  readonly remove: () => void;
}

/** What is done when the property is read or written; `beneath` reads and writes the true one. */
export interface Watcher {
  readonly get: (beneath: Shadow) => unknown;
  readonly set?: (beneath: Shadow, value: unknown) => void;
}

/** A watcher in its place. */
interface Placed {
  readonly watcher: Watcher;
  /** The watcher before it, or the property itself. */
  readonly beneath: Shadow;
  readonly previous: Placed | undefined;
  isRemoved: boolean;
}

/** What stands before the property of one name, on whatever objects. */
interface Accessors {
  readonly get: (this: object) => unknown;
  readonly set: (this: object, value: unknown) => void;
  /** Where an object keeps its watcher: cheaper than a WeakMap, which the collector pays for. */
  readonly place: symbol;
}

/** One pair of accessors a name, so that every object it is put on keeps the same shape. */
const accessorsByName = new Map<string, Accessors>();

/**
 * Puts accessors before a property, own or inherited, present or not. `undefined` when the object
 * does not allow it.
 */
export function shadow(target: object, name: string, watcher: Watcher): Shadow | undefined {
  const accessors = accessorsOf(name);
  const own = Object.getOwnPropertyDescriptor(target, name);
  if (own === undefined ? !Object.isExtensible(target) : own.configurable === false) {
    return undefined;
  }
  const previous = own?.get === accessors.get ? placedOn(target, accessors.place) : undefined;
  const beneath = previous === undefined ? propertyOf(target, name, own) : shadowOf(previous);
  const placed: Placed = { watcher, beneath, previous, isRemoved: false };
  put(target, accessors.place, placed);
  if (previous === undefined) {
    const { get, set } = accessors;
    const enumerable = own?.enumerable ?? false;
    Object.defineProperty(target, name, { configurable: true, enumerable, get, set });
  }
  return { ...shadowOf(placed), remove: () => remove(target, name, placed) };
}

function accessorsOf(name: string): Accessors {
  const known = accessorsByName.get(name);
  if (known !== undefined) return known;
  const place = Symbol(name);
  const accessors: Accessors = {
    get(this: object) {
      return read(placedOn(this, place));
    },
    set(this: object, value: unknown) {
      write(placedOn(this, place), value);
    },
    place,
  };
  accessorsByName.set(name, accessors);
  return accessors;
}

function placedOn(target: object, place: symbol): Placed | undefined {
  return (target as Record<symbol, Placed | undefined>)[place];
}

function put(target: object, place: symbol, value: Placed): void {
  Object.defineProperty(target, place, { configurable: true, writable: true, value });
}

function read(placed: Placed | undefined): unknown {
  if (placed === undefined) return undefined;
  return placed.isRemoved ? placed.beneath.get() : placed.watcher.get(placed.beneath);
}

function write(placed: Placed | undefined, value: unknown): void {
  if (placed === undefined) return;
  const { watcher, beneath, isRemoved } = placed;
  if (isRemoved || watcher.set === undefined) beneath.set(value);
  else watcher.set(beneath, value);
}

function shadowOf(placed: Placed): Shadow {
  return {
    get: () => read(placed),
    set: (value) => write(placed, value),
    remove: () => placed.beneath.remove(),
  };
}

/** Watchers may go in any order; the property comes back with the last of them. */
function remove(target: object, name: string, placed: Placed): void {
  placed.isRemoved = true;
  const { get, place } = accessorsOf(name);
  // Somebody else may have defined the property anew in the meantime: then it is his.
  const isTheirs = Object.getOwnPropertyDescriptor(target, name)?.get !== get;
  let top = placedOn(target, place);
  while (top?.isRemoved === true) {
    if (top.previous === undefined && !isTheirs) top.beneath.remove();
    top = top.previous;
  }
  if (top === undefined) Reflect.deleteProperty(target, place);
  else put(target, place, top);
}

function propertyOf(target: object, name: string, own: PropertyDescriptor | undefined): Shadow {
  return own === undefined ? inherited(target, name) : held(target, name, own);
}

/** An own property. */
function held(target: object, name: string, own: PropertyDescriptor): Shadow {
  if (own.get !== undefined || own.set !== undefined) {
    return {
      get: () => own.get?.call(target),
      set: (value) => own.set?.call(target, value),
      remove: () => void Object.defineProperty(target, name, own),
    };
  }
  let { value } = own as { value: unknown };
  return {
    get: () => value,
    set: (next) => {
      if (own.writable === true) value = next;
    },
    remove: () => void Object.defineProperty(target, name, { ...own, value }),
  };
}

/** A property of the prototype, or none yet: what is assigned becomes the object's own. */
function inherited(target: object, name: string): Shadow {
  const prototype = Object.getPrototypeOf(target) as object;
  let assigned: { readonly value: unknown } | undefined;
  const setter = descriptorOf(prototype, name)?.set?.bind(target);
  return {
    get: () => (assigned === undefined ? Reflect.get(prototype, name, target) : assigned.value),
    set: (value) => {
      if (setter === undefined) assigned = { value };
      else setter(value);
    },
    remove: () => {
      Reflect.deleteProperty(target, name);
      if (assigned !== undefined) Reflect.set(target, name, assigned.value);
    },
  };
}

function descriptorOf(object: object, name: string): PropertyDescriptor | undefined {
  for (let at: object | null = object; at !== null; at = Object.getPrototypeOf(at) as object) {
    const found = Object.getOwnPropertyDescriptor(at, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

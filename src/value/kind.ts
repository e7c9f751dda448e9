// What a kind of objects that can be carried must tell: how its objects are checked and copied.

/** Copies the members of an object, wherever they lead. */
export interface Members {
  /** A copy of the value at a place of the object that is being copied. */
  member(value: unknown, place: string | number): unknown;
}

/** A kind of objects that can be carried. */
export interface Kind<T extends object = object> {
  /** Whether a value truly is of this kind, whatever its prototype says. */
  readonly is: (value: object) => boolean;
  /** Whether the members are properties, which can be frozen. */
  readonly open: boolean;
  /** Whether JSON and the fastest copying suffice for it, as far as its members allow. */
  readonly simple: (value: T, names: readonly string[]) => boolean;
  /** Why this one cannot be carried although its kind can. */
  readonly fault: (value: T) => string | undefined;
  /**
   * The own properties that count. Of an open kind they are the members: the enumerable ones, as for
   * JSON, spreading and structured clones. In any other they are strangers.
   */
  readonly names: (value: T) => readonly string[];
  /** How many bytes it takes beyond its members, estimated. */
  readonly bytes: (value: T) => number;
  /** A copy that may still lack its members, so that a cycle finds it. */
  readonly shell: (value: T, members: Members, names: readonly string[]) => T;
  /** Gives the copy its members; `names` are those of an open kind. */
  readonly fill: (copy: T, value: T, members: Members, names: readonly string[]) => void;
}

/** What most built-in objects have in common: no properties of their own, nothing inside. */
const BUILT_IN: Omit<Kind<never>, "is" | "shell"> = {
  open: false,
  simple: () => false,
  fault: () => undefined,
  names: (value) => Object.getOwnPropertyNames(value),
  bytes: () => 0,
  fill: () => {},
};

/** A kind, told by what sets it apart from a built-in object without properties and members. */
export function makeKind<T extends object>(
  told: Pick<Kind<T>, "is" | "shell"> & Partial<Kind<T>>,
): Kind {
  return { ...BUILT_IN, ...told } as unknown as Kind;
}

/** Sets an own property, even one named `__proto__` or one that the prototype has and protects. */
export function put(target: object, name: string, value: unknown, enumerable = true): void {
  Object.defineProperty(target, name, { value, enumerable, writable: true, configurable: true });
}

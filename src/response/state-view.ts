// `ctx.state` as the handlers see it, each look at the user noticed.

/** Told what is looked at. */
export interface StateWatch {
  /** The user is looked at, or for. */
  look(): void;
  /** All of it is listed, and no user is in it. */
  list(): void;
}

/**
 * `ctx.state`, each look at the user noticed. A user set beneath was made of what was read beneath,
 * which has been noticed.
 */
export class StateView implements ProxyHandler<object> {
  readonly #watch: StateWatch;
  isOwn = false;

  constructor(watch: StateWatch) {
    this.#watch = watch;
  }

  get(state: object, name: PropertyKey): unknown {
    this.#look(name);
    return Reflect.get(state, name) as unknown;
  }

  has(state: object, name: PropertyKey): boolean {
    this.#look(name);
    return Reflect.has(state, name);
  }

  getOwnPropertyDescriptor(state: object, name: PropertyKey): PropertyDescriptor | undefined {
    this.#look(name);
    return Reflect.getOwnPropertyDescriptor(state, name);
  }

  /** Templates are often given all of it: that is no question for the user where none is. */
  ownKeys(state: object): (string | symbol)[] {
    if (Object.hasOwn(state, "user")) this.#look("user");
    else if (!this.isOwn) this.#watch.list();
    return Reflect.ownKeys(state);
  }

  set(state: object, name: PropertyKey, value: unknown): boolean {
    this.#write(name);
    return Reflect.set(state, name, value);
  }

  defineProperty(state: object, name: PropertyKey, property: PropertyDescriptor): boolean {
    this.#write(name);
    return Reflect.defineProperty(state, name, property);
  }

  deleteProperty(state: object, name: PropertyKey): boolean {
    this.#write(name);
    return Reflect.deleteProperty(state, name);
  }

  #look(name: PropertyKey): void {
    if (name === "user" && !this.isOwn) this.#watch.look();
  }

  #write(name: PropertyKey): void {
    if (name === "user") this.isOwn = true;
  }
}

// Where entries and versions lie in a store that others use too.
import { digest, escapeSegment, MAX_KEY } from "../key/hash.js";

// The format comes first, so that another format never meets this one. No Keyv namespace is named
// like it: a key that begins with a Keyv's own namespace is treated differently by its methods.
const FORMAT = "~1";

/** Tags are few and asked for with every entry, so the addresses of so many are remembered. */
const REMEMBERED = 1000;

/** The addresses of one namespace. */
export class Addresses {
  readonly #entries: string;
  readonly #versions: string;
  readonly #foldsCase: boolean;
  readonly #known = new Map<string, string>();

  /** `foldsCase`: the store takes `A` and `a` for the same key. */
  constructor(namespace: string, foldsCase: boolean) {
    const space = escapeSegment(namespace);
    this.#entries = `${FORMAT}:${space}:e:`;
    this.#versions = `${FORMAT}:${space}:t:`;
    this.#foldsCase = foldsCase;
  }

  entry(key: string): string {
    return this.#address(this.#entries + escapeSegment(key));
  }

  version(tag: string): string {
    const known = this.#known.get(tag);
    if (known !== undefined) return known;
    const address = this.#address(this.#versions + escapeSegment(tag));
    if (this.#known.size >= REMEMBERED) this.#known.clear();
    this.#known.set(tag, address);
    return address;
  }

  #address(text: string): string {
    const full = this.#foldsCase ? text.replaceAll(/[A-Z]/g, escapeCapital) : text;
    return full.length <= MAX_KEY ? full : this.#hashed(full);
  }

  /** `~` alone is the empty text, which no namespace is. */
  #hashed(full: string): string {
    const hash = digest(full);
    return `${FORMAT}:~:${this.#foldsCase ? hash.replaceAll(/[A-Z]/g, escapeCapital) : hash}`;
  }
}

function escapeCapital(capital: string): string {
  return `~${capital.charCodeAt(0).toString(16)}`;
}

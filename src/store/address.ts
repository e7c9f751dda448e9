// Where entries and versions lie in a store that others use too.
import { digest, escapeSegment, MAX_KEY } from "../key/hash.js";

// The format comes first, so that another format never meets this one. No Keyv namespace is named
// like it: a key that begins with a Keyv's own namespace is treated differently by its methods.
const FORMAT = "~1";

/** The addresses of one namespace. */
export class Addresses {
  readonly #entries: string;
  readonly #versions: string;
  readonly #foldsCase: boolean;

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
    return this.#address(this.#versions + escapeSegment(tag));
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

// A back-end behind its guard: connected when it is needed, and not read while it is owed something.
import { StoreError } from "../errors.js";
import type { Backend, Refusal, StoredText } from "./backend.js";
import type { BreakerLimits } from "./breaker.js";
import { within } from "./deadline.js";
import { Debts } from "./debts.js";
import { Link } from "./link.js";
import type { MaybePromise, Report } from "./store.js";

/** Where a back-end comes from. */
export interface Source {
  /** The name of the store in events. */
  readonly tier: string;
  /** The store takes `A` and `a` for the same key. */
  readonly foldsCase: boolean;
  /** The back-end, connected. Called again after it failed, and whenever the store was left alone. */
  connect(onError: (error: Error) => void): MaybePromise<Backend>;
  /** Ends what `connect()` opened. */
  close(): Promise<void>;
}

/** What a remote is made of. */
export interface RemoteOptions {
  readonly source: Source;
  /** How long an operation may take, in milliseconds. */
  readonly storeTimeout: number;
  readonly breaker: BreakerLimits;
  /** Failures are thrown and not reported. */
  readonly strict: boolean;
  readonly report: Report;
  /** The address of the version that every entry carries. */
  readonly everything: string;
}

/** Texts to store, and addresses to empty. */
export interface Load {
  readonly texts: readonly StoredText[];
  readonly removed: readonly string[];
}

/** Talks to one back-end. Rejects with a `StoreError`, which has been reported unless strict. */
export class Remote {
  readonly #options: RemoteOptions;
  readonly #link: Link;
  readonly #debts: Debts;
  #backend: Promise<Backend> | undefined;
  #closed = false;

  constructor(options: RemoteOptions) {
    this.#options = options;
    const { source, storeTimeout, breaker } = options;
    this.#link = new Link({
      ...options,
      tier: source.tier,
      onRest: () => {
        this.#backend = undefined;
      },
    });
    this.#debts = new Debts({
      everything: options.everything,
      timeout: storeTimeout,
      rest: breaker.rest,
      remove: async (addresses) => (await this.#connect()).remove(addresses),
      remind: () => void this.#settle(),
    });
  }

  /** When an operation that begins now must have ended, in milliseconds since 1970. */
  deadline(): number {
    return Date.now() + this.#options.storeTimeout;
  }

  /** The texts at these addresses. */
  async read(addresses: readonly string[], deadline: number): Promise<readonly unknown[]> {
    const texts = await this.#ask("answer", deadline, (backend) => backend.read(addresses));
    if (this.#debts.size === 0) return texts;
    // What became owed while the answer was on its way must not be believed.
    return texts.map((text, index) => (this.#debts.has(addresses[index]!) ? undefined : text));
  }

  /** Stores and removes; gives the texts that were refused while others were taken. */
  write(deadline: number, load: () => Promise<Load>): Promise<readonly Refusal[]> {
    return this.#ask("take what was written", deadline, async (backend) => {
      const { texts, removed } = await load();
      const [refusals] = await Promise.all([
        texts.length > 0 ? backend.write(texts) : [],
        removed.length > 0 ? backend.remove(removed) : undefined,
      ]);
      return refusals;
    });
  }

  /** Stores a text if its address is empty; `undefined` where the store cannot do that at once. */
  add(text: StoredText, deadline: number): Promise<boolean | undefined> {
    return this.#ask("add", deadline, async (backend) => backend.add(text));
  }

  /** These addresses must be emptied before the store is read again. */
  owe(addresses: readonly string[]): void {
    if (addresses.length > 0) this.#debts.add(addresses);
  }

  /** Pays what is owed, if the store takes it now, and ends the connection. */
  async close(): Promise<void> {
    if (this.#debts.size > 0) await this.#settle();
    this.#closed = true;
    this.#debts.close();
    await within(this.#options.source.close(), this.deadline()).catch(() => undefined);
  }

  /** Pays what is owed; a failure has been reported, and the debt stays. */
  async #settle(): Promise<void> {
    await this.#ask("take what it was owed", this.deadline(), nothing).catch(() => undefined);
  }

  #ask<T>(what: string, deadline: number, work: (backend: Backend) => Promise<T>): Promise<T> {
    if (this.#closed) {
      return Promise.reject(new StoreError(`The ${this.#options.source.tier} store is closed.`));
    }
    return this.#link.call(what, deadline, async () => {
      const backend = await this.#connect();
      if (this.#debts.size > 0) await this.#debts.pay();
      return work(backend);
    });
  }

  #connect(): Promise<Backend> {
    if (this.#backend !== undefined) return this.#backend;
    const opening = this.#open();
    this.#backend = opening;
    opening.catch(() => {
      if (this.#backend === opening) this.#backend = undefined;
    });
    return opening;
  }

  async #open(): Promise<Backend> {
    return this.#options.source.connect((error) => this.#link.noticed(error));
  }
}

async function nothing(): Promise<void> {}

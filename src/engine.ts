// A lookup that is made when it is first needed, so that functions can be wrapped before that.
import { settleOptions, type CacheOptions, type Settings } from "./config.js";
import { OptionError } from "./errors.js";
import { Events } from "./events.js";
import { Lookup } from "./lookup.js";
import { Names } from "./names.js";
import { Stats } from "./stats.js";
import { checkStore, openStore } from "./store/open.js";

/** What a cache consists of. */
export class Engine {
  readonly events: Events = new Events();
  readonly stats: Stats = new Stats();
  /** The names of memoized functions. */
  readonly names: Names = new Names();
  /** Whether this process has pages or views. */
  hasPages = false;
  readonly #ordinals = new Map<string, number>();
  #options: CacheOptions;
  #settings: Settings;
  #lookup: Lookup | undefined;

  constructor(options: CacheOptions) {
    this.#options = options;
    this.#settings = settle(options, "new Cache()");
  }

  /** Options for what was not used yet; they win over those of the constructor. */
  configure(options: CacheOptions): void {
    settle(options, "initApp()");
    // `undefined` is an option that is not given.
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    const merged: CacheOptions = { ...this.#options, ...Object.fromEntries(given) };
    const settings = settle(merged, "initApp()");
    if (this.#lookup !== undefined && given.length > 0) {
      throw new OptionError(
        "initApp() got options after the cache had been used. " +
          "Call it before the first wrapped function runs, or give the options to new Cache().",
      );
    }
    this.#options = merged;
    this.#settings = settings;
  }

  get enabled(): boolean {
    return this.#settings.enabled;
  }

  get strict(): boolean {
    return this.#settings.strict;
  }

  /** The lookup; the store is opened when it is first asked for. */
  get lookup(): Lookup {
    return (this.#lookup ??= this.#open());
  }

  /** How many functions of a name there are in this cache, this one included. */
  ordinal(name: string): number {
    const ordinal = (this.#ordinals.get(name) ?? 0) + 1;
    this.#ordinals.set(name, ordinal);
    return ordinal;
  }

  async idle(): Promise<void> {
    await this.#lookup?.idle();
  }

  async close(): Promise<void> {
    await this.#lookup?.store.close();
  }

  #open(): Lookup {
    const { events, stats } = this;
    const settings = this.#settings;
    let tier: string | undefined;
    const store = openStore({
      ...settings,
      report: (error, key) => {
        stats.direct.errors += 1;
        events.emit("error", { error, key, tier });
      },
      onEvict: ({ key }) => {
        if (events.heard("evict")) events.emit("evict", { key, tier });
      },
    });
    tier = store.tier;
    return new Lookup({ ...settings, store, events });
  }
}

/** Checks all options now; the store is opened later. */
function settle(options: CacheOptions, where: string): Settings {
  const settings = settleOptions(options, where);
  checkStore(settings.store);
  return settings;
}

// An engine on a remote store, as one process has it.
import { Events } from "../../src/events.js";
import { Lookup, type Compute, type Intent } from "../../src/lookup.js";
import type { Question } from "../../src/record.js";
import { settleRules, type CallOptions } from "../../src/rules.js";
import { Stats } from "../../src/stats.js";
import { ROOT } from "../../src/store/store.js";
import { RemoteStore } from "./remote-store.js";

/** An engine on a remote store, as one process has it. */
export class Process {
  readonly store: RemoteStore;
  readonly events: Events = new Events();
  readonly errors: unknown[] = [];
  readonly lookup: Lookup;
  readonly stats: Stats = new Stats();

  constructor(store: RemoteStore = new RemoteStore()) {
    this.store = store;
    this.events.on("error", ({ error }) => this.errors.push(error));
    this.lookup = new Lookup({
      store,
      events: this.events,
      life: 300_000,
      strict: false,
      sharing: "copy",
    });
  }

  ask(
    key: string,
    compute: Compute,
    options: CallOptions = {},
    intent: Intent = "use",
  ): Promise<unknown> {
    const rules = settleRules(options);
    const question: Question = {
      key,
      rules,
      tags: [ROOT, ...rules.tags],
      name: "asked",
      owner: undefined,
      check: undefined,
      shortcut: undefined,
      counts: this.stats.direct,
      call: { self: undefined, args: [] },
    };
    return this.lookup.fetch(question, compute, intent);
  }

  async invalidate(tag: string): Promise<void> {
    await this.lookup.versions.outdate([`t:${tag}`]);
  }
}

// Reads the fragments of a rendering level by level, runs the missing blocks, and stores the texts.
import { FragmentError } from "../errors.js";
import type { MaybePromise } from "../store/store.js";
import type { FragmentBackend, FragmentClaim, FragmentLead } from "./backend.js";
import { awaitDigests, blame, blaming, type Fragment } from "./fragment.js";
import type { Expansion } from "./ledger.js";

/** What the levels ask of their rendering. */
export interface Rendering {
  /** Runs the block of a fragment; in place, it leaves no placeholders. */
  runBlock(fragment: Fragment, inPlace: boolean): MaybePromise<string>;
  /** Puts fragments into what a block gave. */
  expand(raw: string, owner: Fragment): Expansion;
  /** Something changed the placeholders of these fragments. */
  expose(names: readonly string[]): void;
}

/** The fragments of one rendering that are not known when they are met. */
export class Levels {
  readonly #backend: FragmentBackend;
  readonly #rendering: Rendering;
  /** Met, and not read yet: the next level. */
  readonly #met: Fragment[] = [];
  /** Being made by other renderings. */
  readonly #followed: Fragment[] = [];
  /** Their block has run, and their text waits for others'. */
  readonly #unfinished = new Set<Fragment>();
  readonly #leads = new Set<FragmentLead>();
  readonly #finished: FragmentLead[] = [];

  constructor(backend: FragmentBackend, rendering: Rendering) {
    this.#backend = backend;
    this.#rendering = rendering;
  }

  /** Takes a fragment to be read with the next level. */
  add(fragment: Fragment): void {
    this.#met.push(fragment);
  }

  /** Makes everything known, as far as it can be. */
  async settle(): Promise<void> {
    if (this.#met.length > 0) {
      await this.#level();
      return this.settle();
    }
    await this.#finish();
    if (this.#followed.length === 0) return;
    await this.#follow();
    return this.settle();
  }

  /** Makes the text of a fragment, if all is known that it holds. */
  resolve(fragment: Fragment): void {
    const { raw, state, expanding } = fragment;
    if (raw === undefined || expanding || state === "damaged") return;
    const expansion = this.#expand(fragment, raw);
    if (expansion.kind === "text") this.#keep(fragment, expansion);
    if (expansion.kind === "damaged") this.#damaged(fragment, expansion.names);
  }

  #expand(fragment: Fragment, raw: string): Expansion {
    fragment.expanding = true;
    try {
      return this.#rendering.expand(raw, fragment);
    } finally {
      fragment.expanding = false;
    }
  }

  /** Stores what was made. */
  async commit(): Promise<void> {
    const finished = this.#finished.splice(0);
    for (const lead of finished) this.#leads.delete(lead);
    if (finished.length > 0) await this.#backend.write(finished);
  }

  /** Gives up what was not stored. */
  release(): void {
    for (const lead of this.#leads) lead.release();
    this.#leads.clear();
  }

  async #level(): Promise<void> {
    const level = this.#met.splice(0);
    if (level.some(({ digest }) => digest !== undefined)) await awaitDigests(level);
    const claims = await this.#backend.read(level.map(({ request }) => request));
    const led = level.filter((fragment, index) => this.#claim(fragment, claims[index]!));
    const first = led[0]?.claim;
    if (first?.kind === "lead") for (const lead of this.#held()) lead.awaits(first);
    // All blocks start before any is waited for: they end in their own time.
    const runs = await Promise.allSettled(led.map((fragment) => this.#run(fragment)));
    const failed = runs.find((run) => run.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  /** Takes the answer to a request; tells whether the block is to run. */
  #claim(fragment: Fragment, claim: FragmentClaim): boolean {
    fragment.claim = claim;
    if (claim.kind === "hit") fragment.text = claim.text;
    if (claim.kind === "follow") this.#followed.push(fragment);
    if (claim.kind === "lead") this.#leads.add(claim);
    return claim.kind === "lead";
  }

  async #run(fragment: Fragment): Promise<void> {
    const lead = fragment.claim as FragmentLead;
    try {
      fragment.raw = await lead.run(() => this.#rendering.runBlock(fragment, false));
    } catch (error) {
      this.#leads.delete(lead);
      lead.fail(error);
      if (lead.spare === undefined) throw blame(error, fragment);
      fragment.text = lead.spare;
      return;
    }
    this.#unfinished.add(fragment);
    // Others may wait for it, and those that this level waits for may wait for them.
    this.resolve(fragment);
    if (this.#unfinished.has(fragment)) lead.awaits(lead);
  }

  /** Makes the texts of all fragments that need nothing more, and runs damaged blocks again. */
  async #finish(): Promise<void> {
    for (const fragment of this.#unfinished) this.resolve(fragment);
    // An eager block cannot run again by itself: the page will, with all blocks in their places.
    const damaged = [...this.#unfinished].filter((one) => one.state === "damaged" && !one.eager);
    if (damaged.length === 0) return;
    await Promise.all(damaged.map((fragment) => this.#repair(fragment)));
    return this.#finish();
  }

  async #repair(fragment: Fragment): Promise<void> {
    const { claim } = fragment;
    const again = (): MaybePromise<string> => this.#rendering.runBlock(fragment, true);
    fragment.raw = await blaming(fragment, () =>
      claim?.kind === "lead" ? claim.run(again) : again(),
    );
    fragment.state = "repaired";
    this.resolve(fragment);
  }

  #damaged(fragment: Fragment, names: readonly string[]): void {
    if (fragment.state === "repaired") throw blame(new FragmentError(IRREPARABLE), fragment);
    fragment.state = "damaged";
    this.#rendering.expose(names);
  }

  #keep(fragment: Fragment, { text, hasGuest }: { text: string; hasGuest: boolean }): void {
    fragment.text = text;
    fragment.hasGuest = hasGuest;
    this.#unfinished.delete(fragment);
    const lead = fragment.claim;
    if (lead?.kind !== "lead") return;
    for (const { claim, text: known } of fragment.inner ?? []) {
      if (claim !== undefined && known !== undefined) lead.inherit(claim);
    }
    // What holds a placeholder of a rendering around this one is no text for others.
    if (hasGuest || fragment.request.mode !== "use") return;
    lead.finish(text);
    this.#finished.push(lead);
  }

  /** Waits for other renderings; what they do not make is met again, or run without them. */
  async #follow(): Promise<void> {
    const followed = this.#followed.splice(0);
    const holding = this.#held();
    await Promise.all(followed.map((fragment) => this.#join(fragment, holding)));
  }

  /** The leads whose texts wait for others'. */
  #held(): readonly FragmentLead[] {
    const claims = Array.from(this.#unfinished, ({ claim }) => claim);
    return claims.filter((claim) => claim?.kind === "lead");
  }

  async #join(fragment: Fragment, holding: readonly FragmentLead[]): Promise<void> {
    const { claim } = fragment;
    const joined = claim?.kind === "follow" ? claim.join(holding) : undefined;
    if (joined === undefined) return this.#alone(fragment, holding);
    fragment.text = await blaming(fragment, () => joined);
    if (fragment.text === undefined) this.#met.push(fragment);
  }

  /** Runs a block that another rendering runs as well. */
  #alone(fragment: Fragment, holding: readonly FragmentLead[]): Promise<void> {
    const { claim } = fragment;
    if (claim?.kind === "follow") {
      const lead = claim.aside();
      for (const held of holding) held.awaits(lead);
      this.#claim(fragment, lead);
    }
    return this.#run(fragment);
  }
}

const IRREPARABLE =
  "A fragment's place was lost even where its block ran in place: what surrounds it keeps the " +
  "text of one rendering for another. Take the fragment out of it.";

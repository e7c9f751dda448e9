// Fragments in the cache: each one is a question to the engine, claimed together with its level's.
import { claim, settle, type Claim, type Follow, type Hit, type Lead } from "../claims.js";
import { currentScope } from "../computations.js";
import { remove } from "../direct.js";
import type { Engine } from "../engine.js";
import type { Carried, Entry } from "../entry.js";
import { marksByTag, unknownTags, verdictOn } from "../judgement.js";
import { warn } from "../events.js";
import type { Lookup } from "../lookup.js";
import type { Question } from "../record.js";
import { expectedFresh, tagNames, type Rules } from "../rules.js";
import type { Outcome } from "../single-flight.js";
import type { LocalStore, Reading } from "../store/store.js";
import { hold } from "../value/copy.js";
import { ROOT } from "../versions.js";
import type {
  FragmentBackend,
  FragmentClaim,
  FragmentFollow,
  FragmentHit,
  FragmentLead,
  FragmentRequest,
} from "./backend.js";
import { Fragments } from "./fragments.js";

/** Keeps the fragments of a cache. */
export class ClaimedFragments implements FragmentBackend {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  peek(request: FragmentRequest): FragmentHit | undefined {
    const { lookup, enabled } = this.#engine;
    if (lookup.local === undefined || !enabled) return undefined;
    const question = this.#question(request);
    const entry = freshEntry(lookup.local, question);
    if (entry === undefined) return undefined;
    currentScope()?.carry(entry.carried, lookup.versions);
    return this.#hit(entry, undefined, question);
  }

  async read(requests: readonly FragmentRequest[]): Promise<readonly FragmentClaim[]> {
    const { lookup, enabled } = this.#engine;
    if (!enabled) return requests.map(() => new Uncached());
    const used = requests.filter(({ mode }) => mode === "use");
    const deleted = requests.filter(({ mode }) => mode === "delete").map(({ key }) => key);
    if (deleted.length > 0) await remove(lookup, deleted);
    const questions = used.map((request) => this.#question(request));
    const claims = used.length === 0 ? [] : await claim(lookup, questions, isText);
    const claimed = new Map(
      used.map((request, index) => [request, this.#claimed(questions[index]!, claims[index]!)]),
    );
    return requests.map((request) => claimed.get(request) ?? new Uncached());
  }

  write(leads: readonly FragmentLead[]): void {
    const own = leads.filter((lead) => lead instanceof ClaimedLead);
    const first = own[0];
    if (first === undefined) return;
    const { lookup } = this.#engine;
    lookup.inBackground(first.question, () =>
      settle(
        lookup,
        own.map(({ lead }) => lead),
      ),
    );
  }

  #question(request: FragmentRequest): Question {
    const { name, key, digest, tags } = request;
    const counts = this.#engine.stats.of(name);
    return {
      key,
      name,
      counts,
      tags: [ROOT, ...tagNames(tags, "tags")],
      check: digest,
      owner: undefined,
      shortcut: undefined,
      rules: rulesOf(request),
      call: { self: undefined, args: [] },
    };
  }

  #claimed(question: Question, given: Claim): FragmentClaim {
    const { lookup } = this.#engine;
    if (given.kind === "hit") return this.#hit(given.entry, given, question);
    if (given.kind === "lead") return new ClaimedLead(lookup, question, given);
    return new ClaimedFollow(lookup, question, given);
  }

  #hit(entry: Entry, hit: Hit | undefined, question: Question): ClaimedHit {
    const { lookup } = this.#engine;
    if (hit === undefined || hit.verdict === "fresh") {
      question.counts.hits += 1;
      lookup.teller.hit(question.name, entry);
    } else {
      lookup.teller.stale(question, entry, undefined);
    }
    const renew = hit?.renew && new ClaimedLead(lookup, question, hit.renew);
    return new ClaimedHit(entry, renew);
  }
}

/** The fragments of a cache. */
export function fragmentsOf(engine: Engine): Fragments {
  return new Fragments(new ClaimedFragments(engine), {
    get strict() {
      return engine.strict;
    },
    warn: (message) => warn(message, "ERR_FRAGMENT"),
  });
}

/** Takes texts alone, fresh or to be made anew afterwards. */
function isText(entry: Entry, verdict: string): boolean {
  return verdict !== "spare" && typeof entry.held.give() === "string";
}

/** The entry that answers a question without waiting. */
function freshEntry(store: LocalStore, question: Question): Entry | undefined {
  const reading = store.read([question.key], question.tags) as Reading;
  const entry = reading.entries[0];
  if (entry === undefined) return undefined;
  const marks = marksByTag(question, reading.versions);
  const others = unknownTags(marks, [entry]);
  const { versions } = store.read([], others) as Reading;
  others.forEach((tag, index) => marks.set(tag, versions[index]?.mark));
  const good = verdictOn(question, entry, marks) === "fresh" && isText(entry, "fresh");
  return good ? entry : undefined;
}

function rulesOf({ timeout, staleWhileRevalidate, staleIfError }: FragmentRequest): Rules {
  return {
    timeout: timeout === undefined ? undefined : secondsOf(timeout),
    unless: undefined,
    forcedUpdate: undefined,
    isStale: undefined,
    shouldCache: undefined,
    tags: [],
    tagsOf: undefined,
    staleWhileRevalidate,
    staleIfError,
    sharing: undefined,
    jitter: 0,
    earlyRefresh: 0,
  };
}

/** A timeout as rules have it: seconds, and 0 for never. */
function secondsOf(timeout: number): number {
  return timeout === Infinity ? 0 : timeout / 1000;
}

class ClaimedHit implements FragmentHit {
  readonly kind = "hit";
  readonly text: string;
  readonly carried: readonly Carried[];
  readonly renew: ClaimedLead | undefined;

  constructor(entry: Entry, renew: ClaimedLead | undefined) {
    this.text = entry.held.give() as string;
    this.carried = entry.carried;
    this.renew = renew;
  }
}

class ClaimedLead implements FragmentLead {
  readonly kind = "lead";
  readonly question: Question;
  readonly lead: Lead;
  readonly spare: string | undefined;
  readonly #lookup: Lookup;
  /** What the spare carries, once it is served in place of a new text. */
  #served: readonly Carried[] | undefined;

  constructor(lookup: Lookup, question: Question, lead: Lead) {
    this.#lookup = lookup;
    this.question = question;
    this.lead = lead;
    const spare: unknown = lead.spare?.held.give();
    this.spare = typeof spare === "string" ? spare : undefined;
  }

  /** What a text with this one in it carries. */
  get carried(): readonly Carried[] {
    return this.#served ?? this.lead.carried;
  }

  run<T>(block: () => T): T {
    return this.lead.run(block);
  }

  inherit(inner: FragmentClaim): void {
    if (inner instanceof Uncached) return;
    this.lead.scope.carry((inner as ClaimedHit).carried, this.#lookup.versions);
  }

  finish(text: string): void {
    const { versions, life, teller } = this.#lookup;
    const { rules } = this.question;
    currentScope()?.carry(this.carried, versions);
    teller.miss(this.question, {});
    const fresh = expectedFresh(rules, life);
    const { staleWhileRevalidate, staleIfError } = rules;
    this.lead.finish({
      held: hold(text, "copy"),
      tags: [],
      life: { fresh, staleWhileRevalidate, staleIfError },
    });
  }

  fail(error: unknown): void {
    const { spare } = this.lead;
    if (spare === undefined || this.spare === undefined) return this.lead.fail(error);
    const { versions, teller } = this.#lookup;
    this.#served = spare.carried;
    currentScope()?.carry(spare.carried, versions);
    teller.error(this.question, error);
    teller.stale(this.question, spare, error);
    this.lead.release(spare);
  }

  release(): void {
    this.lead.release();
  }
}

class ClaimedFollow implements FragmentFollow {
  readonly kind = "follow";
  readonly #lookup: Lookup;
  readonly #question: Question;
  readonly #follow: Follow;
  #outcome: Outcome | undefined;

  constructor(lookup: Lookup, question: Question, follow: Follow) {
    this.#lookup = lookup;
    this.#question = question;
    this.#follow = follow;
  }

  /** What a text with this one in it carries. */
  get carried(): readonly Carried[] {
    return this.#outcome?.carried ?? [];
  }

  join(holding: readonly FragmentLead[]): Promise<string | undefined> | undefined {
    const own = holding.filter((lead) => lead instanceof ClaimedLead);
    const waiting = this.#follow.join(own.map(({ lead }) => lead));
    return waiting?.then((outcome) => {
      this.#outcome = outcome;
      const text: unknown = outcome?.held?.give();
      if (typeof text !== "string") return undefined;
      this.#lookup.teller.miss(this.#question, { collapsed: true });
      return text;
    });
  }
}

/** A fragment that is not cached this time: its block runs as if there were no tag. */
class Uncached implements FragmentLead {
  readonly kind = "lead";
  readonly spare = undefined;

  run<T>(block: () => T): T {
    return block();
  }

  inherit(): void {}

  finish(): void {}

  fail(): void {}

  release(): void {}
}

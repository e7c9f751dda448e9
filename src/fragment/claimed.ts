// Fragments in the cache: each one is a question to the engine, claimed together with its level's.
import { claim, settle, type Accepts, type Claim } from "../claims.js";
import { currentScope } from "../computations.js";
import { learnAtOnce, remove } from "../direct.js";
import type { Engine } from "../engine.js";
import type { Entry } from "../entry.js";
import { warn } from "../events.js";
import { marksByTag, verdictOn } from "../judgement.js";
import type { Lookup } from "../lookup.js";
import type { Call, Rules } from "../rules.js";
import type { Question } from "../record.js";
import { Scope } from "../scope.js";
import type { Counts } from "../stats.js";
import type { LocalStore, Reading } from "../store/store.js";
import { ROOT, userTag } from "../versions.js";
import { FollowedFragment, StoredFragment, UncachedFragment } from "./answers.js";
import type { FragmentBackend, FragmentClaim, FragmentLead, FragmentRequest } from "./backend.js";
import { Fragments } from "./fragments.js";
import { LedFragment, LoneFragment } from "./led.js";

const NO_TAGS: readonly string[] = [];
const NO_CALL: Call = { self: undefined, args: [] };

/** Names may be made of data; so many of them are counted each on its own. */
const MOST_COUNTED = 1000;

/** Keeps the fragments of a cache. */
export class ClaimedFragments implements FragmentBackend {
  readonly #engine: Engine;
  readonly #counts = new Map<string, Counts>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  peek(request: FragmentRequest): StoredFragment | undefined {
    if (!this.#engine.enabled) return undefined;
    const { lookup } = this.#engine;
    const { local } = lookup;
    if (local === undefined) return undefined;
    const { entries } = local.read([request.key], NO_TAGS) as Reading;
    const entry = entries[0];
    if (entry === undefined || !this.#isFresh(entry, request, lookup)) return undefined;
    currentScope()?.carry(entry.carried, lookup.versions);
    this.#countsOf(request.name).hits += 1;
    lookup.teller.hit(request.name, entry);
    return new StoredFragment(entry, undefined);
  }

  async read(requests: readonly FragmentRequest[]): Promise<readonly FragmentClaim[]> {
    if (!this.#engine.enabled) return requests.map(() => new UncachedFragment());
    const { lookup } = this.#engine;
    const deleted = requests.filter(({ mode }) => mode === "delete").map(({ key }) => key);
    if (deleted.length > 0) await remove(lookup, deleted);
    const asked = requests.filter(({ mode }) => mode !== "skip");
    const questions = asked.map((request) => this.#question(request));
    const accepts: Accepts = (entry, verdict, { key }) =>
      verdict !== "spare" && isText(entry) && !deleted.includes(key);
    const claims = asked.length === 0 ? [] : await claim(lookup, questions, accepts);
    const level = new Scope(lookup.versions);
    const answers = claims.map((given, index) => this.#answer(questions[index]!, given, level));
    return requests.map(({ mode }) =>
      mode === "skip" ? new LoneFragment(lookup, [], level) : answers.shift()!,
    );
  }

  async write(leads: readonly FragmentLead[]): Promise<void> {
    const own = leads.filter((lead) => lead instanceof LedFragment).map(({ lead }) => lead);
    if (own.length > 0) await settle(this.#engine.lookup, own);
  }

  renew(lead: FragmentLead, make: () => Promise<string>): void {
    const { lookup } = this.#engine;
    const led = lead as LedFragment;
    lookup.inBackground(led.question, async () => {
      try {
        led.keep(await led.run(make));
      } catch (error) {
        led.abandon(error);
        throw error;
      }
      await settle(lookup, [led.lead]);
    });
  }

  #answer(question: Question, given: Claim, level: Scope): FragmentClaim {
    const { lookup } = this.#engine;
    if (given.kind === "lead") return new LedFragment(lookup, question, { lead: given, level });
    if (given.kind === "follow") return new FollowedFragment(lookup, question, given);
    const { entry, verdict, renew } = given;
    if (verdict === "fresh") {
      question.counts.hits += 1;
      lookup.teller.hit(question.name, entry);
    } else {
      lookup.teller.stale(question, entry, undefined);
    }
    const led = renew && new LedFragment(lookup, question, { lead: renew, level });
    return new StoredFragment(entry, led);
  }

  /** Whether an entry of this process answers a request without waiting. */
  #isFresh(entry: Entry, request: FragmentRequest, lookup: Lookup): boolean {
    if (entry.check !== request.digest || !isText(entry)) return false;
    if (lookup.isCurrent(entry) && carriesAll(entry, request.tags)) return true;
    const local = lookup.local!;
    if (!holdsNow(local, this.#question(request), entry)) return false;
    entry.epoch = local.epoch;
    return true;
  }

  #question(request: FragmentRequest): Question {
    const { name, key, digest, tags } = request;
    return {
      key,
      name,
      counts: this.#countsOf(name),
      tags: [ROOT, ...tags.map(userTag)],
      check: digest,
      owner: undefined,
      shortcut: undefined,
      rules: rulesOf(request),
      call: NO_CALL,
    };
  }

  #countsOf(name: string): Counts {
    const known = this.#counts.get(name);
    if (known !== undefined) return known;
    const { stats } = this.#engine;
    if (this.#counts.size >= MOST_COUNTED) return stats.direct;
    const counts = stats.of(name);
    this.#counts.set(name, counts);
    return counts;
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

function isText({ held }: Entry): boolean {
  return typeof held.give() === "string";
}

function carriesAll({ carried }: Entry, tags: readonly string[]): boolean {
  return tags.every((tag) => {
    const wanted = userTag(tag);
    return carried.some((own) => own.tag === wanted);
  });
}

/** Whether an entry is fresh and all its marks are those that hold now. */
function holdsNow(store: LocalStore, question: Question, entry: Entry): boolean {
  const { versions } = store.read(NO_TAGS, question.tags) as Reading;
  const marks = marksByTag(question, versions);
  learnAtOnce(store, marks, [entry]);
  return verdictOn(question, entry, marks) === "fresh";
}

function rulesOf({ timeout, staleWhileRevalidate, staleIfError }: FragmentRequest): Rules {
  return {
    timeout: timeout === undefined ? undefined : secondsOf(timeout),
    unless: undefined,
    forcedUpdate: undefined,
    isStale: undefined,
    shouldCache: undefined,
    tags: NO_TAGS,
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

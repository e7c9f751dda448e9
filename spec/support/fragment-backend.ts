// A fragment backend in memory that counts what is asked of it, and fails on demand.
import { AsyncLocalStorage } from "node:async_hooks";
import { Engine } from "../../src/engine.js";
import { ClaimedFragments } from "../../src/fragment/claimed.js";
import { Fragments } from "../../src/fragment/fragments.js";
import type {
  FragmentBackend,
  FragmentClaim,
  FragmentFollow,
  FragmentHit,
  FragmentLead,
  FragmentRequest,
} from "../../src/fragment/backend.js";
import { RecordingKeyv } from "./recording-keyv.js";

interface Stored {
  readonly text: string;
  readonly digest: string | undefined;
  readonly tags: ReadonlySet<string>;
  readonly freshUntil: number;
  readonly staleUntil: number;
  readonly errorUntil: number;
}

/** What collects the tags of all that is read in it. */
interface Collector {
  readonly tags: Set<string>;
  readonly waits: Set<Collector>;
}

const DEFAULT_TIMEOUT = 300_000;

// One for all backends: each one would make every promise of the process dearer.
const collectors = new AsyncLocalStorage<Collector>();

/** The backend of a cache in a spec. */
export class MemoryBackend implements FragmentBackend {
  readonly entries: Map<string, Stored> = new Map();
  readonly #flights = new Map<string, Lead>();
  /** Keys of every read and of every write, one list a round trip. */
  readonly reads: string[][] = [];
  readonly writes: string[][] = [];
  readonly failures: unknown[] = [];
  /** Whether hits are given without waiting, as a memory store does. */
  local = false;
  /** Whether the store fails all that is asked of it. */
  down = false;
  /** What a read waits for before it answers. */
  arrival: () => Promise<unknown> = () => Promise.resolve();

  peek(request: FragmentRequest): FragmentHit | undefined {
    return this.local ? this.#hit(request) : undefined;
  }

  async read(requests: readonly FragmentRequest[]): Promise<readonly FragmentClaim[]> {
    this.reads.push(requests.map(({ key }) => key));
    await this.arrival();
    return requests.map((request) => this.#claim(request));
  }

  async write(leads: readonly FragmentLead[]): Promise<void> {
    const own = (leads as readonly Lead[]).filter(({ isAside }) => !isAside);
    if (own.length > 0) this.writes.push(own.map(({ request }) => request.key));
    for (const lead of own) {
      if (!this.down) this.entries.set(lead.request.key, lead.entry());
    }
  }

  renew(lead: FragmentLead, make: () => Promise<string>): void {
    void this.#renew(lead, make);
  }

  async #renew(lead: FragmentLead, make: () => Promise<string>): Promise<void> {
    try {
      lead.finish(await lead.run(make));
      await this.write([lead]);
    } catch (error) {
      lead.fail(error);
    }
  }

  /** Outdates what carries a tag. */
  invalidate(tag: string): void {
    for (const [key, { tags }] of this.entries) if (tags.has(tag)) this.entries.delete(key);
  }

  /** Runs something as a computation around renderings; gives the tags left on it. */
  async collect(run: () => Promise<unknown>): Promise<string[]> {
    const collector = { tags: new Set<string>(), waits: new Set<Collector>() };
    await collectors.run(collector, run);
    return [...collector.tags].toSorted();
  }

  /** Leaves a tag on the computation that is running, as a memoized function does. */
  tag(name: string): void {
    collectors.getStore()?.tags.add(name);
  }

  /** Forgets the counts. */
  reset(): void {
    this.reads.length = 0;
    this.writes.length = 0;
  }

  #claim(request: FragmentRequest): FragmentClaim {
    if (request.mode === "delete") this.entries.delete(request.key);
    const hit = request.mode === "use" && !this.down ? this.#hit(request) : undefined;
    if (hit !== undefined) return hit;
    const flight = this.#flights.get(request.key);
    const joinable = request.mode === "use" && flight?.request.digest === request.digest;
    return joinable && flight !== undefined ? this.#follow(flight) : this.#lead(request);
  }

  #hit(request: FragmentRequest): FragmentHit | undefined {
    const entry = this.entries.get(request.key);
    if (entry === undefined || entry.digest !== request.digest) return undefined;
    if (Date.now() >= entry.staleUntil) return undefined;
    const collector = collectors.getStore();
    for (const tag of entry.tags) collector?.tags.add(tag);
    const stale = Date.now() >= entry.freshUntil && !this.#flights.has(request.key);
    return {
      kind: "hit",
      text: entry.text,
      tags: entry.tags,
      renew: stale ? this.#lead(request) : undefined,
    } as FragmentHit;
  }

  #lead(request: FragmentRequest): Lead {
    const entry = this.entries.get(request.key);
    const spare = entry !== undefined && Date.now() < entry.errorUntil ? entry.text : undefined;
    const lead = new Lead(request, spare, {
      around: collectors.getStore(),
      end: (failure) => {
        if (this.#flights.get(request.key) === lead) this.#flights.delete(request.key);
        if (failure !== undefined) this.failures.push(failure.error);
      },
    });
    if (request.mode === "use") this.#flights.set(request.key, lead);
    return lead;
  }

  #follow(leader: Lead): FragmentFollow {
    const around = collectors.getStore();
    const join = (holding: readonly FragmentLead[]): Promise<string | undefined> | undefined => {
      const held = [...(holding as readonly Lead[]).map(({ collector }) => collector), around];
      if (reaches(leader.collector, new Set(held))) return undefined;
      for (const collector of held) collector?.waits.add(leader.collector);
      return leader.done.then((text) => {
        for (const tag of leader.collector.tags) around?.tags.add(tag);
        return text;
      });
    };
    const { request } = leader;
    const aside = (): Lead =>
      new Lead(request, undefined, { around, isAside: true, end: () => undefined });
    return { kind: "follow", join, aside, tags: leader.collector.tags } as FragmentFollow;
  }
}

interface LeadParts {
  readonly around: Collector | undefined;
  readonly isAside?: boolean;
  readonly end: (failure?: { error: unknown }) => void;
}

class Lead implements FragmentLead {
  readonly kind = "lead";
  readonly request: FragmentRequest;
  readonly spare: string | undefined;
  readonly collector: Collector;
  readonly done: Promise<string | undefined>;
  readonly #parts: LeadParts;
  #settle!: { resolve: (text: string | undefined) => void; reject: (error: unknown) => void };
  #text: string | undefined;

  constructor(request: FragmentRequest, spare: string | undefined, parts: LeadParts) {
    this.request = request;
    this.spare = spare;
    this.#parts = parts;
    this.collector = { tags: new Set(request.tags), waits: new Set() };
    this.done = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.done.catch(() => undefined);
    parts.around?.waits.add(this.collector);
  }

  get isAside(): boolean {
    return this.#parts.isAside === true;
  }

  get tags(): ReadonlySet<string> {
    return this.collector.tags;
  }

  awaits(): void {}

  run<T>(block: () => T): T {
    return collectors.run(this.collector, block);
  }

  inherit(inner: FragmentClaim): void {
    const { tags } = inner as unknown as { tags: ReadonlySet<string> };
    for (const tag of tags) this.collector.tags.add(tag);
  }

  finish(text: string): void {
    this.#text = text;
    for (const tag of this.collector.tags) this.#parts.around?.tags.add(tag);
    this.#end();
    this.#settle.resolve(text);
  }

  fail(error: unknown): void {
    this.#end({ error });
    this.#settle.reject(error);
  }

  release(): void {
    this.#end();
    this.#settle.resolve(undefined);
  }

  entry(): Stored {
    const { timeout, digest, staleWhileRevalidate, staleIfError } = this.request;
    const freshUntil = Date.now() + (timeout ?? DEFAULT_TIMEOUT);
    return {
      text: this.#text!,
      digest,
      tags: this.collector.tags,
      freshUntil,
      staleUntil: freshUntil + staleWhileRevalidate,
      errorUntil: freshUntil + staleIfError,
    };
  }

  #end(failure?: { error: unknown }): void {
    this.#parts.around?.waits.delete(this.collector);
    this.#parts.end(failure);
  }
}

function reaches(
  from: Collector,
  wanted: ReadonlySet<Collector | undefined>,
  seen = new Set<Collector>(),
): boolean {
  if (wanted.has(from)) return true;
  seen.add(from);
  return [...from.waits].some((next) => !seen.has(next) && reaches(next, wanted, seen));
}

/** A cache's fragments on a backend in memory, and what they have warned of. */
export function memoryFragments(strict = false): {
  backend: MemoryBackend;
  fragments: Fragments;
  warnings: string[];
} {
  const backend = new MemoryBackend();
  const warnings: string[] = [];
  const fragments = new Fragments(backend, { strict, warn: (text) => warnings.push(text) });
  return { backend, fragments, warnings };
}

/** Fragments on the engine itself, whose store answers at once or later, and the texts in the store. */
export function engineFragments(): { fragments: Fragments; texts: () => string[] }[] {
  const keyv = new RecordingKeyv();
  return [
    { fragments: onEngine(new Engine({})), texts: () => [] },
    { fragments: onEngine(new Engine({ store: keyv })), texts: () => [...keyv.values.values()] },
  ];
}

function onEngine(engine: Engine): Fragments {
  return new Fragments(new ClaimedFragments(engine), { strict: false, warn: () => undefined });
}

// Sends random requests to an application with a cache and to the same one without, and compares.
import { type Connection, type WireAnswer, type WireRequest } from "./memory-connection.js";
import { RandomRequests, written, type Draft } from "./random-requests.js";
import { Random } from "./random.js";

/** What is compared. */
export interface FuzzOptions {
  readonly seed: number;
  readonly pairs: number;
  readonly cached: Connection;
  readonly plain: Connection;
  /** Moves the time on, in seconds. */
  readonly pass?: (seconds: number) => void;
}

/** What came of it. */
export interface FuzzReport {
  readonly requests: number;
  readonly hits: number;
  /** Answers that waited for another request. */
  readonly collapsed: number;
  readonly notModified: number;
  /** The first difference, with all that is needed to see it again. */
  readonly difference: string | undefined;
}

/** Compares until the first difference. */
export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const run = new Fuzz(options);
  while (run.report.difference === undefined && run.pairs < options.pairs) await run.pair();
  return run.report;
}

/** Written anew by a cache, of the connection, or compared apart. */
const APART: ReadonlySet<string> = new Set([
  "age",
  "cache-status",
  "date",
  "etag",
  "vary",
  "content-length",
  "connection",
  "keep-alive",
  "transfer-encoding",
]);

const SAFE: ReadonlySet<string> = new Set(["GET", "HEAD"]);

/** How many requests before a difference are shown. */
const SHOWN = 6;

class Fuzz {
  pairs = 0;
  readonly report: { -readonly [name in keyof FuzzReport]: FuzzReport[name] } = {
    requests: 0,
    hits: 0,
    collapsed: 0,
    notModified: 0,
    difference: undefined,
  };
  readonly #options: FuzzOptions;
  readonly #random: Random;
  readonly #requests: RandomRequests;
  readonly #tags: string[] = [];
  /** The bodies that went with an entity tag. */
  readonly #bodies = new Map<string, string>();
  readonly #recent: string[] = [];
  readonly #cached: Connection;
  readonly #plain: Connection;

  constructor(options: FuzzOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#requests = new RandomRequests(this.#random, this.#tags);
    this.#cached = options.cached;
    this.#plain = options.plain;
  }

  /** Two requests that are alike: at once if neither changes anything, else between two looks. */
  async pair(): Promise<void> {
    this.pairs += 1;
    if (this.#random.chance(0.02)) this.#options.pass?.(this.#random.pick([1, 31, 61, 100]));
    const one = this.#requests.make();
    const other = this.#requests.near(one);
    const isSafe = [one, other].every(leavesEverything);
    if (!isSafe || this.#random.chance(0.7)) {
      const look = isSafe ? [] : [this.#requests.showing(one)];
      for (const draft of [...look, one, other, ...look]) await this.#compare([written(draft)]);
      return;
    }
    const more = this.#random.chance(0.3) ? [written(one)] : [];
    await this.#compare([written(one), written(other), ...more]);
  }

  async #compare(requests: readonly WireRequest[]): Promise<void> {
    const answers = await Promise.all(requests.map((request) => this.#cached(request)));
    for (const [index, request] of requests.entries()) {
      const answer = answers[index]!;
      this.#count(answer);
      this.#remember(request, answer);
      // No handler ran, so none runs without a cache either: it might change something.
      if (isRefused(request, answer)) continue;
      const plain = await this.#plain(request);
      const difference = await this.#difference(request, plain, answer);
      if (difference === undefined) continue;
      this.report.difference ??= this.#told(difference, plain, answer);
    }
  }

  #count({ status, fields }: WireAnswer): void {
    const told = fields["cache-status"] ?? "";
    this.report.requests += 1;
    if (/;\s*hit/.test(told)) this.report.hits += 1;
    if (told.includes("collapsed")) this.report.collapsed += 1;
    if (status === 304) this.report.notModified += 1;
  }

  #remember(request: WireRequest, answer: WireAnswer): void {
    this.#recent.push(`${show(request)}\n    → ${answer.status} ${answer.fields["cache-status"]}`);
    if (this.#recent.length > SHOWN) this.#recent.shift();
    const tag = answer.fields["etag"];
    if (tag === undefined || answer.status !== 200 || request.method !== "GET") return;
    if (this.#bodies.size > 5000) this.#bodies.clear();
    this.#bodies.set(opaque(tag), answer.body);
    if (this.#tags.push(tag) > 50) this.#tags.shift();
  }

  async #difference(
    request: WireRequest,
    plain: WireAnswer,
    cached: WireAnswer,
  ): Promise<string | undefined> {
    if (cached.status === 304 && plain.status !== 304) return this.#notModified(request, plain);
    const isWhole = cached.status === 200 && plain.status === 206;
    return differenceOf(isWhole ? await this.#plain(without(request, "Range")) : plain, cached);
  }

  /** A 304 says that the client has what it would get. */
  async #notModified(request: WireRequest, plain: WireAnswer): Promise<string | undefined> {
    if (plain.status !== 200 && plain.status !== 206) return `304 in place of ${plain.status}`;
    const condition = fieldOf(request, "If-None-Match");
    if (condition === "*") return undefined;
    if (condition === undefined) {
      return Date.parse(fieldOf(request, "If-Modified-Since") ?? "") > 0
        ? undefined
        : "304 unasked";
    }
    const whole = await this.#plain({ ...without(request, "Range"), method: "GET" });
    const had = this.#bodies.get(opaque(condition));
    return had === whole.body ? undefined : `304 for a client that has ${had}`;
  }

  #told(difference: string, plain: WireAnswer, cached: WireAnswer): string {
    return [
      `${difference} (seed ${this.#options.seed}, pair ${this.pairs})`,
      "The last requests, the newest at the end:",
      ...this.#recent,
      "Without a cache:",
      JSON.stringify(plain),
      "With the cache:",
      JSON.stringify(cached),
    ].join("\n  ");
  }
}

/** The answer of a cache to who wants nothing from elsewhere. */
function isRefused(request: WireRequest, { status }: WireAnswer): boolean {
  return status === 504 && fieldOf(request, "Cache-Control") === "only-if-cached";
}

/** A page that counts visits changes the session. */
function leavesEverything({ method, path }: Draft): boolean {
  return SAFE.has(method) && path !== "/visits";
}

/** The first difference between two answers that a client could notice. */
export function differenceOf(plain: WireAnswer, cached: WireAnswer): string | undefined {
  if (plain.status !== cached.status) return `status ${cached.status} in place of ${plain.status}`;
  if (plain.message !== cached.message) return `message ${cached.message}`;
  if (plain.complete !== cached.complete) return `complete: ${cached.complete}`;
  if (plain.body !== cached.body) return `body ${cached.body} in place of ${plain.body}`;
  const names = new Set([...Object.keys(plain.fields), ...Object.keys(cached.fields)]);
  const differing = [...names].find(
    (name) => !APART.has(name) && plain.fields[name] !== cached.fields[name],
  );
  if (differing !== undefined) return `field ${differing}: ${cached.fields[differing]}`;
  return (
    lengthDifference(plain, cached) ?? varyDifference(plain, cached) ?? tagDifference(plain, cached)
  );
}

/** The length of a stream is known once it is stored. */
function lengthDifference(plain: WireAnswer, cached: WireAnswer): string | undefined {
  const [before, after] = [plain.fields["content-length"], cached.fields["content-length"]];
  if (before === after) return undefined;
  const streams =
    before === undefined && (cached.body === "" || Number(after) === cached.body.length);
  return streams ? undefined : `Content-Length ${after} in place of ${before}`;
}

/** What `vary` declares is added. */
function varyDifference(plain: WireAnswer, cached: WireAnswer): string | undefined {
  const names = (answer: WireAnswer) =>
    (answer.fields["vary"] ?? "")
      .toLowerCase()
      .split(/\s*,\s*/)
      .filter((name) => name !== "");
  const [before, after] = [new Set(names(plain)), names(cached)];
  const declared = new Set(["cookie", "authorization"]);
  const missing = [...before].find((name) => !after.includes(name));
  const excess = after.find((name) => !before.has(name) && !declared.has(name));
  if (missing !== undefined) return `Vary without ${missing}`;
  return excess === undefined ? undefined : `Vary with ${excess}`;
}

/** A tag that the handler made stays. */
function tagDifference(plain: WireAnswer, cached: WireAnswer): string | undefined {
  const tag = plain.fields["etag"];
  return tag === undefined || tag === cached.fields["etag"] ? undefined : `ETag instead of ${tag}`;
}

function opaque(tag: string): string {
  return tag.replace(/^W\//, "");
}

function fieldOf({ fields }: WireRequest, name: string): string | undefined {
  const at = fields.indexOf(name);
  return at === -1 ? undefined : fields[at + 1];
}

function without(request: WireRequest, name: string): WireRequest {
  const fields = request.fields.filter((_, index, all) => all[index - (index % 2)] !== name);
  return { ...request, fields };
}

function show({ method, target, fields }: WireRequest): string {
  const lines = fields.map((text, index) => text + (index % 2 === 0 ? ": " : "; "));
  return `${method} ${target} ${lines.join("")}`;
}

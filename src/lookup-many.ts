// Several questions at once: one read, one computation for what is missing, one write.
import { currentScope, runInScope, type Underway } from "./computations.js";
import type { Entry } from "./entry.js";
import {
  carriedAside,
  isEarly,
  isRefused,
  marksByTag,
  unknownTags,
  verdictOn,
  type Marks,
} from "./judgement.js";
import type { Intent, Lookup } from "./lookup.js";
import type { Question } from "./record.js";
import { Scope } from "./scope.js";
import type { Flight } from "./single-flight.js";
import type { MaybePromise, Reading } from "./store/store.js";

/** What a computation did not give: returned as `undefined`, and not stored. */
export const ABSENT: unique symbol = Symbol("absent");

/** Computes the answers to some of the questions, in their order. */
export type ComputeMany = (questions: readonly Question[]) => Promise<readonly unknown[]>;

interface Batch {
  readonly lookup: Lookup;
  /** The turn at which it was asked. */
  readonly asked: number;
  readonly reading: Reading;
  readonly compute: ComputeMany;
}

/** A question whose stored answer is good. */
interface Good {
  readonly question: Question;
  readonly entry: Entry;
  readonly isStale: boolean;
}

/** A question to compute, and what may be served if that fails. */
interface Missing {
  readonly question: Question;
  readonly spare: Entry | undefined;
}

type Found = Good | Missing;

/** The answers to questions that carry the same tags, in their order. */
export async function fetchMany(
  lookup: Lookup,
  questions: readonly Question[],
  compute: ComputeMany,
  intent: Intent = "use",
): Promise<readonly unknown[]> {
  const first = questions[0];
  if (first === undefined) return [];
  const keys = intent === "use" ? questions.map(({ key }) => key) : [];
  const asked = lookup.flights.turn();
  lookup.flights.opened(asked);
  let answers: Promise<readonly unknown[]>;
  try {
    const arriving = lookup.store.read(keys, first.tags);
    // Where nothing has to be waited for, nobody comes between the look and the decision.
    const reading = arriving instanceof Promise ? await arriving : arriving;
    const batch = { lookup, asked, reading, compute };
    const judged = intent === "renew" ? questions.map(unfound) : judgeAll(batch, questions);
    answers = answer(batch, judged instanceof Promise ? await judged : judged, intent);
  } finally {
    lookup.flights.closed(asked);
  }
  return answers;
}

function unfound(question: Question): Missing {
  return { question, spare: undefined };
}

function judgeAll(
  { lookup, reading }: Batch,
  questions: readonly Question[],
): MaybePromise<readonly Found[]> {
  const first = questions[0]!;
  const marks = marksByTag(first, reading.versions);
  const stored = reading.entries.filter((entry) => entry !== undefined);
  const judgeNow = (): readonly Found[] =>
    questions.map((question, index) => judgeOne(question, reading.entries[index], marks));
  if (first.rules.isStale === undefined && unknownTags(marks, stored).length === 0) {
    return judgeNow();
  }
  return lookup.learn(marks, stored).then(() => Promise.all(judgeNow().map(unlessRefused)));
}

function judgeOne(question: Question, entry: Entry | undefined, marks: Marks): Found {
  const verdict = entry === undefined ? "dead" : verdictOn(question, entry, marks);
  if (entry === undefined || verdict === "dead") return unfound(question);
  if (verdict === "spare") return { question, spare: entry };
  return { question, entry, isStale: verdict === "stale" };
}

async function unlessRefused(found: Found): Promise<Found> {
  if (!("entry" in found) || !(await isRefused(found.question, found.entry))) return found;
  return unfound(found.question);
}

/** Who is waited for and what is computed is decided in one go, so that nobody comes between. */
async function answer(
  batch: Batch,
  found: readonly Found[],
  intent: Intent,
): Promise<readonly unknown[]> {
  const { lookup, asked, reading } = batch;
  const scope = currentScope();
  const leads: Missing[] = [];
  const asides: Missing[] = [];
  const values = new Map<Question, Promise<unknown>>();
  for (const one of found) {
    const { question } = one;
    const flight =
      intent === "use" ? lookup.joinable(question, reading.versions, asked) : undefined;
    if ("entry" in one) values.set(question, serve(lookup, one));
    else if (flight === undefined) leads.push(one);
    // Waiting for a computation that waits for this one would never end.
    else if (scope !== undefined && flight.scope.reaches(scope)) asides.push(one);
    else values.set(question, follow(batch, question, flight));
  }
  renew(batch, found.filter(isDue));
  const computed = computeMissing(batch, { leads, asides, quiet: false });
  const all = found.map(
    ({ question }) => values.get(question) ?? computed.then((given) => given.get(question)),
  );
  // What fails first rejects the call; the others must not be left unhandled then.
  for (const value of [...all, computed]) value.catch(() => undefined);
  return Promise.all(all);
}

function serve(lookup: Lookup, { question, entry, isStale }: Good): Promise<unknown> {
  if (!isStale) return lookup.hit(question, entry, undefined);
  return Promise.resolve(lookup.serveStale(question, entry, undefined));
}

function isDue(found: Found): found is Good {
  return "entry" in found && (found.isStale || isEarly(found.question, found.entry));
}

/** Computes anew in the background, together and once, what has just been served. */
function renew(batch: Batch, due: readonly Good[]): void {
  const { lookup, asked, reading } = batch;
  const leads = due
    .map(({ question }) => unfound(question))
    .filter(({ question }) => lookup.joinable(question, reading.versions, asked) === undefined);
  if (leads.length === 0) return;
  const work = { leads, asides: [], quiet: true };
  lookup.inBackground(leads[0]!.question, () => computeMissing(batch, work));
}

function follow(batch: Batch, question: Question, flight: Flight): Promise<unknown> {
  const { lookup, asked, reading, compute } = batch;
  const alone = async (): Promise<unknown> => present((await compute([question]))[0]);
  const again = async (): Promise<unknown> => (await fetchMany(lookup, [question], compute))[0];
  const inquiry = { question, asked, reading, compute: alone, again };
  return lookup.follow(inquiry, flight, currentScope());
}

/** What one run of the function is for. `asides` are computed without being stored. */
interface Work {
  readonly leads: readonly Missing[];
  readonly asides: readonly Missing[];
  /** Nobody has asked for it, so that it is no miss. */
  readonly quiet: boolean;
}

/** Computes what nobody else computes, and stores it in one write. */
async function computeMissing(
  { lookup, asked, reading, compute }: Batch,
  work: Work,
): Promise<ReadonlyMap<Question, unknown>> {
  const { leads, asides } = work;
  const missing = [...leads, ...asides].map(({ question }) => question);
  if (missing.length === 0) return new Map();
  const outer = currentScope();
  const scope = new Scope(lookup.versions);
  const underway = leads.map(({ question }) =>
    lookup.computations.begin(question, reading.versions, scope),
  );
  outer?.waits.add(scope);
  let computed: Computed | undefined;
  try {
    const { tags } = missing[0]!;
    await lookup.computations.establish(underway, { asked, tags, reading });
    computed = await run(compute, missing, scope);
    return await keep(lookup, underway, computed, work.quiet);
  } catch (error) {
    return standIn(lookup, { underway, ...work, hasComputed: computed !== undefined }, error);
  } finally {
    for (const { question } of asides) {
      scope.carry(carriedAside(question, reading.versions), lookup.versions);
    }
    outer?.carry(scope.carried, lookup.versions);
    outer?.waits.delete(scope);
  }
}

interface Computed {
  readonly values: ReadonlyMap<Question, unknown>;
  /** How long it took, in milliseconds. */
  readonly cost: number;
}

async function run(
  compute: ComputeMany,
  missing: readonly Question[],
  scope: Scope,
): Promise<Computed> {
  const started = performance.now();
  const values = await runInScope(scope, () => compute(missing));
  const cost = performance.now() - started;
  return { values: new Map(missing.map((question, index) => [question, values[index]])), cost };
}

async function keep(
  lookup: Lookup,
  underway: readonly Underway[],
  { values, cost }: Computed,
  quiet: boolean,
): Promise<ReadonlyMap<Question, unknown>> {
  const outcomes = await lookup.computations.finish(
    underway.map((one) => {
      const value = values.get(one.question);
      return [one, { value: present(value), cost, keep: value !== ABSENT }];
    }),
  );
  const given = new Map(Array.from(values, ([question, value]) => [question, present(value)]));
  underway.forEach(({ question }, index) => {
    const { held, carried } = outcomes[index]!;
    currentScope()?.carry(carried, lookup.versions);
    const frozen = (question.rules.sharing ?? lookup.sharing) === "freeze";
    if (frozen && held !== undefined) given.set(question, held.give());
  });
  if (quiet) return given;
  for (const question of values.keys()) lookup.teller.miss(question, { duration: cost / 1000 });
  return given;
}

interface Failed extends Work {
  readonly underway: readonly Underway[];
  /** What fails after the computation is a callable of the caller's, which is not covered up. */
  readonly hasComputed: boolean;
}

/**
 * When computing failed: what may be served in that case (RFC 5861) goes to those who wait for it;
 * the caller gets it if it is there for all that he asked for.
 */
function standIn(
  lookup: Lookup,
  { underway, leads, asides, hasComputed }: Failed,
  error: unknown,
): ReadonlyMap<Question, unknown> {
  const spares = leads.map(({ spare }, index) => {
    if (spare === undefined || hasComputed) return undefined;
    return lookup.standsIn(spare, underway[index]!.flight) ? spare : undefined;
  });
  spares.forEach((spare, index) => {
    const instead = spare === undefined ? { error } : { instead: spare };
    lookup.computations.abandon([underway[index]!], instead);
  });
  if (asides.length > 0 || spares.includes(undefined)) throw error;
  lookup.teller.error(leads[0]!.question, error);
  return new Map(
    leads.map(({ question }, index) => [
      question,
      lookup.serveStale(question, spares[index]!, error),
    ]),
  );
}

function present(value: unknown): unknown {
  return value === ABSENT ? undefined : value;
}

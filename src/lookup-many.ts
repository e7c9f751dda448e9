// Several questions at once: one read, one computation for what is missing, one write.
import { currentScope, runInScope, type Underway } from "./computations.js";
import { judge, type Entry } from "./entry.js";
import { isRefused, marksByTag, verdictOn, type Marks } from "./judgement.js";
import type { Intent, Lookup } from "./lookup.js";
import type { Question } from "./record.js";
import { Scope } from "./scope.js";
import type { Flight } from "./single-flight.js";
import type { Reading } from "./store/store.js";

/** What a computation did not give: returned as `undefined`, and not stored. */
export const ABSENT: unique symbol = Symbol("absent");

/** Computes the answers to some of the questions, in their order. */
export type ComputeMany = (questions: readonly Question[]) => Promise<readonly unknown[]>;

interface Batch {
  readonly lookup: Lookup;
  readonly reading: Reading;
  readonly compute: ComputeMany;
}

/** A question whose stored answer is good, or one that is to be computed. */
type Found =
  | { readonly question: Question; readonly value: Promise<unknown> }
  | { readonly question: Question; readonly spare: Entry | undefined };

/** A question to compute, and what may be served if that fails. */
interface Missing {
  readonly question: Question;
  readonly spare: Entry | undefined;
}

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
  const reading = await lookup.store.read(keys, first.tags);
  const batch = { lookup, reading, compute };
  if (intent === "renew") return answer(batch, questions.map(unfound), intent);
  const marks = marksByTag(first, reading.versions);
  const stored = reading.entries.filter((entry) => entry !== undefined);
  await lookup.learn(marks, stored);
  const found = await Promise.all(
    questions.map(async (question, index) => {
      const entry = reading.entries[index];
      return entry === undefined ? unfound(question) : consider(batch, question, { entry, marks });
    }),
  );
  return answer(batch, found, intent);
}

function unfound(question: Question): Found {
  return { question, spare: undefined };
}

async function consider(
  batch: Batch,
  question: Question,
  { entry, marks }: { readonly entry: Entry; readonly marks: Marks },
): Promise<Found> {
  const verdict = verdictOn(question, entry, marks);
  if (verdict === "dead") return unfound(question);
  if (verdict === "spare") return { question, spare: entry };
  if (await isRefused(question, entry)) return unfound(question);
  const { lookup, reading, compute } = batch;
  if (verdict === "fresh") return { question, value: lookup.hit(question, entry, undefined) };
  if (lookup.joinable(question, reading.versions) === undefined) {
    lookup.inBackground(question, () => fetchMany(lookup, [question], compute, "renew"));
  }
  return { question, value: Promise.resolve(lookup.serveStale(question, entry, undefined)) };
}

/** Who is waited for and what is computed is decided in one go, so that nobody comes between. */
async function answer(
  batch: Batch,
  found: readonly Found[],
  intent: Intent,
): Promise<readonly unknown[]> {
  const { lookup, reading } = batch;
  const scope = currentScope();
  const leads: Missing[] = [];
  const asides: Missing[] = [];
  const values = new Map<Question, Promise<unknown>>();
  for (const one of found) {
    const { question } = one;
    const flight = intent === "use" ? lookup.joinable(question, reading.versions) : undefined;
    if ("value" in one) values.set(question, one.value);
    else if (flight === undefined) leads.push(one);
    // Waiting for a computation that waits for this one would never end.
    else if (scope !== undefined && flight.scope.reaches(scope)) asides.push(one);
    else values.set(question, follow(batch, question, flight));
  }
  const computed = computeMissing(batch, leads, asides);
  const all = found.map(
    ({ question }) => values.get(question) ?? computed.then((given) => given.get(question)),
  );
  // What fails first rejects the call; the others must not be left unhandled then.
  for (const value of [...all, computed]) value.catch(() => undefined);
  return Promise.all(all);
}

function follow(
  { lookup, reading, compute }: Batch,
  question: Question,
  flight: Flight,
): Promise<unknown> {
  const alone = async (): Promise<unknown> => present((await compute([question]))[0]);
  return lookup.follow({ question, reading, compute: alone }, flight, currentScope());
}

/** Computes what nobody else computes, and stores it in one write. */
async function computeMissing(
  { lookup, reading, compute }: Batch,
  leads: readonly Missing[],
  asides: readonly Missing[],
): Promise<ReadonlyMap<Question, unknown>> {
  const missing = [...leads, ...asides].map(({ question }) => question);
  if (missing.length === 0) return new Map();
  const outer = currentScope();
  const scope = new Scope(lookup.versions);
  const { computations } = lookup;
  const underway = computations.begin(missing.slice(0, leads.length), reading, scope);
  outer?.waits.add(scope);
  try {
    await computations.establish(underway, reading);
    const started = performance.now();
    const values = await runInScope(scope, () => compute(missing));
    const cost = performance.now() - started;
    const computed = new Map(missing.map((question, index) => [question, values[index]]));
    return await keep(lookup, underway, { computed, cost });
  } catch (error) {
    return standIn(lookup, { underway, leads, asides }, error);
  } finally {
    outer?.waits.delete(scope);
  }
}

interface Computed {
  readonly computed: ReadonlyMap<Question, unknown>;
  readonly cost: number;
}

async function keep(
  lookup: Lookup,
  underway: readonly Underway[],
  { computed, cost }: Computed,
): Promise<ReadonlyMap<Question, unknown>> {
  const outcomes = await lookup.computations.finish(
    underway.map((one) => {
      const value = computed.get(one.question);
      return [one, { value: present(value), cost, keep: value !== ABSENT }];
    }),
  );
  const given = new Map(Array.from(computed, ([question, value]) => [question, present(value)]));
  underway.forEach(({ question }, index) => {
    const { held, carried } = outcomes[index]!;
    currentScope()?.carry(carried, lookup.versions);
    const frozen = (question.rules.sharing ?? lookup.sharing) === "freeze";
    if (frozen && held !== undefined) given.set(question, held.give());
  });
  for (const question of computed.keys()) lookup.teller.miss(question, { duration: cost / 1000 });
  return given;
}

interface Failed {
  readonly underway: readonly Underway[];
  readonly leads: readonly Missing[];
  readonly asides: readonly Missing[];
}

/** When computing failed: what may be served in that case (RFC 5861), if it is there for all. */
function standIn(
  lookup: Lookup,
  { underway, leads, asides }: Failed,
  error: unknown,
): ReadonlyMap<Question, unknown> {
  const now = Date.now();
  const covered = leads.every(({ spare }) => spare !== undefined && judge(spare, now) !== "dead");
  if (!covered || asides.length > 0) {
    lookup.computations.abandon(underway, { error });
    throw error;
  }
  lookup.teller.error(leads[0]!.question, error);
  return new Map(
    leads.map(({ question, spare }, index) => {
      lookup.computations.abandon([underway[index]!], { instead: spare! });
      return [question, lookup.serveStale(question, spare!, error)];
    }),
  );
}

function present(value: unknown): unknown {
  return value === ABSENT ? undefined : value;
}

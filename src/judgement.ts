// Judges an entry against a question: pure functions, which change nothing.
import { isAhead } from "./clock.js";
import { digest } from "./key/hash.js";
import { judge, type Carried, type Entry, type Verdict } from "./entry.js";
import type { Question } from "./record.js";
import { UNKNOWN } from "./scope.js";
import type { Known } from "./versions.js";

/** Tags with the marks of their versions. */
export function carriedWith(tags: readonly string[], versions: Known): readonly Carried[] {
  return tags.map((tag, index) => ({ tag, mark: versions[index]?.mark ?? UNKNOWN }));
}

/**
 * What the answer to a question carries if it is computed without being judged: tags that only the
 * result can name are unknown then, so that nothing built from it may be kept.
 */
export function carriedAside({ tags, rules }: Question, versions: Known): readonly Carried[] {
  return carriedWith(tags, rules.tagsOf === undefined ? versions : []);
}

/** The current mark of each tag, `undefined` where there is none. */
export type Marks = Map<string, string | undefined>;

/** The marks of versions, in their order. */
export function marksOf(versions: Known): readonly (string | undefined)[] {
  return versions.map((version) => version?.mark);
}

/** A fresh entry that carries just the tags of the question, and of which nobody else is asked. */
export function isPlainHit(question: Question, entry: Entry, versions: Known): boolean {
  const { check, owner, tags, rules } = question;
  return (
    rules.isStale === undefined &&
    rules.earlyRefresh === 0 &&
    entry.check === check &&
    (owner === undefined || entry.owner === undefined || owner === entry.owner) &&
    isAhead(entry.freshUntil) &&
    entry.carried.length === tags.length &&
    entry.carried.every(
      ({ tag, mark }, index) => tag === tags[index] && mark === versions[index]?.mark,
    )
  );
}

/** Whether two owners of a default key are different functions, not two versions of one. */
export function isForeign(owner: string | undefined, other: string | undefined): boolean {
  return owner !== undefined && other !== undefined && ownerName(owner) !== ownerName(other);
}

/** Whose a default key is: the name of the function, which one of that name, and its source. */
export function ownerOf(name: string, ordinal: number, source: string): string {
  return `${name}#${ordinal}@${digest(source).slice(0, 12)}`;
}

/** An owner as people are told it. */
export function ownerName(owner: string): string {
  return owner.slice(0, owner.lastIndexOf("@"));
}

/**
 * Whether an entry is that of the same function in another version: of another deployment, or of
 * another process in which functions without names come in another order.
 */
function isOutdated(owner: string | undefined, other: string | undefined): boolean {
  return owner !== undefined && other !== undefined && owner !== other && !isForeign(owner, other);
}

/** What an entry is good for as the answer to a question, given the marks of all that it carries. */
export function verdictOn(question: Question, entry: Entry, marks: Marks): Verdict {
  const { check, owner, tags } = question;
  if (entry.check !== check || isOutdated(owner, entry.owner)) return "dead";
  return holds(entry, marks, tags) ? judge(entry, Date.now()) : "dead";
}

/** The marks of a question's tags, as read. */
export function marksByTag({ tags }: Question, versions: Known): Marks {
  return new Map(tags.map((tag, index) => [tag, versions[index]?.mark]));
}

/**
 * Whether an entry's marks are the marks that its tags have now, a missing mark being another mark,
 * and every tag of the question is among them: an entry that does not carry a tag would outlive
 * the tag's invalidation.
 */
export function holds({ carried }: Entry, marks: Marks, tags: readonly string[]): boolean {
  return (
    carried.every(({ tag, mark }) => marks.get(tag) === mark) &&
    tags.every((tag) => carried.some((own) => own.tag === tag))
  );
}

/** The tags that entries carry and whose marks are not known yet. */
export function unknownTags(marks: Marks, entries: readonly Entry[]): readonly string[] {
  const tags = entries.flatMap(({ carried }) => carried.map(({ tag }) => tag));
  return [...new Set(tags)].filter((tag) => !marks.has(tag));
}

/** Whether the caller's own rule turns a hit into a miss. */
export async function isRefused({ rules, call }: Question, entry: Entry): Promise<boolean> {
  if (rules.isStale === undefined) return false;
  return Boolean(await rules.isStale.call(call.self, entry.held.give(), ...call.args));
}

/** Whether a fresh entry is refreshed before its time (XFetch, Vattani and others 2015). */
export function isEarly({ rules }: Question, { cost, freshUntil }: Entry): boolean {
  if (rules.earlyRefresh === 0) return false;
  return Date.now() - cost * rules.earlyRefresh * Math.log(Math.random()) >= freshUntil;
}

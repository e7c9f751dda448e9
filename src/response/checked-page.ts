// Checks that a value from a store is a page: whoever wrote it may have written anything.
import { isBodyKind } from "./body.js";
import { isToken } from "./fields.js";
import type { Page } from "./snapshot.js";

/** Pages that were checked before. */
const checked = new WeakSet<object>();

/** Whether a value is a page that can be sent. */
export function isPage(value: unknown): value is Page {
  if (typeof value !== "object" || value === null) return false;
  if (checked.has(value)) return true;
  const page = value as Record<keyof Page, unknown>;
  const isGood =
    [page.fields, page.added].every((list) => Array.isArray(list) && list.every(isField)) &&
    Array.isArray(page.removed) &&
    page.removed.every((name) => typeof name === "string") &&
    [page.receivedAt, page.initialAge, page.fresh, page.ifError].every(isTime) &&
    isStatus(page.status) &&
    isText(page.message) &&
    (page.etag === undefined || isText(page.etag)) &&
    page.body instanceof Uint8Array &&
    isBodyKind(page.kind);
  if (isGood) checked.add(value);
  return isGood;
}

function isField(field: unknown): boolean {
  if (!Array.isArray(field) || field.length !== 2) return false;
  const [name, value] = field as readonly unknown[];
  const lines: readonly unknown[] = Array.isArray(value) ? value : [value];
  return typeof name === "string" && isToken(name) && lines.every(isText);
}

/** Text that Node sends in a field or as a reason. */
function isText(text: unknown): boolean {
  return typeof text === "string" && !/[^\t\x20-\x7e\x80-\xff]/.test(text);
}

function isTime(time: unknown): boolean {
  return typeof time === "number" && !Number.isNaN(time);
}

function isStatus(status: unknown): boolean {
  return Number.isInteger(status) && Number(status) >= 200 && Number(status) <= 999;
}

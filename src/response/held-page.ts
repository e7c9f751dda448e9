// A page in safe keeping, and what callables and `get()` are given of it.
import type { Held } from "../entry.js";
import { asBuffer, bodyOf } from "./body.js";
import type { PageResult } from "./page-options.js";
import { pageBytes, pageFields, type Page } from "./snapshot.js";

/** The variant that a page is: by which fields of a request, and by which values. */
export interface Variant {
  readonly names: readonly string[];
  readonly text: string;
}

/** A page in this process: nobody who is given it changes it. */
export class HeldPage implements Held {
  readonly bytes: number;
  readonly shared = true;
  readonly page: Page;
  readonly variant: Variant;

  constructor(page: Page, variant: Variant) {
    this.bytes = pageBytes(page);
    this.page = page;
    this.variant = variant;
  }

  give(): Page {
    return this.page;
  }
}

/** A value in this process that is never changed. */
export function heldValue(value: object, bytes: number): Held {
  return { bytes, shared: true, give: () => value };
}

/** A page as the application is given it. */
export function resultOf(page: Page): PageResult {
  const { status, kind, body } = page;
  const headers = pageFields(page) as PageResult["headers"];
  const isPlain = kind === "text" || kind === "json" || kind === "null" || kind === "unset";
  return {
    status,
    headers: { ...headers },
    body: isPlain ? (bodyOf(kind, body, "") ?? null) : Buffer.from(asBuffer(body)),
  };
}

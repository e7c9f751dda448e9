// What a successful unsafe request makes invalid (RFC 9111, section 4.4).
import { fieldText, type Fields } from "./fields.js";

const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

/** Whether a method may change something; one that is not known may. */
export function isUnsafe(method: string): boolean {
  return !SAFE_METHODS.has(method);
}

/** Whether a response is not an error. */
export function isSuccess(status: number): boolean {
  return status >= 200 && status < 400;
}

/**
 * The URLs that an unsafe request made invalid: its own, and those of `Location` and
 * `Content-Location` where they have the same origin, so that nobody can invalidate the pages of
 * others. `url` is the full URL of the request.
 */
export function invalidatedUrls(url: string, status: number, fields: Fields): readonly URL[] {
  const own = parseUrl(url);
  if (!isSuccess(status) || own === undefined) return [];
  const named = ["location", "content-location"].flatMap((name) => {
    const target = fieldText(fields, name);
    const resolved = target === undefined ? undefined : parseUrl(target, own);
    return resolved?.origin === own.origin ? [resolved] : [];
  });
  return [own, ...named];
}

function parseUrl(url: string, base?: URL): URL | undefined {
  try {
    return new URL(url, base);
  } catch {
    return undefined;
  }
}

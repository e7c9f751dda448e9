// Makes random requests to the application with a login, and requests that differ from them a little.
import { SESSION_IDS, TOKENS } from "./login-site.js";
import type { WireRequest } from "./memory-connection.js";
import type { Random } from "./random.js";

/** A request before it is written down. */
export interface Draft {
  readonly method: string;
  readonly path: string;
  readonly spelling: (path: string) => string;
  readonly query: string;
  readonly host: string;
  readonly fields: Readonly<Record<string, string | undefined>>;
}

/** Entity tags seen in answers, which clients send back. */
export type SeenTags = readonly string[];

const PATHS: readonly string[] = [
  "/",
  "/posts",
  "/posts/1",
  "/posts/2",
  "/posts/3",
  "/posts/9",
  "/v1/posts/1",
  "/v2/posts/1",
  "/v1/posts",
  "/old/1",
  "/old/2",
  "/search",
  "/language",
  "/format",
  "/plan",
  "/stream",
  "/tagged",
  "/modified",
  "/moved",
  "/gone",
  "/me",
  "/me/careless",
  "/me/declared",
  "/profile",
  "/account",
  "/state",
  "/menu",
  "/form",
  "/visits",
  "/theme",
  "/theme/declared",
  "/theme/forgotten",
  "/theme/set",
  "/api/me",
  "/api/careless",
  "/api/public",
  "/admin",
  "/inbox",
  "/raw",
  "/echo",
  "/address",
  "/layout",
  "/whole",
  "/stream/cookie",
  "/star",
  "/broken",
  "/crooked",
  "/nothing",
  "/null",
  "/file",
  "/absent",
  "/notes/1",
  "/notes/2",
  "/notes/a b",
];

const ACTIONS: readonly (readonly [string, string])[] = [
  ["POST", "/posts/1/like"],
  ["POST", "/posts/9/like"],
  ["PUT", "/posts/2"],
  ["DELETE", "/posts/3"],
  ["PUT", "/posts/3"],
  ["PUT", "/notes/1"],
  ["PUT", "/notes/2"],
  ["PUT", "/notes/a b"],
  ["DELETE", "/notes/1"],
  ["POST", "/notes"],
  ["POST", "/login"],
  ["OPTIONS", "/posts"],
  ["PATCH", "/notes/1"],
];

/** Where a change shows, if not at the address of the action. */
const SHOWN: Readonly<Record<string, string>> = {
  "/posts/1/like": "/posts/1",
  "/posts/9/like": "/posts",
  "/notes": "/notes/1",
  "/login": "/me/declared",
};

const QUERIES: readonly string[] = [
  "",
  "",
  "",
  "",
  "?",
  "?a=1",
  "?a=2",
  "?a=1&b=2",
  "?b=2&a=1",
  "?a=1&a=2",
  "?a=2&a=1",
  "?a",
  "?a=",
  "?A=1",
  "?a=1&",
  "?&a=1",
  "?%61=1",
  "?a=%31",
  "?a=+",
  "?a=%20",
  "?a[]=1",
  "?a;b=1",
  "?to=dark",
  "?to=light",
  "?id=2",
  "?b=2&a=1&b=1",
  "?b=1&a=1&b=2",
  "?a=1?b",
  "?__proto__=1",
];

/** Other ways to write a path, the same to some servers. */
const SPELLINGS: readonly ((path: string) => string)[] = [
  (path) => `${path}/`,
  (path) => `/${path}`,
  (path) => path.toUpperCase(),
  (path) => `/.${path}`,
  (path) => path.replace(/\/([a-z])/, (_, letter: string) => `/%${hex(letter)}`),
  (path) => path.replace(/\d$/, (digit) => `%${hex(digit)}`),
  (path) => path.replace(/%20/, "+"),
  (path) => `/posts/..${path}`,
  (path) => `${path};a=1`,
  (path) => `${path}#part`,
  (path) => `${path}%00`,
  (path) => `http://a.example${path}`,
  (path) => `http://b.example${path}`,
];

function hex(letter: string): string {
  return letter.charCodeAt(0).toString(16);
}

const HOSTS: readonly string[] = [
  "a.example",
  "a.example",
  "a.example",
  "b.example",
  "A.EXAMPLE",
  "a.example:80",
  "a.example.",
];

const cookies: readonly (string | undefined)[] = [
  undefined,
  undefined,
  ...SESSION_IDS.map((id) => `sid=${id}`),
  ...["dark", "light"].map((theme) => `theme=${theme}`),
  ...SESSION_IDS.flatMap((id) => [`sid=${id}; theme=dark`, `theme=light; sid=${id}`]),
  "sid=unknown",
  "sid=",
  "sid=s-ann; sid=s-bob",
  "xsid=s-ann",
  "theme=dark;theme=light",
  "a=1;\ttheme=dark; theme=light",
  "",
];

/** The values that each field has, `undefined` where it is not sent. */
const VALUES: Readonly<Record<string, readonly (string | undefined)[]>> = {
  Cookie: cookies,
  Authorization: [
    undefined,
    undefined,
    undefined,
    ...TOKENS.map((token) => `Bearer ${token}`),
    "Bearer t-nobody",
    "Basic YTpi",
    "",
  ],
  "Accept-Language": [
    undefined,
    undefined,
    "de",
    "en",
    "fr;q=0.5, de",
    "de; q=0.5, fr",
    "de;Q=0.5, fr",
    "de, fr;q=0.5",
    "",
    "DE",
    "*",
  ],
  Accept: [
    undefined,
    undefined,
    "application/json",
    "text/html",
    "*/*",
    "text/html, application/json",
  ],
  "X-Plan": [undefined, undefined, "gold", "GOLD", "", " gold"],
  Origin: [undefined, undefined, "https://one.example", "https://two.example"],
  "X-Request-Id": [undefined, "one", "two"],
  "X-Forwarded-Proto": [undefined, undefined, undefined, "https", "http"],
  "X-Forwarded-Host": [undefined, undefined, undefined, undefined, "b.example"],
  "X-Forwarded-For": [undefined, undefined, "1.1.1.1", "2.2.2.2"],
  Range: [undefined, undefined, undefined, undefined, undefined, "bytes=0-3"],
  "Cache-Control": [
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    "no-cache",
    "max-age=0",
    "only-if-cached",
    "no-store",
  ],
  "If-Modified-Since": [
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    "Sun, 09 Sep 2001 01:46:40 GMT",
    "Sat, 08 Sep 2001 00:00:00 GMT",
    "nonsense",
  ],
  "If-None-Match": [
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    "*",
    '"other"',
  ],
};

/** Makes requests. */
export class RandomRequests {
  readonly #random: Random;
  readonly #tags: SeenTags;

  constructor(random: Random, tags: SeenTags) {
    this.#random = random;
    this.#tags = tags;
  }

  /** Any request: a few of them change something. */
  make(): Draft {
    const random = this.#random;
    const fields = Object.fromEntries(
      Object.keys(VALUES).map((name) => [name, random.chance(0.5) ? this.#value(name) : undefined]),
    );
    const [method, path] = random.chance(0.04)
      ? random.pick(ACTIONS)
      : [random.chance(0.1) ? "HEAD" : "GET", random.pick(PATHS)];
    return {
      method,
      path,
      spelling: this.#spelling(),
      query: random.pick(QUERIES),
      host: random.pick(HOSTS),
      fields,
    };
  }

  /** The request that shows what an action changes. */
  showing(action: Draft): Draft {
    return { ...action, method: "GET", path: SHOWN[action.path] ?? action.path };
  }

  /** The same request, or one that differs from it in one or two ways. */
  near(draft: Draft): Draft {
    let other = draft;
    for (let changes = this.#random.pick([0, 1, 1, 1, 2]); changes > 0; changes -= 1) {
      other = this.#changed(other);
    }
    return other;
  }

  #changed(draft: Draft): Draft {
    const random = this.#random;
    const name = random.pick(Object.keys(VALUES));
    return random.pick<() => Draft>([
      () => ({ ...draft, method: random.pick(["GET", "GET", "HEAD"]) }),
      () => ({ ...draft, spelling: this.#spelling() }),
      () => ({ ...draft, query: random.pick(QUERIES) }),
      () => ({ ...draft, host: random.pick(HOSTS) }),
      ...Array<() => Draft>(5).fill(() => this.#with(draft, name)),
      () => this.#with(draft, "Cookie"),
      () => this.#with(draft, "Authorization"),
    ])();
  }

  #with(draft: Draft, name: string): Draft {
    return { ...draft, fields: { ...draft.fields, [name]: this.#value(name) } };
  }

  #value(name: string): string | undefined {
    const random = this.#random;
    const known = name === "If-None-Match" && this.#tags.length > 0 && random.chance(0.5);
    return known ? random.pick(this.#tags) : random.pick(VALUES[name]!);
  }

  #spelling(): (path: string) => string {
    return this.#random.chance(0.85) ? (path) => path : this.#random.pick(SPELLINGS);
  }
}

/** Writes a request down. */
export function written({ method, path, spelling, query, host, fields }: Draft): WireRequest {
  const sent = spelling(path.replaceAll(" ", "%20")).split("#");
  const target = `${sent[0]}${query}${sent.length > 1 ? "#part" : ""}`;
  const lines = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [name, value.trim()],
  );
  return { method, target, fields: ["Host", host, ...lines] };
}

// The state, pages and actions of the application with users, with the mistakes that developers make.
import { Readable } from "node:stream";
import type Koa from "koa";
import type { Context, Middleware } from "koa";
import { currentContext, type Cache } from "koa-caching";

/** Answers a request. */
export type Handler = (ctx: Context) => unknown;

interface Post {
  title: string;
  likes: number;
}

interface Session {
  user: string | undefined;
  csrf: string;
  visits: number;
}

/** The cookies that open a session, and the tokens of programs. */
export const SESSION_IDS: readonly string[] = ["s-ann", "s-bob", "s-new"];
export const TOKENS: readonly string[] = ["t-ann", "t-bob"];

/** State, helpers, pages and actions. */
export class LoginSite {
  readonly #cache: Cache | undefined;
  readonly #posts = new Map<string, Post>();
  readonly #sessions = new Map<string, Session>();
  readonly #notes = new Map<string, string>();
  readonly #listPosts: () => Promise<unknown>;
  readonly #findPost: (id: string) => Promise<Post | undefined>;
  readonly #findSession: (id: string) => Promise<Session | undefined>;

  constructor(cache: Cache | undefined) {
    this.#cache = cache;
    for (const id of ["1", "2", "3"]) this.#posts.set(id, { title: `Post ${id}`, likes: 0 });
    for (const id of SESSION_IDS) {
      const user = id === "s-new" ? undefined : id.slice(2);
      this.#sessions.set(id, { user, csrf: `csrf of ${id}`, visits: 0 });
    }
    const list = async () => [...this.#posts].map(([id, { title, likes }]) => [id, title, likes]);
    const findPost = async (id: string) => this.#posts.get(id);
    const find = async (id: string) => this.#sessions.get(id);
    // Nobody lists these tags on a page: they travel.
    this.#listPosts = cache?.memoize({ name: "list", tags: ["posts"] }, list) ?? list;
    this.#findPost = cache?.memoize({ name: "post", tags: ["posts"] }, findPost) ?? findPost;
    this.#findSession =
      cache?.memoize(
        { name: "session", tags: (_found: unknown, id: string) => [`session:${id}`] },
        find,
      ) ?? find;
  }

  /** As session middleware does: `ctx.session` finds its data when it is first read. */
  openSessions(app: Koa): void {
    const sessions = this.#sessions;
    Object.defineProperty(app.context, "session", {
      configurable: true,
      get(this: Context) {
        return sessions.get(this.cookies.get("sid") ?? "") ?? { csrf: "none", visits: 0 };
      },
    });
  }

  /** As authentication middleware does. */
  readonly identify: Middleware = (ctx, next) => {
    const token = /^Bearer t-(\w+)$/.exec(ctx.get("authorization"))?.[1];
    const user = token ?? this.#sessions.get(ctx.cookies.get("sid") ?? "")?.user;
    if (user !== undefined) ctx.state["user"] = { name: user };
    return next();
  };

  /** Four calls beneath a handler, and nobody passed it `ctx`. */
  async #currentUser(): Promise<string> {
    const id = await Promise.resolve().then(() => currentContext().cookies.get("sid"));
    return (await this.#findSession(id ?? ""))?.user ?? "nobody";
  }

  pages(): Readonly<Record<string, Handler>> {
    return { ...this.#publicPages(), ...this.#personalPages(), ...this.#oddPages() };
  }

  #publicPages(): Readonly<Record<string, Handler>> {
    return {
      "/": async (ctx) => {
        ctx.body = { at: `${ctx.protocol}://${ctx.host}`, posts: await this.#listPosts() };
      },
      "/posts": async (ctx) => {
        ctx.body = `<ul>${JSON.stringify(await this.#listPosts())}</ul>`;
      },
      "/posts/:id": async (ctx) => {
        const id = idOf(ctx);
        const post = await this.#findPost(id);
        if (post === undefined) ctx.throw(404, `no post ${id}`);
        ctx.body = { id, ...post, seen: ctx.path, base: ctx.originalUrl.split("?")[0] };
      },
      // No tag: only an unsafe request to its own address outdates it.
      "/notes/:id": (ctx) => {
        ctx.body = `note: ${this.#notes.get(noteOf(ctx)) ?? "empty"}`;
      },
      "/search": (ctx) => {
        ctx.body = { path: ctx.path, query: parameters(ctx) };
      },
      "/language": (ctx) => {
        ctx.vary("Accept-Language");
        ctx.body = `in ${String(ctx.acceptsLanguages("en", "de", "fr"))}`;
      },
      "/format": (ctx) => {
        ctx.vary("Accept");
        ctx.body = ctx.accepts("html", "json") === "json" ? { a: 1 } : "<p>a</p>";
      },
      "/plan": (ctx) => {
        ctx.vary("X-Plan, Accept-Language");
        const languages = String(ctx.acceptsLanguages()).toLowerCase();
        ctx.body = `${ctx.get("x-plan")}/${"x-plan" in ctx.headers}/${languages}`;
      },
      "/stream": (ctx) => {
        ctx.type = "text/csv";
        ctx.body = Readable.from(["a,", ctx.host, ",", "c"]);
      },
      "/tagged": (ctx) => {
        ctx.set("ETag", '"made by the handler"');
        ctx.set("Cache-Control", "max-age=30, stale-while-revalidate=30");
        ctx.body = Buffer.from([1, 2, 255]);
      },
      "/modified": (ctx) => {
        ctx.lastModified = new Date(1e12);
        ctx.body = "modified long ago";
      },
      "/moved": (ctx) => {
        ctx.set("Cache-Control", "max-age=60");
        ctx.status = 301;
        // Koa writes HTML or plain text.
        ctx.vary("Accept");
        ctx.redirect("/posts");
      },
      "/gone": (ctx) => {
        ctx.set("Cache-Control", "max-age=60");
        ctx.status = 410;
        ctx.body = "gone";
      },
    };
  }

  #personalPages(): Readonly<Record<string, Handler>> {
    return {
      "/me": async (ctx) => {
        ctx.body = `hello ${await this.#currentUser()}`;
      },
      "/me/careless": async (ctx) => {
        ctx.set("Cache-Control", "public, max-age=60");
        ctx.body = `hello ${await this.#currentUser()}`;
      },
      "/me/declared": async (ctx) => {
        ctx.vary("Cookie");
        ctx.body = `hello ${await this.#currentUser()}`;
      },
      "/profile": (ctx) => {
        ctx.set("Cache-Control", "private, max-age=60");
        ctx.body = { user: nameOf(ctx) };
      },
      "/account": (ctx) => {
        ctx.set("Cache-Control", "no-store");
        ctx.body = { user: nameOf(ctx) };
      },
      "/state": (ctx) => {
        ctx.body = `signed in: ${nameOf(ctx)}`;
      },
      "/menu": async (ctx) => {
        const isIn = (ctx.state["user"] as object | undefined) !== undefined;
        ctx.body = { menu: isIn ? "log out" : "log in", posts: await this.#listPosts() };
      },
      "/layout": (ctx) => {
        // As template engines are given it.
        const { user } = { ...ctx.state } as { user?: { name: string } };
        ctx.body = `<nav>${"user" in ctx.state ? "log out" : "log in"} ${user?.name ?? ""}</nav>`;
      },
      "/whole": (ctx) => {
        const { user } = Object.assign({}, ctx.state) as { user?: { name: string } };
        ctx.body = `<nav>${user?.name ?? "log in"}</nav>`;
      },
      "/form": (ctx) => {
        ctx.body = `<input name=csrf value="${(ctx["session"] as Session).csrf}">`;
      },
      "/visits": (ctx) => {
        const session = ctx["session"] as Session;
        session.visits += 1;
        ctx.body = `visit ${session.visits}`;
      },
      "/theme": (ctx) => {
        ctx.vary("Cookie");
        ctx.body = `theme ${ctx.cookies.get("theme") ?? "none"}`;
      },
      "/theme/declared": (ctx) => {
        ctx.body = `theme ${ctx.cookies.get("theme") ?? "none"}`;
      },
      "/theme/forgotten": (ctx) => {
        ctx.body = `theme ${ctx.cookies.get("theme") ?? "none"}`;
      },
      "/theme/set": (ctx) => {
        ctx.cookies.set("theme", String(ctx.query["to"] ?? "dark"));
        ctx.body = "set";
      },
      "/api/me": (ctx) => {
        ctx.set("Cache-Control", "public, max-age=60");
        ctx.vary("Authorization");
        ctx.body = { token: ctx.get("authorization") };
      },
      "/api/careless": (ctx) => {
        ctx.set("Cache-Control", "public, max-age=60");
        ctx.body = { token: ctx.get("authorization") };
      },
      "/api/public": (ctx) => {
        ctx.set("Cache-Control", "public, s-maxage=60");
        ctx.body = { for: "everybody" };
      },
      "/admin": (ctx) => {
        if (ctx.state["user"] === undefined) ctx.throw(401);
        if (nameOf(ctx) !== "ann") ctx.throw(403, "not for you");
        ctx.body = "the keys of the house";
      },
      "/inbox": async (ctx) => {
        const user = await this.#currentUser();
        if (user === "nobody") ctx.redirect("/login");
        else ctx.body = { inbox: user };
      },
    };
  }

  #oddPages(): Readonly<Record<string, Handler>> {
    return {
      "/raw": (ctx) => {
        ctx.body = ctx.req.rawHeaders.filter((_, index, all) =>
          /cookie/i.test(all[index - 1] ?? ""),
        );
      },
      "/echo": (ctx) => {
        const { cookie = "none", authorization = "none" } = { ...ctx.headers };
        ctx.body = { cookie, authorization };
      },
      "/address": (ctx) => {
        ctx.body = `you come from ${ctx.ip}`;
      },
      "/stream/cookie": (ctx) => {
        ctx.body = Readable.from(themeLater(ctx));
      },
      "/star": (ctx) => {
        ctx.set("Vary", "*");
        ctx.body = ctx.get("x-plan");
      },
      "/broken": (ctx) => {
        throw new Error(`broken for ${ctx.host}`);
      },
      "/crooked": (ctx) => {
        ctx.set("Cache-Control", 'max-age=60, private="');
        ctx.body = nameOf(ctx);
      },
      "/nothing": (ctx) => {
        ctx.status = 204;
      },
      "/null": (ctx) => {
        ctx.body = null;
        ctx.status = 200;
      },
      "/file": (ctx) => {
        const range = /^bytes=(\d)-(\d)$/.exec(ctx.get("range"));
        ctx.set("Accept-Ranges", "bytes");
        if (range === null) {
          ctx.body = "0123456789";
          return;
        }
        const [from, to] = [Number(range[1]), Number(range[2])];
        ctx.status = 206;
        ctx.set("Content-Range", `bytes ${from}-${to}/10`);
        ctx.body = "0123456789".slice(from, to + 1);
      },
    };
  }

  actions(): Readonly<Record<string, Handler>> {
    const change = async (ctx: Context, act: (post: Post | undefined, id: string) => void) => {
      const id = idOf(ctx);
      act(this.#posts.get(id), id);
      await this.#cache?.invalidateTags("posts");
    };
    return {
      "post /posts/:id/like": async (ctx) => {
        await change(ctx, (post) => {
          if (post !== undefined) post.likes += 1;
        });
        ctx.status = 303;
        ctx.set("Location", `/posts/${encodeURIComponent(idOf(ctx))}`);
      },
      "put /posts/:id": async (ctx) => {
        await change(ctx, (post, id) => {
          this.#posts.set(id, { title: `again ${post?.likes ?? 0}`, likes: 0 });
        });
        ctx.status = 204;
      },
      "delete /posts/:id": async (ctx) => {
        await change(ctx, (_post, id) => this.#posts.delete(id));
        ctx.status = 204;
      },
      "put /notes/:id": (ctx) => {
        this.#notes.set(noteOf(ctx), `${this.#notes.get(noteOf(ctx)) ?? ""}+`);
        ctx.status = 204;
      },
      "delete /notes/:id": (ctx) => {
        if (!this.#notes.delete(noteOf(ctx))) ctx.throw(404);
        ctx.status = 204;
      },
      "post /notes": (ctx) => {
        const id = String(ctx.query["id"] ?? "1");
        const address = noteAddress(ctx, id);
        this.#notes.set(address, `${this.#notes.get(address) ?? ""}*`);
        ctx.status = 201;
        ctx.set("Location", `/notes/${encodeURIComponent(id)}`);
      },
      "post /login": async (ctx) => {
        const id = ctx.cookies.get("sid") ?? "";
        const session = this.#sessions.get(id);
        if (session === undefined) {
          ctx.status = 401;
          return;
        }
        session.user = session.user === "ann" ? "bob" : "ann";
        session.csrf = `csrf of ${id}, ${session.user}`;
        await this.#cache?.invalidateTags(`session:${id}`);
        ctx.body = `now ${session.user}`;
      },
    };
  }
}

async function* themeLater(ctx: Context): AsyncGenerator<string> {
  yield "theme ";
  await new Promise(setImmediate);
  yield ctx.cookies.get("theme") ?? "none";
}

function idOf(ctx: Context): string {
  return (ctx as Context & { params: Record<string, string> }).params["id"] ?? "";
}

/** Each site has notes of its own. */
function noteOf(ctx: Context): string {
  return noteAddress(ctx, idOf(ctx));
}

function noteAddress(ctx: Context, id: string): string {
  return `${ctx.protocol}://${ctx.host.toLowerCase()}/${id}`;
}

function nameOf(ctx: Context): string {
  return (ctx.state["user"] as { name: string } | undefined)?.name ?? "nobody";
}

/** Parameters by name; the values of a name keep their order, which means something. */
function parameters(ctx: Context): unknown {
  const entries = Object.entries(ctx.query);
  return entries.toSorted(([one], [other]) => (one < other ? -1 : 1));
}

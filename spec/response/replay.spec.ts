import { expect } from "chai";
import Koa, { type Context, type Middleware } from "koa";
import compress from "koa-compress";
import conditional from "koa-conditional-get";
import request from "supertest";
import { Readable } from "node:stream";
import { bodyKind, isFlowing } from "../../src/response/body.js";
import { judgeResponse, settlePolicy } from "../../src/response/policy.js";
import { replay, replayNotModified, resetResponse } from "../../src/response/replay.js";
import {
  fieldsOf,
  makePage,
  settledBytes,
  takeHead,
  type Page,
} from "../../src/response/snapshot.js";
import { tee } from "../../src/response/tee.js";

type Handler = (ctx: Context) => unknown;

/** Stores the first response, and replays it from then on, a minute old. */
class Recorder {
  page: Page | undefined;
  runs = 0;
  readonly seen: unknown[] = [];

  middleware(handler: Handler, whenStored = replay): Middleware {
    return async (ctx) => {
      if (this.page !== undefined)
        return whenStored(ctx, this.page, { age: 60_500, isAlone: false });
      const before = fieldsOf(ctx);
      this.runs += 1;
      await handler(ctx);
      await this.#store(ctx, before);
    };
  }

  async #store(ctx: Context, before: ReturnType<typeof fieldsOf>): Promise<void> {
    const head = takeHead(ctx, before);
    const now = Date.now();
    const response = { ...head, requestedAt: now, receivedAt: now };
    const rules = { timeout: 60_000, heuristic: false, staleWhileRevalidate: 0, staleIfError: 0 };
    const policy = settlePolicy({ statuses: [200, 204] });
    const judged = judgeResponse({ method: "GET", fields: {} }, response, policy, rules);
    if (typeof judged === "string") throw new Error(judged);
    const keep = (bytes: unknown) => {
      this.page = makePage(
        { head, bytes: bytes as Buffer, response, userless: false },
        judged,
      ) as Page;
    };
    if (!isFlowing(head.kind)) return keep(settledBytes(head, ctx.body, 1e6));
    const options = { maxBytes: 1e6, isGone: () => false, isAwaited: () => true };
    const { body, collected } = tee(head.kind, ctx.body, options);
    ctx.body = body;
    void collected.then(keep);
  }

  /** Remembers what a middleware outside finds as body. */
  readonly outside: Middleware = async (ctx, next) => {
    await next();
    this.seen.push(ctx.body);
  };
}

interface Answers {
  readonly first: request.Response;
  readonly second: request.Response;
  readonly recorder: Recorder;
}

async function twice(
  handler: Handler,
  {
    outside = [],
    method = "get",
    headers = {},
  }: {
    outside?: readonly Middleware[];
    method?: "get" | "head";
    headers?: Record<string, string>;
  } = {},
): Promise<Answers> {
  const app = new Koa();
  const recorder = new Recorder();
  for (const middleware of outside) app.use(middleware);
  app.use(recorder.middleware(handler));
  const agent = request(app.callback());
  const first = await agent.get("/").set(headers).buffer(true);
  const second = await agent[method]("/").set(headers).buffer(true);
  expect(recorder.runs).to.equal(1);
  return { first, second, recorder };
}

const OWN_TO_REPLAY = new Set([
  "age",
  "etag",
  "date",
  "content-length",
  "transfer-encoding",
  "connection",
]);

function comparable(response: request.Response): unknown {
  const headers = Object.entries(response.headers as Record<string, string>);
  return {
    status: response.status,
    text: response.text ?? String(response.body),
    headers: Object.fromEntries(headers.filter(([name]) => !OWN_TO_REPLAY.has(name))),
  };
}

const BODIES: readonly (readonly [string, Handler])[] = [
  ["text", (ctx) => (ctx.body = "häl<b>")],
  ["html", (ctx) => (ctx.body = "<b>ä</b>")],
  ["empty text", (ctx) => (ctx.body = "")],
  ["a Buffer", (ctx) => ((ctx.type = "text/plain"), (ctx.body = Buffer.from("ä")))],
  ["JSON", (ctx) => (ctx.body = { a: ["ä", 1, null] })],
  ["a JSON number", (ctx) => (ctx.body = 5)],
  ["null", (ctx) => (ctx.body = null)],
  ["null with 200", (ctx) => ((ctx.body = null), (ctx.status = 200))],
  ["nothing", (ctx) => (ctx.status = 200)],
  ["a stream", (ctx) => ((ctx.type = "text"), (ctx.body = Readable.from(["a", "ä"])))],
  ["a Blob", (ctx) => (ctx.body = new Blob(["ä"], { type: "text/plain" }))],
  ["a web stream", (ctx) => ((ctx.type = "text"), (ctx.body = new Blob(["ä"]).stream()))],
  [
    "a web Response",
    (ctx) => (ctx.body = new Response("ä", { status: 200, headers: { "x-a": "1" } })),
  ],
];

const replacing: Middleware = async (ctx, next) => {
  await next();
  ctx.type = "text";
  ctx.body = Readable.from(["other"]);
};

const answering: Middleware = async (ctx, next) => {
  await next();
  ctx.respond = false;
  ctx.res.end("own");
};

const untyped: Handler = (ctx) => {
  ctx.body = new Blob(["a"]);
  ctx.remove("Content-Type");
};

describe("a stored response", () => {
  for (const [name, handler] of BODIES) {
    it(`with ${name} is given as it was`, async () => {
      const { first, second, recorder } = await twice(handler);
      expect(comparable(second)).to.deep.equal(comparable(first));
      expect(recorder.page).to.include({ status: first.status });
    });

    it(`with ${name} is to a middleware outside what the handler gave`, async () => {
      const recorder = new Recorder();
      const app = new Koa().use(recorder.outside).use(recorder.middleware(handler));
      const agent = request(app.callback());
      const first = await agent.get("/").buffer(true);
      const second = await agent.get("/").buffer(true);
      const [one, other] = recorder.seen;
      expect(bodyKind(other)).to.equal(bodyKind(one));
      if (!isFlowing(bodyKind(one))) expect(other).to.deep.equal(one);
      expect(comparable(second)).to.deep.equal(comparable(first));
    });

    it(`with ${name} is given to HEAD without a body`, async () => {
      const { first, second } = await twice(handler, { method: "head" });
      expect(second.text ?? "").to.equal("");
      expect(second.status).to.equal(first.status);
      // Koa writes the status as text for GET alone.
      if (name === "nothing") return;
      expect(second.headers["content-type"]).to.equal(first.headers["content-type"]);
    });
  }

  it("keeps its status, its message and its fields", async () => {
    const { first, second } = await twice((ctx) => {
      ctx.status = 200;
      ctx.message = "Fine";
      ctx.set({ "X-A": "1", Link: ["<a>", "<b>"] });
      ctx.body = "a";
    });
    expect((second as unknown as { res: { statusMessage: string } }).res.statusMessage).to.equal(
      "Fine",
    );
    expect(second.headers).to.include({ "x-a": "1", link: "<a>, <b>" });
    expect(comparable(second)).to.deep.equal(comparable(first));
  });

  it("tells its age, its date and its entity tag", async () => {
    const { first, second } = await twice((ctx) => (ctx.body = "a"));
    expect(first.headers["age"]).to.equal(undefined);
    expect(second.headers["age"]).to.equal("60");
    expect(second.headers["etag"]).to.match(/^W\//);
    expect(second.headers["date"]).to.equal(first.headers["date"]);
  });

  it("leaves alone what the middleware outside set for this request", async () => {
    let count = 0;
    const outside: Middleware = async (ctx, next) => {
      count += 1;
      ctx.set({ "X-Nonce": String(count), "Set-Cookie": `csrf=${count}`, "X-Gone": "1" });
      ctx.append("Link", `<outside-${count}>`);
      ctx.vary("Origin");
      await next();
      ctx.set("X-After", String(count));
    };
    const { second } = await twice(
      (ctx) => {
        ctx.append("Link", "<beneath>");
        ctx.vary("Accept");
        ctx.remove("X-Gone");
        ctx.body = "a";
      },
      { outside: [outside] },
    );
    expect(second.headers).to.include({
      "x-nonce": "2",
      "x-after": "2",
      link: "<outside-2>, <beneath>",
      vary: "Origin, Accept",
    });
    expect(second.headers["set-cookie"]).to.deep.equal(["csrf=2"]);
    expect(second.headers["x-gone"]).to.equal(undefined);
  });

  it("adds what was added beneath where nothing stands outside this time", async () => {
    let count = 0;
    const outside: Middleware = async (ctx, next) => {
      count += 1;
      if (count === 1) ctx.set({ "X-List": "a", Warning: "a" });
      else ctx.set("Warning", "b");
      await next();
    };
    const { second } = await twice(
      (ctx) => {
        ctx.set({ "X-List": "a, b", Warning: "a, c" });
        ctx.body = "a";
      },
      { outside: [outside] },
    );
    expect(second.headers).to.include({ "x-list": "b", warning: "b, c" });
  });

  it("has no type where the handler gave it none", async () => {
    const recorder = new Recorder();
    const app = new Koa().use(recorder.outside).use(recorder.middleware(untyped));
    const agent = request(app.callback());
    await agent.get("/");
    const second = await agent.get("/");
    expect(second.headers).not.to.have.any.keys("content-type");
    expect((recorder.seen[1] as Blob).type).to.equal("");
  });

  it("is compressed by a middleware outside", async () => {
    const text = "compress me ".repeat(500);
    const { first, second } = await twice((ctx) => (ctx.body = { text }), {
      outside: [compress()],
      headers: { "accept-encoding": "gzip" },
    });
    expect(second.headers["content-encoding"]).to.equal("gzip");
    expect(second.body).to.deep.equal({ text });
    expect(comparable(second)).to.deep.equal(comparable(first));
  });

  it("is turned into a 304 by a middleware outside", async () => {
    const app = new Koa()
      .use(conditional())
      .use(new Recorder().middleware((ctx) => (ctx.body = "a")));
    const agent = request(app.callback());
    await agent.get("/");
    const { etag } = (await agent.get("/")).headers as { etag: string };
    await agent.get("/").set("If-None-Match", etag).expect(304);
  });

  it("may have its body replaced by a middleware outside", async () => {
    const { second } = await twice((ctx) => (ctx.body = { a: 1 }), { outside: [replacing] });
    expect(second.text).to.equal("other");
    expect(second.headers["content-length"]).to.equal(undefined);
  });

  it("may be changed in place by a middleware outside, for this request alone", async () => {
    let count = 0;
    const outside: Middleware = async (ctx, next) => {
      await next();
      (ctx.body as { n?: number }).n = count += 1;
    };
    const { second, recorder } = await twice((ctx) => (ctx.body = { a: 1 }), {
      outside: [outside],
    });
    expect(second.body).to.deep.equal({ a: 1, n: 2 });
    expect(String(recorder.page?.body)).to.equal('{"a":1}');
  });

  it("may be answered by a middleware outside on its own", async () => {
    const app = new Koa()
      .use(answering)
      .use(new Recorder().middleware((ctx) => (ctx.body = "abc")));
    const agent = request(app.callback());
    await agent.get("/").expect("own");
    await agent.get("/").expect("own");
  });

  it("is harmed by nobody who looks at ctx.respond", async () => {
    const seen: unknown[] = [];
    const outside: Middleware = async (ctx, next) => {
      await next();
      seen.push(ctx.respond);
      await Promise.resolve();
      seen.push(ctx.body);
      ctx.set("X-Late", "1");
    };
    const { second } = await twice((ctx) => (ctx.body = { a: 1 }), { outside: [outside] });
    expect(seen).to.deep.equal([undefined, { a: 1 }, undefined, { a: 1 }]);
    expect(second.headers["x-late"]).to.equal("1");
  });

  it("gives way to an error thrown outside", async () => {
    let count = 0;
    const outside: Middleware = async (ctx, next) => {
      await next();
      count += 1;
      if (count === 2) ctx.throw(418);
    };
    const { second } = await twice((ctx) => (ctx.body = "a"), { outside: [outside] });
    expect(second.status).to.equal(418);
    expect(second.headers["etag"]).to.equal(undefined);
  });

  it("answers 304 with the fields that go with it", async () => {
    const recorder = new Recorder();
    const app = new Koa().use(
      recorder.middleware((ctx) => {
        ctx.set({ "Cache-Control": "max-age=9", "Last-Modified": "x", "X-A": "1" });
        ctx.body = "a";
      }, replayNotModified),
    );
    const agent = request(app.callback());
    await agent.get("/");
    const { status, headers, text } = await agent.get("/");
    expect([status, text]).to.deep.equal([304, ""]);
    expect(headers).to.include({ "cache-control": "max-age=9", age: "60", "x-a": "1" });
    expect(headers).to.include.keys("etag", "date");
    expect(headers).not.to.have.any.keys("content-type", "content-length", "last-modified");
  });
});

describe("a context that is put back", () => {
  it("can be answered anew", async () => {
    const app = new Koa().use((ctx) => {
      ctx.set({ "X-Outside": "1", "X-Changed": "1" });
      const before = fieldsOf(ctx);
      ctx.set({ "X-Beneath": "1", "X-Changed": "2" });
      ctx.status = 304;
      ctx.body = { a: 1 };
      resetResponse(ctx, before);
      expect([ctx.status, ctx.body]).to.deep.equal([404, undefined]);
      ctx.body = "new";
    });
    const { status, text, headers } = await request(app.callback()).get("/");
    expect([status, text]).to.deep.equal([200, "new"]);
    expect(headers).to.include({ "x-outside": "1", "x-changed": "1" });
    expect(headers).not.to.have.any.keys("x-beneath");
  });

  it("is a 404 where nobody answers it", async () => {
    const app = new Koa().use((ctx) => {
      ctx.body = Readable.from(["a"]);
      resetResponse(ctx, {});
    });
    await request(app.callback()).get("/").expect(404, "Not Found");
  });

  it("stays as it is when its header has been sent", async () => {
    const app = new Koa().use((ctx) => {
      ctx.respond = false;
      ctx.status = 200;
      ctx.res.end("sent");
      resetResponse(ctx, {});
    });
    await request(app.callback()).get("/").expect(200, "sent");
  });
});

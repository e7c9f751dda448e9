import { once } from "node:events";
import { createServer, type RequestListener, type ServerResponse } from "node:http";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import Koa, { type Context, type Middleware } from "koa";
import { Cache, type PageOptions } from "koa-caching";
import { HttpClient, type Reply } from "../support/http-client.js";
import { BODIES } from "../support/page-bodies.js";
import { sites, stopDate, type PageHandler, type SiteOptions } from "../support/page-site.js";

const inert: Middleware = (_ctx, next) => next();

/** Counts the answers that are written past Koa. */
function countWritten(): { readonly written: () => number; readonly options: SiteOptions } {
  let written = 0;
  const outermost = ({ context }: Koa): readonly Middleware[] => {
    Object.defineProperty(context, "respond", {
      configurable: true,
      set(this: Context, value: unknown) {
        if (value === false) written += 1;
        Object.defineProperty(this, "respond", { value, writable: true, configurable: true });
      },
    });
    return [];
  };
  return { written: () => written, options: { outermost } };
}

/** What a client can tell two answers apart by; the order of different fields means nothing. */
function seen({ status, message, raw, bytes }: Reply): unknown {
  const lines = raw.flatMap((name, index) =>
    index % 2 === 0 ? [`${name.toLowerCase()}: ${raw[index + 1]}`] : [],
  );
  return { status, message, fields: lines.toSorted(), body: bytes.toString("latin1") };
}

/** The application as a listener that gives nothing back. */
function handling(app: Koa): (req: any, res: any) => void {
  const handle = app.callback();
  return (req, res) => void handle(req, res);
}

describe("over HTTP, where nothing stands outside of the page", () => {
  const open = sites();
  const clock = stopDate();
  const closing: (() => void)[] = [];
  afterEach(() => {
    for (const close of closing.splice(0)) close();
  });

  /** A server that does something of its own around the application. */
  async function serve(around: (app: RequestListener) => RequestListener): Promise<HttpClient> {
    const app = new Koa();
    const cache = new Cache();
    cache.initApp(app);
    app.use(cache.page({ timeout: 60 }));
    app.use((ctx) => {
      ctx.vary("Accept");
      ctx.body = { a: 1 };
    });
    const server = createServer(around(handling(app))).listen(0, "127.0.0.1");
    await once(server, "listening");
    const client = new HttpClient((server.address() as AddressInfo).port);
    closing.push(() => {
      client.close();
      server.close();
    });
    return client;
  }

  describe("a hit is the one that Koa would send", () => {
    const written = new Set<string>();
    for (const [name, handler] of Object.entries(BODIES)) {
      it(name, async () => {
        const run: PageHandler = async (ctx) => void (await handler(ctx, 0));
        const counter = countWritten();
        const direct = await open(run, counter.options);
        const usual = await open(run, { outside: [inert] });
        await direct.askTimes(2);
        await usual.askTimes(2);
        clock.pass(7);
        const [here] = await direct.askTimes(2);
        const [there] = await usual.askTimes(2);
        expect(here!.headers.age).to.equal("7");
        expect(seen(here!)).to.deep.equal(seen(there!));
        if (counter.written() > 0) written.add(name);
      });
    }

    after(() => {
      const koas = Object.keys(BODIES).filter((name) => !written.has(name));
      // Koa writes a text for no body, and Node a head beyond ASCII in two ways.
      expect(koas).to.deep.equal(["null as 200", "a status alone", "a field beyond ASCII"]);
    });
  });

  const page = { timeout: 60 };
  const body: PageHandler = (ctx) => {
    ctx.body = "a";
  };
  const koas: Readonly<Record<string, readonly [SiteOptions, PageHandler, string?]>> = {
    "another middleware is outside": [{ outside: [inert] }, body],
    "the page varies by option": [{ page: { ...page, vary: ["Accept-Language"] } }, body],
    "the client has the page": [{}, (ctx) => ((ctx.etag = "a"), (ctx.body = "a")), '"a"'],
    "the status has no body": [
      { page: { ...page, statuses: "all" } },
      (ctx) => ((ctx.status = 204), ctx.set("Cache-Control", "s-maxage=60")),
    ],
    "another cache told of itself": [
      {},
      (ctx) => (ctx.set("Cache-Status", "b; hit"), body(ctx, 0)),
    ],
  };
  for (const [reason, [given, handler, tag]] of Object.entries(koas)) {
    it(`Koa sends where ${reason}`, async () => {
      const counter = countWritten();
      const outermost = given.outside === undefined ? counter.options : {};
      const site = await open(handler, { ...given, ...outermost });
      const headers = tag === undefined ? {} : { "If-None-Match": tag };
      const replies = await site.askTimes(3, { headers });
      expect(replies[2]!.cacheStatus).to.match(/koa-caching;hit;ttl=60$/);
      expect(counter.written()).to.equal(0);
    });
  }

  it("a page within a page leaves the answer to the outer one", async () => {
    const counter = countWritten();
    let both: Cache | undefined;
    const app = new Koa();
    counter.options.outermost!(app);
    const cache = new Cache();
    cache.initApp(app);
    const outer = cache.page({ timeout: 60, keyPrefix: (ctx: Context) => `o${ctx.get("x-key")}` });
    const inner = cache.page({ timeout: 60 } satisfies PageOptions);
    app.use(outer).use(inner);
    app.use((ctx) => {
      both = ctx.cache;
      ctx.body = "a";
    });
    const server = app.listen(0, "127.0.0.1");
    await once(server, "listening");
    const client = new HttpClient((server.address() as AddressInfo).port);
    closing.push(() => {
      client.close();
      server.close();
    });
    for (const key of ["1", "2", "3", "3"]) {
      const { text } = await client.ask({ headers: { "X-Key": key } });
      expect(text).to.equal("a");
    }
    expect(both).to.equal(cache);
    expect(counter.written()).to.equal(0);
  });

  it("fields that the server around the application set go with a hit", async () => {
    const client = await serve((app) => (req, res) => {
      res.setHeader("X-Server", "here");
      res.setHeader("Vary", "Origin");
      app(req, res);
    });
    for (const _ of [1, 2, 3]) {
      const { headers, text } = await client.ask();
      expect(headers["x-server"]).to.equal("here");
      expect(headers.vary).to.equal("Origin, Accept");
      expect(text).to.equal('{"a":1}');
    }
  });

  it("a server around the application may change the head when it is written", async () => {
    const patched = (res: ServerResponse): void => {
      const original = res.writeHead.bind(res);
      res.writeHead = (status: number, ...rest: []) => {
        // What Koa set is there to be read.
        res.setHeader("X-Type", String(res.getHeader("content-type")));
        return original(status, ...rest);
      };
    };
    const client = await serve((app) => (req, res) => {
      patched(res);
      app(req, res);
    });
    for (const _ of [1, 2, 3]) {
      const { headers } = await client.ask();
      expect(headers["x-type"]).to.equal("application/json; charset=utf-8");
    }
  });

  it("a client that goes away in the middle of a hit harms nobody", async () => {
    const site = await open((ctx) => {
      ctx.body = "a".repeat(1_000_000);
    });
    await site.askTimes(2);
    await Promise.all(Array.from({ length: 20 }, () => site.client.abandon("/", "at the head")));
    expect((await site.ask()).bytes.length).to.equal(1_000_000);
    expect(site.failures).to.deep.equal([]);
  });

  it("pages are served over HTTP/2", async () => {
    const app = new Koa();
    const cache = new Cache();
    cache.initApp(app);
    app.use(cache.page(page));
    app.use((ctx) => {
      ctx.body = { a: 1 };
    });
    const server = http2.createServer(handling(app)).listen(0, "127.0.0.1");
    await once(server, "listening");
    const client = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    closing.push(() => {
      client.close();
      server.close();
    });
    for (const status of [/fwd=uri-miss/, /;hit/, /;hit/]) {
      const stream = client.request({ ":path": "/" });
      const [headers] = (await once(stream, "response")) as [http2.IncomingHttpHeaders];
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(chunk as Buffer);
      expect(headers[":status"]).to.equal(200);
      expect(headers["cache-status"]).to.match(status);
      expect(Buffer.concat(chunks).toString()).to.equal('{"a":1}');
    }
  });
});

import { once } from "node:events";
import { createServer, type RequestListener, type ServerResponse } from "node:http";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import Koa, { type Middleware } from "koa";
import { Cache } from "koa-caching";
import { HttpClient, type Reply } from "../support/http-client.js";
import { BODIES } from "../support/page-bodies.js";
import { sites, stopDate, type PageHandler } from "../support/page-site.js";

const inert: Middleware = (_ctx, next) => next();

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
    for (const [name, handler] of Object.entries(BODIES)) {
      it(name, async () => {
        const run: PageHandler = async (ctx) => void (await handler(ctx, 0));
        const direct = await open(run);
        const usual = await open(run, { outside: [inert] });
        await direct.askTimes(2);
        await usual.askTimes(2);
        clock.pass(7);
        const [here] = await direct.askTimes(2);
        const [there] = await usual.askTimes(2);
        expect(here!.headers.age).to.equal("7");
        expect(seen(here!)).to.deep.equal(seen(there!));
      });
    }
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

  it("a server around the application may set a field when the application has been called", async () => {
    const client = await serve((app) => (req, res) => {
      app(req, res);
      res.setHeader("X-After", "1");
    });
    for (const _ of [1, 2, 3]) expect((await client.ask()).headers["x-after"]).to.equal("1");
  });

  it("a server around the application finds the fields when the answer is sent", async () => {
    const types: unknown[] = [];
    const client = await serve((app) => (req, res) => {
      res.once("finish", () => types.push(res.getHeader("content-type")));
      app(req, res);
    });
    for (const _ of [1, 2, 3]) await client.ask();
    expect(types).to.deep.equal(Array(3).fill("application/json; charset=utf-8"));
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
    app.use(cache.page({ timeout: 60 }));
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

import { expect } from "chai";
import { once } from "node:events";
import { get, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { PassThrough, Readable, Stream } from "node:stream";
import { text } from "node:stream/consumers";
import Koa from "koa";
import { bodyKind } from "../../src/response/body.js";
import { isClientGone, type Tee, type TeeOptions } from "../../src/response/stream-tee.js";
import { tee } from "../../src/response/tee.js";
import { koaContext } from "../support/koa-context.js";

const OPTIONS: TeeOptions = { maxBytes: 100, isGone: () => false, isAwaited: () => false };

function begin(body: unknown, options: Partial<TeeOptions> = {}): Tee & { body: Readable } {
  return tee(bodyKind(body), body, { ...OPTIONS, ...options }) as Tee & { body: Readable };
}

async function failure(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("did not fail");
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function started(options: Partial<TeeOptions>): { source: PassThrough; taken: Tee } {
  const source = new PassThrough();
  const taken = begin(source, { isGone: () => true, ...options });
  source.write("half ");
  return { source, taken };
}

describe("a stream that is stored while it is sent", () => {
  it("reaches the client and the store as it was", async () => {
    const { body, collected } = begin(Readable.from(["ab", Buffer.from("c"), "ä"]));
    expect(await text(body)).to.equal("abcä");
    expect(String(await collected)).to.equal("abcä");
  });

  it("may be empty", async () => {
    const { body, collected } = begin(Readable.from([]));
    expect(await text(body)).to.equal("");
    expect(await collected).to.have.length(0);
  });

  it("may be of the old kind", async () => {
    const old = new Stream() as Stream & { readable: boolean };
    old.readable = true;
    const { body, collected } = begin(old);
    old.emit("data", Buffer.from("a"));
    old.emit("data", Buffer.from("b"));
    old.emit("end");
    expect(await text(body)).to.equal("ab");
    expect(String(await collected)).to.equal("ab");
  });

  it("is not stored when it is too large, but sent to its end", async () => {
    const chunks = Array.from({ length: 30 }, () => "0123456789");
    const { body, collected } = begin(Readable.from(chunks));
    expect(await text(body)).to.equal(chunks.join(""));
    expect(await collected).to.equal("too-large");
  });

  it("may be as large as allowed", async () => {
    const { collected } = begin(Readable.from(["a".repeat(100)]));
    expect(await collected).to.have.length(100);
  });

  it("waits for the client once it is too large", async () => {
    let made = 0;
    const source = new Readable({
      highWaterMark: 10,
      read() {
        made += 1;
        this.push(made > 10_000 ? null : Buffer.alloc(1000));
      },
    });
    const { body, collected } = begin(source);
    expect(await collected).to.equal("too-large");
    for (let step = 0; step < 50; step += 1) await turn();
    expect(made).to.be.lessThan(1000);
    expect(Buffer.byteLength(await text(body))).to.equal(10_000_000);
  });

  it("does not wait for a slow client while it may be stored", async () => {
    const chunks = Array.from({ length: 100 }, () => Buffer.alloc(1000));
    const { collected } = begin(Readable.from(chunks), { maxBytes: 1_000_000 });
    expect(await collected).to.have.length(100_000);
  });

  it("that fails half-way fails for the client and is not stored", async () => {
    const source = Readable.from(
      (async function* () {
        yield "half";
        await turn();
        throw new Error("cut");
      })(),
    );
    const { body, collected } = begin(source);
    expect((await failure(text(body))).message).to.equal("cut");
    expect(await collected).to.equal("aborted");
  });

  it("that is closed half-way fails for the client and is not stored", async () => {
    const source = new PassThrough();
    const { body, collected } = begin(source);
    source.write("half");
    await turn();
    source.destroy();
    expect((await failure(text(body))).message).to.match(/closed before it ended/);
    expect(await collected).to.equal("aborted");
  });

  it("that gives neither text nor bytes fails, and says what it gave", async () => {
    const { body, collected } = begin(Readable.from([{ a: 1 }]));
    expect((await failure(text(body))).message).to.match(/text or bytes; got object/);
    expect(await collected).to.equal("aborted");
  });

  it("that has ended or was destroyed before is left alone", async () => {
    const destroyed = new PassThrough();
    destroyed.destroy();
    const ended = Readable.from(["a"]);
    await text(ended);
    for (const source of [destroyed, ended]) {
      const { body, collected } = begin(source);
      expect(body).to.equal(source);
      expect(await collected).to.equal("aborted");
    }
  });

  describe("whose client goes away", () => {
    it("is stored whole for those who wait for it", async () => {
      const { source, taken } = started({ isAwaited: () => true });
      await turn();
      (taken.body as Readable).destroy();
      // As Koa does when the response is finished.
      source.destroy();
      expect(source.destroyed).to.equal(false);
      source.end("whole");
      expect(String(await taken.collected)).to.equal("half whole");
    });

    it("is stored whole even if Koa destroys the source first", async () => {
      const { source, taken } = started({ isAwaited: () => true });
      source.destroy();
      (taken.body as Readable).destroy();
      source.end("whole");
      expect(String(await taken.collected)).to.equal("half whole");
    });

    it("ends, and is not stored, where nobody waits", async () => {
      const { source, taken } = started({});
      (taken.body as Readable).destroy();
      expect(await taken.collected).to.equal("aborted");
      expect(source.destroyed).to.equal(true);
    });

    it("ends when it turns out to be too large", async () => {
      const { source, taken } = started({ isAwaited: () => true });
      (taken.body as Readable).destroy();
      source.write("x".repeat(200));
      expect(await taken.collected).to.equal("too-large");
      expect(source.destroyed).to.equal(true);
    });

    it("ends after it was too large", async () => {
      const { source, taken } = started({});
      source.write("x".repeat(200));
      expect(await taken.collected).to.equal("too-large");
      (taken.body as Readable).destroy();
      expect(source.destroyed).to.equal(true);
    });

    it("fails where its source fails", async () => {
      const { source, taken } = started({ isAwaited: () => true });
      (taken.body as Readable).destroy();
      source.destroy(new Error("cut"));
      expect(await taken.collected).to.equal("aborted");
      expect(source.destroyed).to.equal(true);
    });
  });

  it("is stored where a middleware outside drops it, the client being there", async () => {
    const source = new PassThrough();
    const { body, collected } = begin(source);
    source.write("a");
    await turn();
    body.destroy();
    source.end("b");
    expect(String(await collected)).to.equal("ab");
  });

  it("is destroyed by the handler that made it", async () => {
    const source = new PassThrough();
    const { body, collected } = begin(source, { isAwaited: () => true });
    const failed = once(body, "error");
    source.destroy();
    await failed;
    expect(await collected).to.equal("aborted");
  });
});

const streamOf = (...chunks: unknown[]): ReadableStream =>
  new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });

describe("a body that is sent by Koa", () => {
  const bodies: readonly (readonly [string, (source: PassThrough) => unknown])[] = [
    ["a stream", (source) => source],
    ["a web stream", (source) => Readable.toWeb(source)],
    ["a web Response", (source) => new Response(Readable.toWeb(source) as never)],
  ];
  for (const [name, bodyFrom] of bodies) {
    it(`(${name}) is stored whole for others when its client goes away`, async () => {
      const source = new PassThrough();
      const { server, taken } = await serving(() => bodyFrom(source));
      const client = get({ port: (server.address() as AddressInfo).port, agent: false });
      client.on("error", () => undefined);
      source.write("half ");
      const [response] = (await once(client, "response")) as [IncomingMessage];
      await once(response, "data");
      const closed = once(taken.res!, "close");
      response.destroy();
      await closed;
      source.end("whole");
      expect(String(await taken.tee!.collected)).to.equal("half whole");
      await new Promise((resolve) => server.close(resolve));
    });
  }
});

describe("a client", () => {
  it("is there while its response waits for its turn", () => {
    expect(isClientGone(koaContext().res)).to.equal(false);
  });
});

interface Taken {
  tee?: Tee;
  res?: ServerResponse;
}

async function serving(body: () => unknown): Promise<{ server: Server; taken: Taken }> {
  const taken: Taken = {};
  const app = new Koa().use((ctx) => {
    ctx.type = "text";
    ctx.body = body();
    const options = { maxBytes: 100, isGone: () => isClientGone(ctx.res), isAwaited: () => true };
    taken.tee = tee(bodyKind(ctx.body), ctx.body, options);
    taken.res = ctx.res;
    ctx.body = taken.tee.body;
  });
  app.silent = true;
  const server = app.listen(0);
  await once(server, "listening");
  return { server, taken };
}

describe("a web body that is stored while it is sent", () => {
  it("reaches the client and the store as it was", async () => {
    const web = begin(streamOf(Buffer.from("ab"), "c"));
    expect(bodyKind(web.body)).to.equal("web");
    const chunks = [];
    for await (const chunk of web.body) chunks.push(String(chunk));
    expect(chunks.join("")).to.equal("abc");
    expect(String(await web.collected)).to.equal("abc");

    const blob = new Blob(["ab"]);
    expect(begin(blob).body).to.equal(blob);
    expect(String(await begin(blob).collected)).to.equal("ab");

    const response = new Response("ab");
    const taken = begin(response);
    expect(taken.body).to.equal(response);
    expect(await response.text()).to.equal("ab");
    expect(String(await taken.collected)).to.equal("ab");
    expect(await begin(new Response(null)).collected).to.have.length(0);
  });

  it("is not stored when it is too large, but sent to its end", async () => {
    const web = begin(streamOf(Buffer.alloc(60), Buffer.alloc(60)));
    expect(await web.collected).to.equal("too-large");
    expect(await text(web.body)).to.have.length(120);
    expect(await begin(new Blob(["x".repeat(101)])).collected).to.equal("too-large");
  });

  it("that fails is not stored", async () => {
    const failing = new ReadableStream({
      start(controller) {
        controller.enqueue("half");
        controller.error(new Error("cut"));
      },
    });
    const web = begin(failing);
    expect(await web.collected).to.equal("aborted");
    expect((await failure(text(web.body))).message).to.equal("cut");
  });

  it("that gives neither text nor bytes is not stored", async () => {
    expect(await begin(streamOf([1, 2])).collected).to.equal("aborted");
  });

  it("that somebody reads already is left alone", async () => {
    const locked = streamOf("a");
    locked.getReader();
    expect(begin(locked).body).to.equal(locked);
    expect(await begin(locked).collected).to.equal("aborted");
    const used = new Response("a");
    await used.text();
    expect(await begin(used).collected).to.equal("aborted");
  });

  it("whose client goes away ends where nobody waits", async () => {
    const gone = { isGone: () => true };
    expect(await begin(streamOf("a", "b"), gone).collected).to.equal("aborted");
    const awaited = { ...gone, isAwaited: () => true };
    expect(String(await begin(streamOf("a", "b"), awaited).collected)).to.equal("ab");
  });

  it("that cannot be read is not stored", async () => {
    class Broken extends Blob {
      override arrayBuffer(): Promise<never> {
        return Promise.reject(new Error("cut"));
      }
    }
    expect(await begin(new Broken(["a"])).collected).to.equal("aborted");
  });
});

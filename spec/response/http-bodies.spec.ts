import { createReadStream } from "node:fs";
import { PassThrough, Readable } from "node:stream";
import { install } from "@sinonjs/fake-timers";
import { expect } from "chai";
import { until } from "../support/load.js";
import { BODIES } from "../support/page-bodies.js";
import { sites } from "../support/page-site.js";

const tick = () => new Promise((resolve) => setImmediate(resolve));

/** Lets so much time pass as sockets need, where timers stand still. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await tick();
}

async function turnsUntil(isSo: () => boolean): Promise<void> {
  while (!isSo()) await tick();
}

describe("over HTTP, bodies", () => {
  const open = sites();

  describe("a hit equals a miss", () => {
    const varying = new Set([
      "age",
      "date",
      "cache-status",
      "connection",
      "keep-alive",
      "transfer-encoding",
    ]);
    for (const [name, handler] of Object.entries(BODIES)) {
      it(name, async () => {
        const site = await open(async (ctx) => void (await handler(ctx, 0)));
        const [miss, hit, again] = await site.askTimes(3);
        expect(site.runs).to.equal(1);
        for (const reply of [hit!, again!]) {
          expect([reply.status, reply.message]).to.deep.equal([miss!.status, miss!.message]);
          expect(reply.bytes.equals(miss!.bytes), "bytes").to.equal(true);
          const names = new Set([...Object.keys(miss!.headers), ...Object.keys(reply.headers)]);
          for (const field of names) {
            // The length and the tag of a stream are known only when it has ended.
            const late = miss!.headers.etag === undefined;
            if (varying.has(field) || (late && /^(?:content-length|etag)$/.test(field))) continue;
            expect(reply.headers[field], field).to.deep.equal(miss!.headers[field]);
          }
        }
      });
    }

    it("HEAD after GET has the length of the body", async () => {
      const site = await open((ctx) => {
        ctx.body = Readable.from(["abc"]);
      });
      await site.ask();
      const head = await site.ask({ method: "HEAD" });
      expect(head.headers["content-length"]).to.equal("3");
      expect(head.bytes.length).to.equal(0);
    });

    it("a hit gives outer middleware the type that the miss gave", async () => {
      const seen: unknown[] = [];
      const site = await open(
        (ctx) => {
          ctx.body = { a: 1 };
        },
        {
          outside: [
            async (ctx, next) => {
              await next();
              seen.push(ctx.body);
              (ctx.body as { a: number }).a += 1;
            },
          ],
        },
      );
      const replies = await site.askTimes(3);
      expect(replies.map(({ text }) => text)).to.deep.equal(Array(3).fill('{"a":2}'));
      expect(seen.length).to.equal(3);
    });
  });

  describe("that flow", () => {
    it("reach the client while they are collected", async () => {
      const source = new PassThrough();
      const site = await open((ctx) => {
        ctx.body = source;
      });
      const reply = site.ask();
      source.write("a");
      await until(() => site.runs === 1);
      source.end("b");
      expect((await reply).text).to.equal("ab");
      expect((await site.ask()).text).to.equal("ab");
      expect(site.runs).to.equal(1);
    });

    it("that fail half-way break off, and are not stored", async () => {
      const site = await open((ctx, run) => {
        ctx.body =
          run === 1
            ? Readable.from(
                (async function* () {
                  yield "half";
                  await tick();
                  throw new Error("the disk is gone");
                })(),
              )
            : Readable.from(["whole"]);
      });
      const broken = await site.ask().catch((error: unknown) => error);
      expect(broken instanceof Error || !(broken as { complete: boolean }).complete).to.equal(true);
      expect((await site.ask()).text).to.equal("whole");
      expect((await site.ask()).text).to.equal("whole");
      expect(site.runs).to.equal(2);
    });

    it("that fail at once answer 500 or break off, and are not stored", async () => {
      const site = await open((ctx, run) => {
        ctx.body = run === 1 ? createReadStream("/does/not/exist") : "fine";
      });
      await site.ask().catch(() => undefined);
      expect((await site.ask()).text).to.equal("fine");
    });

    it("that are longer than maxBytes reach the client whole, and are not stored", async () => {
      const site = await open(
        (ctx) => {
          ctx.body = Readable.from(Array.from({ length: 100 }, () => "0123456789"));
        },
        { page: { timeout: 60, maxBytes: 500 } },
      );
      const replies = await site.askTimes(2);
      expect(replies.map(({ bytes }) => bytes.length)).to.deep.equal([1000, 1000]);
      expect(site.runs).to.equal(2);
    });

    it("that are shorter or longer than their Content-Length are not stored", async () => {
      for (const length of ["3", "5"]) {
        const site = await open((ctx) => {
          ctx.body = Readable.from(["four"]);
          ctx.set("Content-Length", length);
        });
        const impatient = Promise.race([
          site.ask().catch(() => undefined),
          new Promise((resolve) => setTimeout(resolve, 200)),
        ]);
        await impatient;
        const before = site.runs;
        await Promise.race([
          site.ask().catch(() => undefined),
          new Promise((resolve) => setTimeout(resolve, 200)),
        ]);
        expect(site.runs, length).to.equal(before + 1);
        await site.close();
      }
    });

    it("whose client went away are not stored half", async () => {
      let sources = 0;
      const site = await open((ctx) => {
        sources += 1;
        ctx.body = Readable.from(
          (async function* () {
            for (let part = 0; part < 200; part += 1) {
              yield "x".repeat(1000);
              await tick();
            }
          })(),
        );
      });
      await site.client.abandon("/", "at the head");
      const reply = await site.ask();
      expect(reply.complete).to.equal(true);
      expect(reply.bytes.length).to.equal(200_000);
      expect((await site.ask()).bytes.length).to.equal(200_000);
      expect(sources).to.be.within(1, 2);
    });

    it("whose first client goes away reach those who wait, whole", async () => {
      const site = await open((ctx) => {
        ctx.body = Readable.from(
          (async function* () {
            for (let part = 0; part < 300; part += 1) {
              yield "x".repeat(1000);
              await tick();
            }
          })(),
        );
      });
      const leaving = site.client.abandon("/", "at the head");
      await until(() => site.runs === 1);
      const replies = await Promise.all(Array.from({ length: 20 }, () => site.ask()));
      await leaving;
      for (const reply of replies) {
        expect(reply.complete).to.equal(true);
        expect(reply.bytes.length).to.equal(300_000);
      }
    });

    it("that do not end are waited for five seconds, then each client gets his own", async () => {
      const clock = install({ toFake: ["setTimeout", "clearTimeout"] });
      const sources: PassThrough[] = [];
      try {
        const site = await open((ctx) => {
          const source = new PassThrough();
          sources.push(source);
          source.write(`part of ${sources.length}`);
          ctx.body = source;
        });
        const first = site.ask();
        await turnsUntil(() => site.runs === 1);
        const others = [site.ask(), site.ask()];
        // They have come, and wait.
        await turns(50);
        clock.tick(4999);
        await turns(50);
        expect(site.runs).to.equal(1);
        clock.tick(1);
        await turnsUntil(() => site.runs === 3);
        const late = site.ask();
        await turnsUntil(() => site.runs === 4);
        for (const source of sources) source.end();
        const replies = await Promise.all([first, ...others, late]);
        expect(replies.map(({ text }) => text).toSorted()).to.deep.equal([
          "part of 1",
          "part of 2",
          "part of 3",
          "part of 4",
        ]);
        // What was whole in the end is there for the next one.
        expect((await site.ask()).text).to.equal("part of 1");
        expect(site.runs).to.equal(4);
      } finally {
        clock.uninstall();
      }
    });

    it("are not stored where they read a cookie while they are sent", async () => {
      const site = await open((ctx) => {
        ctx.body = Readable.from(
          (async function* () {
            yield "theme ";
            await tick();
            yield ctx.cookies.get("theme") ?? "none";
          })(),
        );
      });
      const themed = (theme: string) => site.ask({ headers: { Cookie: `theme=${theme}` } });
      expect((await themed("dark")).text).to.equal("theme dark");
      expect((await themed("light")).text).to.equal("theme light");
    });

    it("are never mixed up when many are sent at once", async () => {
      const site = await open((ctx) => {
        const { path } = ctx;
        ctx.body = Readable.from(
          (async function* () {
            for (let part = 0; part < 20; part += 1) {
              yield path;
              await tick();
            }
          })(),
        );
      });
      const paths = Array.from({ length: 200 }, (_, index) => `/${index % 20}`);
      const replies = await Promise.all(paths.map((path) => site.ask(path)));
      for (const [index, { text }] of replies.entries()) {
        expect(text).to.equal(paths[index]!.repeat(20));
      }
      expect(site.runs).to.equal(20);
    });
  });

  describe("of handlers that fail half-way", () => {
    it("nothing of an answer that was half set is stored", async () => {
      const site = await open((ctx, run) => {
        ctx.set("X-Half", "1");
        ctx.body = "half";
        if (run === 1) throw new Error("oh");
        ctx.body = "whole";
      });
      expect((await site.ask()).status).to.equal(500);
      expect((await site.ask()).text).to.equal("whole");
    });

    it("JSON that cannot be written fails as it does without a cache", async () => {
      const site = await open((ctx, run) => {
        const circle: Record<string, unknown> = {};
        circle["self"] = circle;
        ctx.body = run === 1 ? circle : { fine: true };
      });
      const reply = await Promise.race([
        site
          .ask()
          .then(({ status }) => status)
          .catch(() => "broken"),
        new Promise((resolve) => setTimeout(() => resolve("silence"), 500)),
      ]);
      expect(reply).to.not.equal(200);
      expect((await site.ask()).text).to.equal('{"fine":true}');
    });
  });
});

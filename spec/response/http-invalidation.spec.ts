import { expect } from "chai";
import type { Context, Middleware } from "koa";
import { Cache } from "koa-caching";
import type { Question } from "../support/http-client.js";
import { sites, type PageHandler } from "../support/page-site.js";

describe("over HTTP, invalidation (RFC 9111, section 4.4)", () => {
  const open = sites();

  /** GET tells the run; anything else answers what its fields say. */
  const changing: PageHandler = (ctx, run) => {
    if (ctx.method === "GET") {
      ctx.vary("X-V");
      ctx.body = `run ${run}`;
      return;
    }
    ctx.status = Number(ctx.get("x-status") || "200");
    for (const name of ["Location", "Content-Location"]) {
      if (ctx.get(`x-${name}`) !== "") ctx.set(name, ctx.get(`x-${name}`));
    }
    ctx.body = "changed";
  };

  /** Whether a page is outdated by a request. */
  async function outdates(action: Question, path = "/a"): Promise<boolean> {
    const site = await open(changing);
    const first = await site.ask(path);
    expect((await site.ask(path)).text, "stored").to.equal(first.text);
    await site.ask({ path: "/a", ...action });
    return (await site.ask(path)).text !== first.text;
  }

  for (const method of ["POST", "PUT", "DELETE", "PATCH", "PROPFIND"]) {
    it(`${method} that succeeds outdates its URL`, async () => {
      expect(await outdates({ method })).to.equal(true);
    });
  }

  for (const method of ["HEAD", "OPTIONS"]) {
    it(`${method} outdates nothing`, async () => {
      expect(await outdates({ method })).to.equal(false);
    });
  }

  for (const status of ["201", "204", "303", "302"]) {
    it(`a ${status} is a success`, async () => {
      expect(await outdates({ method: "POST", headers: { "X-Status": status } })).to.equal(true);
    });
  }

  for (const status of ["400", "401", "403", "404", "409", "500", "503"]) {
    it(`a ${status} is none`, async () => {
      expect(await outdates({ method: "POST", headers: { "X-Status": status } })).to.equal(false);
    });
  }

  it("leaves other paths alone", async () => {
    expect(await outdates({ method: "POST" }, "/b")).to.equal(false);
    expect(await outdates({ method: "POST" }, "/a/b")).to.equal(false);
  });

  it("reaches every query and variant of the path", async () => {
    const site = await open(changing);
    const questions: readonly Question[] = [
      { path: "/a?b=1" },
      { path: "/a?b=2" },
      { path: "/a", headers: { "X-V": "1" } },
      { path: "/a", headers: { "X-V": "2" } },
    ];
    const texts = async () => {
      const all: string[] = [];
      for (const question of questions) all.push((await site.ask(question)).text);
      return all;
    };
    const before = await texts();
    expect(await texts()).to.deep.equal(before);
    await site.ask({ method: "POST", path: "/a?c=3" });
    const after = await texts();
    for (const [index, text] of after.entries()) expect(text).to.not.equal(before[index]);
  });

  for (const name of ["Location", "Content-Location"]) {
    it(`${name} of the same origin is outdated too`, async () => {
      const own = await open(changing);
      const { port } = own;
      const targets = ["/b", `http://127.0.0.1:${port}/b?c=1`, "b", "./b"];
      for (const target of targets) {
        const before = await own.ask("/b");
        await own.ask({ method: "POST", path: "/a", headers: { [`X-${name}`]: target } });
        expect((await own.ask("/b")).text, target).to.not.equal(before.text);
      }
    });

    it(`${name} of another origin outdates nothing`, async () => {
      const own = await open(changing);
      const { port } = own;
      const targets = [
        "http://evil.example/b",
        `https://127.0.0.1:${port}/b`,
        "//evil.example/b",
        `http://127.0.0.1:${port + 1}/b`,
        "http://[",
      ];
      for (const target of targets) {
        const before = await own.ask("/b");
        await own.ask({ method: "POST", path: "/a", headers: { [`X-${name}`]: target } });
        expect((await own.ask("/b")).text, target).to.equal(before.text);
      }
    });
  }

  it("a target in absolute form names its path as well", async () => {
    const site = await open(changing);
    const target = `http://127.0.0.1:${site.port}`;
    for (const origin of [target, "http://elsewhere.example"]) {
      for (const path of ["/a", "/b"]) {
        const before = await site.ask(path);
        await site.ask({ method: "POST", path: `${origin}/a`, headers: { "X-Location": "/b" } });
        expect((await site.ask(path)).text, `${origin}, ${path}`).to.not.equal(before.text);
      }
    }
  });

  it("other hosts keep theirs", async () => {
    const site = await open(changing);
    const other = { path: "/a", headers: { Host: "other.example" } };
    const before = await site.ask(other);
    await site.ask({ method: "POST", path: "/a" });
    expect((await site.ask(other)).text).to.equal(before.text);
  });

  it("an action that throws outdates nothing", async () => {
    const site = await open((ctx, run) => {
      if (ctx.method === "POST") ctx.throw(500);
      ctx.body = `run ${run}`;
    });
    await site.ask();
    await site.ask({ method: "POST" });
    expect((await site.ask()).text).to.equal("run 1");
  });

  it("a page that was being made meanwhile is not served afterwards", async () => {
    let reached = (): void => undefined;
    let release = (): void => undefined;
    const isReached = new Promise<void>((resolve) => (reached = resolve));
    const site = await open(async (ctx, run) => {
      if (run === 1) {
        reached();
        await new Promise<void>((resolve) => (release = resolve));
      }
      ctx.body = `run ${run}`;
    });
    const slow = site.ask();
    await isReached;
    await site.ask({ method: "POST" });
    const fast = await site.ask();
    release();
    expect((await slow).text).to.equal("run 1");
    expect(fast.text).to.equal("run 3");
    expect((await site.ask()).text).to.equal("run 3");
  });

  it("reaches views of the path", async () => {
    const cache = new Cache();
    let runs = 0;
    const view = cache.cached({ timeout: 60 }, async (ctx: Context) => {
      runs += 1;
      ctx.body = `run ${runs}`;
    });
    const act: Middleware = (ctx) => {
      ctx.status = 204;
    };
    const page = cache.page();
    const site = await open(() => undefined, {
      outside: [cache.middleware()],
      mount: () => (ctx, next) =>
        page(ctx, async () => {
          if (ctx.method === "GET") await view(ctx);
          else await act(ctx, next);
        }),
    });
    await site.askTimes(2);
    expect(runs).to.equal(1);
    await site.ask({ method: "POST" });
    expect((await site.ask()).text).to.equal("run 2");
    await cache.close();
  });

  it("reaches views that no page stands around", async () => {
    const site = await open(changing, {
      mount: (cache, handler) => {
        const view = cache.cached({ timeout: 60 }, handler as (ctx: Context) => unknown);
        return (ctx, next) =>
          ctx.method === "GET" ? view(ctx) : (handler(ctx, next) as Promise<unknown>);
      },
    });
    await site.askTimes(2);
    expect(site.runs).to.equal(1);
    await site.ask({ method: "POST", headers: { "X-Status": "500" } });
    expect((await site.ask()).text).to.equal("run 1");
    await site.ask({ method: "POST" });
    expect((await site.ask()).text).to.equal("run 4");
  });

  it("tags of what a page read outdate it", async () => {
    const cache = new Cache();
    let name = "Ann";
    const getUser = cache.memoize({ tags: ["user:7"] }, async function getUser(_id: number) {
      return name;
    });
    const page = cache.page({ timeout: 60 });
    const site = await open(() => undefined, {
      outside: [cache.middleware()],
      mount: () => (ctx) =>
        page(ctx, async () => {
          ctx.body = `hello ${await getUser(7)}`;
        }),
    });
    await site.askTimes(2);
    name = "Anna";
    expect((await site.ask()).text).to.equal("hello Ann");
    await cache.invalidateTags("user:7");
    expect((await site.ask()).text).to.equal("hello Anna");
    await cache.close();
  });

  it("tags of the page itself, and those made of the result", async () => {
    const site = await open(
      (ctx, run) => {
        ctx.set("X-Id", "7");
        ctx.body = `run ${run}`;
      },
      {
        page: {
          timeout: 60,
          tags: (result) => [
            `item:${(result as { headers: Record<string, string> }).headers["x-id"]}`,
          ],
        },
      },
    );
    await site.askTimes(2);
    await site.cache.invalidateTags("item:8");
    expect((await site.ask()).text).to.equal("run 1");
    await site.cache.invalidateTags("item:7");
    expect((await site.ask()).text).to.equal("run 2");
  });

  it("clear() outdates every page", async () => {
    const site = await open(changing);
    await site.ask();
    await site.cache.clear();
    expect((await site.ask()).text).to.equal("run 2");
  });
});

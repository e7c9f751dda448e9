// The demo from outside: over HTTP on a small installation, and its tour of the real one.
import { expect } from "chai";
import { resolve } from "node:path";
import { Cache } from "koa-caching";
import { describeInBrowser } from "../support/demo-browser.js";
import { openDemo, takeTour, type Answer, type DemoSite } from "../support/demo-site.js";
import { OwnServer } from "../support/own-server.js";
import { describeWith, hasProgram } from "../support/servers.js";

describe("the demo", () => {
  let site: DemoSite;
  const ask: DemoSite["ask"] = (...question) => site.ask(...question);

  before(async () => {
    site = await openDemo();
  });

  after(() => site?.close());

  beforeEach(async () => {
    await site.cache.clear();
    site.log.length = 0;
  });

  describe("its pages", () => {
    it("list all packages with versions, licences and sizes", async () => {
      const { status, text } = await ask("/");
      expect(status).to.equal(200);
      expect(text).to.include("7 packages");
      for (const name of ["alpha", "beta", "@scope/gamma", "broken", "hostile"]) {
        expect(text).to.include(`>${name}</a>`);
      }
      expect(text).to.include("ISC <b>1</b>").and.to.include("MIT <b>2</b>");
      expect(text).to.match(/>beta<\/a>[^]*?MIT[^]*?\d+ B/);
    });

    it("sort the list as asked, by name when there is no such order", async () => {
      expect(isBySize(await ask("/?sort=size"))).to.equal(true);
      expect(isBySize(await ask("/?sort=name"))).to.equal(false);
      expect(isBySize(await ask("/?sort=constructor"))).to.equal(false);
      expect(isBySize(await ask("/?sort=size&sort=size"))).to.equal(false);
    });

    it("show a package with its README rendered", async () => {
      const { status, text } = await ask("/package/@scope/gamma");
      expect(status).to.equal(200);
      expect(text).to.include("I am <strong>gamma</strong>");
      expect(text).to.include("<dd>2.0.0</dd>");
    });

    it("show the version asked for", async () => {
      const { text } = await ask("/package/@scope/gamma/v/1.0.0");
      expect(text).to.include("<dd>1.0.0</dd>").and.to.include("has no README");
      expect((await ask("/package/@scope/gamma/v/9.9.9")).status).to.equal(404);
    });

    it("show a README that is plain text as it is", async () => {
      const { text } = await ask("/package/beta");
      expect(text).to.include("<pre>plain &lt;b&gt;text&lt;/b&gt; &amp;amp;</pre>");
    });

    it("show a tree with cycles, missing and nested packages", async () => {
      const { status, text } = await ask("/tree/alpha");
      expect(status).to.equal(200);
      expect(text).to.include("4 packages");
      const tree = text.slice(text.indexOf('<ul class="tree">')).replace(/<[^>]+>|\s+/g, " ");
      expect(tree.replace(/\s+/g, " ")).to.match(
        /^ beta 1\.0\.0 alpha 1\.0\.0 a cycle @scope\/gamma 2\.0\.0 gone \^3\.0\.0 not installed @scope\/gamma 1\.0\.0 ghost \* optional, not installed /,
      );
    });

    it("say what is wrong with a broken package.json", async () => {
      const { status, text } = await ask("/package/broken");
      expect(status).to.equal(200);
      expect(text).to.match(/class="problem">[^<]*JSON/);
    });

    it("are not there for packages that are not installed", async () => {
      for (const path of [
        "/package/nobody",
        "/tree/nobody",
        "/package/.hidden",
        "/package/linked",
        "/x",
      ]) {
        // oxlint-disable-next-line no-await-in-loop
        expect((await ask(path)).status, path).to.equal(404);
      }
    });

    it("refuse other methods", async () => {
      expect((await ask("/", "DELETE")).status).to.equal(405);
    });
  });

  describe("its cache", () => {
    for (const path of ["/", "/package/alpha", "/tree/alpha"]) {
      it(`answers ${path} from memory the second time`, async () => {
        const first = await ask(path);
        const second = await ask(path);
        expect(first.misses).to.be.greaterThan(2);
        expect([second.hits, second.misses]).to.deep.equal([1, 0]);
        expect(element(second, "main")).to.equal(element(first, "main"));
      });
    }

    it("shares between pages what they have in common", async () => {
      await ask("/");
      const { hits } = await ask("/package/alpha");
      expect(hits).to.be.greaterThan(2);
    });

    it("shows on each page what was computed and what was not", async () => {
      const first = element(await ask("/package/alpha"), "aside");
      expect(first).to.match(/[\d.]+ ms<\/b>:\s+\d+ from the cache, \d+ computed now/);
      expect(first).to.match(
        /class="computed">\s*<td>gatherDetails<\/td>\s*<td><code>view\/\/package\/alpha</,
      );
      const second = element(await ask("/package/alpha"), "aside");
      expect(second).to.match(/1 from the cache, 0 computed now/);
      expect(second).to.include('class="cached"').and.not.to.include('class="computed"');
    });

    it("keeps the activities of requests served at once apart", async () => {
      await ask("/package/alpha");
      const [one, two] = await Promise.all([ask("/package/alpha"), ask("/package/beta")]);
      expect([one.hits, one.misses]).to.deep.equal([1, 0]);
      expect(two.misses).to.be.greaterThan(0);
    });

    it("shares the rows of its list between orders, and forgets them one by one", async () => {
      const runs = (): number => site.cache.stats().functions.get("row")?.misses ?? 0;
      const before = runs();
      await ask("/");
      const rows = runs() - before;
      expect(rows).to.equal(7);
      await ask("/?sort=size");
      expect(runs() - before).to.equal(rows);
      await ask("/forget/beta", "POST");
      await ask("/");
      expect(runs() - before).to.equal(rows + 1);
    });

    it("keeps a README apart from the page that shows it", async () => {
      const { text } = await ask("/package/@scope/gamma");
      const readme = site.cache.makeTemplateFragmentKey("readme", ["@scope/gamma", "2.0.0"]);
      const stored = await site.cache.get<string>(readme);
      expect(stored).to.include("I am <strong>gamma</strong>");
      expect(text).to.include(stored);
    });

    it("keeps nothing for packages that are not installed", async () => {
      await ask("/package/nobody");
      expect(await site.cache.has("view//package/nobody")).to.equal(false);
    });
  });

  describe("its buttons", () => {
    afterEach(async () => {
      await site.write("alpha/README.md", "First words");
    });

    it("forget one package, and every page built from it", async () => {
      for (const path of ["/package/alpha", "/tree/beta", "/", "/package/@scope/gamma"]) {
        // oxlint-disable-next-line no-await-in-loop
        await ask(path);
      }
      await site.write("alpha/README.md", "Other words");
      expect((await ask("/package/alpha")).text).to.include("First words");

      expect((await ask("/forget/alpha", "POST")).status).to.equal(303);

      expect((await ask("/package/alpha")).text).to.include("Other words");
      expect((await ask("/tree/beta")).misses).to.be.greaterThan(0);
      expect((await ask("/")).misses).to.be.greaterThan(0);
      expect((await ask("/package/@scope/gamma")).misses).to.equal(0);
    });

    it("forget a package with a scope", async () => {
      await ask("/package/@scope/gamma");
      await ask("/forget/@scope/gamma", "POST");
      expect((await ask("/package/@scope/gamma")).misses).to.be.greaterThan(0);
    });

    it("forget everything", async () => {
      await ask("/package/alpha");
      const before = await ask("/package/@scope/gamma");
      await ask("/forget", "POST");
      const after = await ask("/package/@scope/gamma");
      expect(after.misses).to.be.at.least(before.misses);
    });

    it("lead back to the page they are on, and nowhere else", async () => {
      const { host } = site;
      const from = async (referrer: string): Promise<string | undefined> =>
        (await ask("/forget/alpha", "POST", { host, referer: referrer })).headers.location;
      expect(await from(`http://${host}/tree/alpha`)).to.match(/\/tree\/alpha$/);
      expect(await from("https://evil.example/")).to.equal("/");
    });

    it("do nothing on GET", async () => {
      await ask("/package/alpha");
      expect((await ask("/forget")).status).to.equal(405);
      expect((await ask("/package/alpha")).misses).to.equal(0);
    });
  });

  describe("its guard", () => {
    it("shows hostile READMEs without what makes them hostile", async () => {
      const readme = element(await ask("/package/hostile"), "article");
      expect(readme).to.include("one").and.to.include("five").and.to.include("a picture");
      expect(readme).to.include('<a href="https://good.example"');
      expect(readme).not.to.match(
        /<(script|iframe|form|button|style|svg|base|img)|\son\w+=|javascript:|style=|\sid=|<!--/i,
      );
    });

    it("escapes what a hostile package.json says", async () => {
      for (const path of ["/package/hostile", "/", "/tree/hostile"]) {
        // oxlint-disable-next-line no-await-in-loop
        const { text } = await ask(path);
        expect(text, path).not.to.match(/<script|<i>MIT|javascript:/);
      }
      expect((await ask("/package/hostile")).text).to.include("&lt;script&gt;alert(2)");
    });

    it("links to a version of any spelling", async () => {
      const link = /href="(\/package\/hostile\/v\/[^"]+)"/.exec((await ask("/")).text)![1]!;
      expect((await ask(link)).status).to.equal(200);
    });

    it("never leaves node_modules", async () => {
      const attempts = [
        "/package/../../secret",
        "/package/..%2f..%2fsecret",
        "/package/%2e%2e",
        "/package/@..%2f..%2f/secret",
        "/package/alpha%2f..%2f..%2f",
        "/package/alpha/v/..%2f..%2fsecret",
        "/package/alpha%00",
        "/package/%E0%A4%A",
        "/tree/..%2f..",
        "/../secret",
        "/..%2fapp.ts",
        "/%2e%2e/app.ts",
      ];
      for (const path of attempts) {
        // oxlint-disable-next-line no-await-in-loop
        const { status, text } = await ask(path);
        expect(status, path).to.be.oneOf([400, 403, 404]);
        expect(text, path).not.to.include("the secret").and.not.to.include("createApp");
      }
    });

    it("follows no links out of a package", async () => {
      const { status, text } = await ask("/package/thief");
      expect(status).to.equal(200);
      expect(text).to.include("has no README").and.not.to.include("the secret");
    });

    it("lets the browser run nothing", async () => {
      const { headers } = await ask("/package/hostile");
      expect(headers["content-security-policy"]).to.include("default-src 'none'");
      expect((await ask("/nowhere")).headers["content-security-policy"]).to.be.a("string");
    });
  });

  it("logs one line a request", async () => {
    await ask("/package/alpha");
    await ask("/package/alpha");
    await ask("/nowhere");
    expect(site.log).to.have.length(3);
    expect(site.log[0]).to.match(
      /^GET \/package\/alpha 200 [\d.]+ ms, \d+ from the cache, \d+ computed$/,
    );
    expect(site.log[1]).to.match(/ 200 [\d.]+ ms, 1 from the cache, 0 computed$/);
    expect(site.log[2]).to.match(/^GET \/nowhere 404 /);
  });

  describeInBrowser(() => site);

  describe("its tour", () => {
    it("visits real packages twice, prints a table and ends well", async () => {
      const { code, output } = await takeTour();
      const lines = output.trim().split("\n");
      expect(code, output).to.equal(0);
      expect(lines[0]).to.match(/^path +first +second +hits$/);
      expect(lines.length).to.be.greaterThan(4);
      for (const line of lines.slice(1)) {
        expect(line).to.match(/^\/\S* +[\d.]+ ms +[\d.]+ ms +[1-9]\d*$/);
        expect(line).to.have.length(lines[0]!.length);
      }
    });

    describeWith("redis-server", hasProgram("redis-server"), "on Redis", () => {
      let redis: OwnServer;

      before(async () => {
        redis = await OwnServer.redis();
      });

      after(() => redis.kill());

      it("leaves there what it computed", async () => {
        const store = `redis://127.0.0.1:${redis.port}`;
        const other = new Cache({
          store,
          namespace: `koa-caching-demo ${resolve("node_modules")}`,
        });
        expect(await other.has("packages")).to.equal(false);
        const { code, output } = await takeTour({ CACHE_URL: store });
        expect(code, output).to.equal(0);
        expect(output).to.match(/^\/package\/koa .* 1$/m);
        expect(await other.has("packages")).to.equal(true);
        expect(await other.has("view//package/koa")).to.equal(true);
        await other.close();
      });
    });

    it("ends badly when a page fails", async () => {
      const { code, output } = await takeTour({ DEMO_MODULES: site.modules });
      expect(code).to.equal(1);
      expect(output).to.match(/^\/package\/koa +error 404 +error 404 +\d+$/m);
    });
  });
});

/** An element of a page, by its name, with what is in it. */
function element({ text }: Answer, name: string): string {
  return new RegExp(`<${name}[^]*</${name}>`).exec(text)?.[0] ?? "";
}

function isBySize({ text }: Answer): boolean {
  return text.indexOf(">hostile</a>") < text.indexOf(">alpha</a>");
}

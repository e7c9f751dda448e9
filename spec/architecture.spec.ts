import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";

const SOURCE = fileURLToPath(new URL("../src/", import.meta.url));

/** The files of `src/` in reading order: a file imports only from files above it. */
const ORDER: readonly string[] = [
  "errors.ts",
  "duration.ts",
  "clock.ts",
  "options.ts",
  "events.ts",
  "stats.ts",
  "entry.ts",
  "scope.ts",
  "value/kind.ts",
  "value/binary.ts",
  "value/built-in.ts",
  "value/container.ts",
  "value/judge.ts",
  "value/snapshot.ts",
  "value/copy.ts",
  "value/rich.ts",
  "value/codec.ts",
  "key/hash.ts",
  "key/built-in.ts",
  "key/identity.ts",
  "key/encoder.ts",
  "key/arguments.ts",
  "single-flight.ts",
  "store/store.ts",
  "store/address.ts",
  "store/native.ts",
  "store/backend.ts",
  "store/breaker.ts",
  "store/deadline.ts",
  "store/debts.ts",
  "store/link.ts",
  "store/remote.ts",
  "store/tick.ts",
  "store/writes.ts",
  "store/courier.ts",
  "store/envelope.ts",
  "store/reads.ts",
  "store/keyv.ts",
  "store/memory.ts",
  "store/null.ts",
  "store/packages.ts",
  "store/servers.ts",
  "store/source.ts",
  "store/open.ts",
  "versions.ts",
  "rules.ts",
  "record.ts",
  "judgement.ts",
  "computations.ts",
  "teller.ts",
  "lookup.ts",
  "lookup-many.ts",
  "claims.ts",
  "direct.ts",
  "config.ts",
  "names.ts",
  "engine.ts",
  "request/context.ts",
  "wrap.ts",
  "forms.ts",
  "response/key.ts",
  "response/fields.ts",
  "response/cache-control.ts",
  "response/freshness.ts",
  "response/storability.ts",
  "response/policy.ts",
  "response/page-tags.ts",
  "response/uncacheable.ts",
  "response/page-options.ts",
  "response/middlewares.ts",
  "response/cache-status.ts",
  "response/body.ts",
  "response/snapshot.ts",
  "response/checked-page.ts",
  "response/held-page.ts",
  "response/invalidation.ts",
  "response/demand.ts",
  "response/lazy-body.ts",
  "response/validation.ts",
  "response/replay.ts",
  "response/vary.ts",
  "response/place.ts",
  "response/shadow.ts",
  "response/state-view.ts",
  "response/raw-headers.ts",
  "response/request-headers.ts",
  "response/inputs.ts",
  "response/read-values.ts",
  "response/visit.ts",
  "response/page-answer.ts",
  "response/page-pass.ts",
  "response/freshen.ts",
  "response/variants.ts",
  "response/place-variant.ts",
  "response/keep-page.ts",
  "response/page-read.ts",
  "response/hidden-vary.ts",
  "response/unkeyed.ts",
  "response/run.ts",
  "response/conclude.ts",
  "response/stream-tee.ts",
  "response/tee.ts",
  "response/patience.ts",
  "response/flow.ts",
  "response/stale.ts",
  "response/page-run.ts",
  "response/quick.ts",
  "response/revalidate.ts",
  "response/lookup-page.ts",
  "response/page.ts",
  "response/stored-pages.ts",
  "cached.ts",
  "memoize.ts",
  "prototypes.ts",
  "methods.ts",
  "memoize-many.ts",
  "fragment/backend.ts",
  "fragment/key.ts",
  "fragment/arguments.ts",
  "fragment/current.ts",
  "fragment/fragment.ts",
  "fragment/indent.ts",
  "fragment/placeholder.ts",
  "fragment/ledger.ts",
  "fragment/levels.ts",
  "fragment/session.ts",
  "fragment/fragments.ts",
  "fragment/led.ts",
  "fragment/answers.ts",
  "fragment/claimed.ts",
  "fragment/digest.ts",
  "fragment/middleware.ts",
  "cache.ts",
  "handlebars/environment.ts",
  "handlebars/containers.ts",
  "handlebars/data.ts",
  "handlebars/sources.ts",
  "handlebars/tag.ts",
  "handlebars/verify.ts",
  "handlebars/index.ts",
  "nunjucks/environment.ts",
  "nunjucks/capture.ts",
  "nunjucks/node.ts",
  "nunjucks/block.ts",
  "nunjucks/sources.ts",
  "nunjucks/parse.ts",
  "nunjucks/tag.ts",
  "nunjucks/verify.ts",
  "nunjucks/index.ts",
  "index.ts",
];

/** Which files know a package. Types alone may be imported elsewhere as well. */
const KNOWS: Readonly<Record<string, RegExp>> = {
  koa: /^(request|response)\//,
  keyv: /^store\/(keyv|source|open)\.ts$/,
  nunjucks: /^nunjucks\//,
  handlebars: /^handlebars\//,
};

interface Import {
  readonly file: string;
  readonly from: string;
  readonly typeOnly: boolean;
}

/** Everything that a file imports, or exports again. */
function importsOf(file: string): readonly Import[] {
  const text = readFileSync(join(SOURCE, file), "utf8");
  const statements = text.matchAll(
    /^(?:import|export)\s+(type\s)?(?:[^;"]*?\sfrom\s+)?"([^"]+)";/gm,
  );
  const dynamic = text.matchAll(/\bimport\("([^"]+)"\)/g);
  return [
    ...Array.from(statements, ([, type, from]) => ({
      file,
      from: from!,
      typeOnly: type !== undefined,
    })),
    ...Array.from(dynamic, ([, from]) => ({ file, from: from!, typeOnly: false })),
  ];
}

const files = readdirSync(SOURCE, { encoding: "utf8", recursive: true })
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => file.endsWith(".ts"));
const imports = files.flatMap(importsOf);

/** The file that a relative import names. */
function target({ file, from }: Import): string {
  return normalize(join(dirname(file), from))
    .replaceAll("\\", "/")
    .replace(/\.js$/, ".ts");
}

describe("the house", () => {
  it("lists every file once, and no file that is not there", () => {
    expect([...ORDER].toSorted()).to.deep.equal(files.toSorted());
  });

  it("is read from top to bottom: no file imports from one below it", () => {
    const upward = imports
      .filter(({ from }) => from.startsWith("."))
      .filter((one) => ORDER.indexOf(target(one)) >= ORDER.indexOf(one.file))
      .map((one) => `${one.file} imports ${target(one)}`);
    expect(upward).to.deep.equal([]);
  });

  it("ends relative imports in .js", () => {
    const wrong = imports.filter(({ from }) => from.startsWith(".") && !from.endsWith(".js"));
    expect(wrong).to.deep.equal([]);
  });

  for (const [name, places] of Object.entries(KNOWS)) {
    it(`knows ${name} in its own place only`, () => {
      const wrong = imports
        .filter(({ from, typeOnly }) => !typeOnly && (from === name || from.startsWith(`${name}/`)))
        .filter(({ file }) => !places.test(file))
        .map(({ file }) => file);
      expect(wrong).to.deep.equal([]);
    });
  }

  it("needs no package that an application would not have", () => {
    const manifest = createRequire(import.meta.url)("../package.json") as Record<string, object>;
    const allowed = Object.keys({ ...manifest["dependencies"], ...manifest["peerDependencies"] });
    const used = imports
      .filter(({ from }) => !from.startsWith(".") && !from.startsWith("node:"))
      .map(({ from }) =>
        from
          .split("/")
          .slice(0, from.startsWith("@") ? 2 : 1)
          .join("/"),
      );
    expect([...new Set(used)].filter((name) => !allowed.includes(name))).to.deep.equal([]);
  });

  it("says in the first line of each file what it does", () => {
    const silent = files.filter(
      (file) => !/^\/\/ \S.*\n/.test(readFileSync(join(SOURCE, file), "utf8")),
    );
    expect(silent).to.deep.equal([]);
  });
});

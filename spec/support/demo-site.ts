// A small installation of good, broken and hostile packages, and the demo serving it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { request, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Cache } from "koa-caching";

/** An answer of the demo, with what it says of its cache. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly hits: number;
  readonly misses: number;
}

/** The demo, served. */
export interface DemoSite {
  readonly cache: Cache;
  readonly host: string;
  /** The folder with the packages. */
  readonly modules: string;
  /** What the demo logged. */
  readonly log: string[];
  /** Sends a request whose path goes out as written, unlike `fetch`, which tidies it up. */
  ask(path: string, method?: string, headers?: Record<string, string>): Promise<Answer>;
  /** Writes a file of a package. */
  write(path: string, text: string): Promise<void>;
  close(): Promise<void>;
}

const HOSTILE_README = `# Hostile
<script>alert(1)</script><img src=x onerror=alert(1) alt="a picture">

[one](javascript:alert(1)) [two](JAVASCRIPT:alert(1)) <a href="java&#x09;script:alert(1)" onclick="x()">three</a>

<iframe src="https://evil.example"></iframe><form action="/forget" method="post"><button>four</button></form>
<style>body { display: none }</style><svg onload=alert(1)></svg><base href="https://evil.example">
<details ontoggle=alert(1) style="position:fixed" id="activity"><summary>five</summary></details>

[good](https://good.example) <!-- a comment -->`;

const FILES: Readonly<Record<string, string>> = {
  "alpha/package.json": JSON.stringify({
    name: "alpha",
    version: "1.0.0",
    license: { type: "ISC" },
    dependencies: { beta: "^1.0.0", gone: "^3.0.0", "@scope/gamma": "1" },
    optionalDependencies: { ghost: "*" },
  }),
  "alpha/README.md": "First words",
  "alpha/node_modules/@scope/gamma/package.json": '{"version":"1.0.0"}',
  "beta/package.json": JSON.stringify({
    version: "1.0.0",
    license: "MIT",
    dependencies: { alpha: "*", "@scope/gamma": "2" },
  }),
  "beta/readme.txt": "plain <b>text</b> &amp;",
  "@scope/gamma/package.json": '\uFEFF{"version":"2.0.0","license":"MIT"}',
  "@scope/gamma/README.md": "I am **gamma**",
  "broken/package.json": '{"version": ',
  "hostile/package.json": JSON.stringify({
    name: "../../secret",
    version: '"><script>1</script>',
    license: ["<i>MIT</i>", 7, null],
    description: "<script>alert(2)</script>",
    homepage: "javascript:alert(3)",
    dependencies: ["x"],
  }),
  "hostile/README.md": HOSTILE_README,
  ".hidden/package.json": '{"version":"1.0.0"}',
  "thief/package.json": '{"version":"1.0.0"}',
};

/** Makes the installation and serves the demo over it. */
export async function openDemo(): Promise<DemoSite> {
  const modules = await install();
  process.env["DEMO_MODULES"] = modules;
  const { createApp } = await import("../../demo/app.js");
  const { cache } = await import("../../demo/cache.js");
  const log: string[] = [];
  const server = createApp({ log: (line) => log.push(line) }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    cache,
    modules,
    log,
    host: `127.0.0.1:${port}`,
    ask: (path, method = "GET", headers = {}) => ask({ port, path, method, headers }),
    write: (path, text) => write(modules, path, text),
    close: () => close(server, cache, modules),
  };
}

/** Takes the demo's tour in a process of its own. */
export async function takeTour(
  env: Record<string, string> = {},
): Promise<{ code: number | null; output: string }> {
  const { DEMO_MODULES: _modules, CACHE_URL: _store, ...outer } = process.env;
  const child = spawn("node_modules/.bin/tsx", ["demo/main.ts", "--tour"], {
    env: { ...outer, ...env },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject).once("close", resolve);
  });
  return { code, output };
}

async function install(): Promise<string> {
  const modules = join(await mkdtemp(join(tmpdir(), "koa-caching-demo-")), "node_modules");
  await Promise.all(Object.entries(FILES).map(([path, text]) => write(modules, path, text)));
  await writeFile(join(modules, "../secret"), "the secret");
  await symlink(join(modules, "../secret"), join(modules, "thief/README.md"));
  await symlink(join(modules, "alpha"), join(modules, "linked"));
  return modules;
}

async function write(modules: string, path: string, text: string): Promise<void> {
  await mkdir(dirname(join(modules, path)), { recursive: true });
  await writeFile(join(modules, path), text);
}

async function close(server: Server, cache: Cache, modules: string): Promise<void> {
  delete process.env["DEMO_MODULES"];
  server.close();
  await cache.close();
  await rm(dirname(modules), { recursive: true });
}

interface Question {
  readonly port: number;
  readonly path: string;
  readonly method: string;
  readonly headers: Record<string, string>;
}

function ask(question: Question): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", ...question }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.once("error", reject).once("end", () => {
        const { statusCode: status = 0, headers } = response;
        resolve({ status, headers, text, ...counts(String(headers["server-timing"])) });
      });
    })
      .once("error", reject)
      .end();
  });
}

function counts(serverTiming: string): { hits: number; misses: number } {
  const [, hits, misses] = /hits;desc="(\d+)", misses;desc="(\d+)"/.exec(serverTiming) ?? [];
  return { hits: Number(hits), misses: Number(misses) };
}

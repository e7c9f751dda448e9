// What a page costs: requests a second, and the server's CPU time a request, in turn.
import { fork } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { SCENARIOS } from "./page-server.js";

const CONNECTIONS = 32;
const ROUNDS = Number(process.argv[2] ?? 30);
const SECONDS = Number(process.argv[3] ?? 0.25);

/** What one round of one server gave. */
interface Round {
  readonly perSecond: number;
  /** Microseconds of CPU a request. */
  readonly cpu: number;
}

/** A server in a process of its own. */
class Server {
  readonly name: string;
  readonly rounds: Round[] = [];
  readonly #child;
  #port = 0;

  constructor(name: string) {
    this.name = name;
    const file = fileURLToPath(new URL("page-server.ts", import.meta.url));
    this.#child = fork(file, [name], { execArgv: ["--import", "tsx/esm"], stdio: "inherit" });
  }

  async open(): Promise<void> {
    const [port] = (await once(this.#child, "message")) as [number];
    this.#port = port;
    await load(port, this.name, 0.5);
  }

  async measure(): Promise<void> {
    const before = await this.#cpu();
    const { requests, seconds } = await load(this.#port, this.name, SECONDS);
    const used = (await this.#cpu()) - before;
    this.rounds.push({ perSecond: requests / seconds, cpu: used / requests });
  }

  close(): void {
    this.#child.kill();
  }

  async #cpu(): Promise<number> {
    this.#child.send("cpu");
    const [used] = (await once(this.#child, "message")) as [number];
    return used;
  }
}

let unique = 0;

/** Sends requests over kept connections, one after the other on each. */
async function load(
  port: number,
  name: string,
  seconds: number,
): Promise<{ readonly requests: number; readonly seconds: number }> {
  const started = performance.now();
  const end = started + seconds * 1000;
  let requests = 0;
  const one = (): Promise<void> =>
    new Promise((done, fail) => {
      const socket = connect(port, "127.0.0.1");
      let missing = 0;
      const ask = (): void => {
        const path = name === "page, miss" ? `/page?n=${(unique += 1)}` : "/page";
        socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      };
      socket.on("connect", ask).on("error", fail);
      socket.on("data", (data) => {
        missing = missing > 0 ? missing - data.length : wholeLength(data) - data.length;
        if (missing > 0) return;
        requests += 1;
        if (performance.now() < end) ask();
        else socket.end(done);
      });
    });
  await Promise.all(Array.from({ length: CONNECTIONS }, one));
  return { requests, seconds: (performance.now() - started) / 1000 };
}

function wholeLength(data: Buffer): number {
  const head = data.indexOf("\r\n\r\n");
  const length = /content-length: (\d+)/i.exec(data.toString("latin1", 0, head));
  if (!data.toString("latin1", 0, 12).endsWith(" 200") || length === null) {
    throw new Error(`Expected a whole answer; got ${data.toString("latin1", 0, head)}.`);
  }
  return head + 4 + Number(length[1]);
}

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)]!;

const servers = Object.keys(SCENARIOS).map((name) => new Server(name));
await Promise.all(servers.map((server) => server.open()));
for (let round = 0; round < ROUNDS; round += 1) {
  // In turn, so that what else the machine does hits all alike.
  for (const server of servers) await server.measure();
}
for (const { name, rounds } of servers) {
  const perSecond = median(rounds.map((round) => round.perSecond));
  const cpu = median(rounds.map((round) => round.cpu));
  console.log(
    `${name.padEnd(28)}${perSecond.toFixed(0).padStart(8)} /s${cpu.toFixed(1).padStart(8)} µs`,
  );
}

/** Of each round, so that what the machine does meanwhile is in both. */
function compare(one: string, other: string): void {
  const [first, second] = [one, other].map((name) => servers.find((it) => it.name === name)!);
  const ratio = (figure: keyof Round): string =>
    median(
      first!.rounds.map((round, index) => round[figure] / second!.rounds[index]![figure]),
    ).toFixed(3);
  console.log(`${one} / ${other}: ${ratio("cpu")} of the CPU, ${ratio("perSecond")} of the rate`);
}

compare("page, hit", "bare Koa");
compare("page, hit", "koa-cash");
compare("page, hit", "a Map by hand");
compare("page, hit, not outermost", "a Map by hand");
compare("page, hit, not outermost", "a Map in AsyncLocalStorage");
compare("page, uncached route", "middleware alone");
compare("middleware alone", "AsyncLocalStorage alone");
for (const server of servers) server.close();

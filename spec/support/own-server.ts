// Server processes of a spec's own, on a private port, ended by their process id.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { freePort, untilListening } from "./servers.js";

/** A server process that can be frozen, killed and started again on the same port. */
export class OwnServer {
  readonly port: number;
  readonly #program: string;
  readonly #options: readonly string[];
  #process: ChildProcess | undefined;

  private constructor(port: number, program: string, options: readonly string[]) {
    this.port = port;
    this.#program = program;
    this.#options = options;
  }

  /** A redis-server that keeps nothing on disk. */
  static redis(): Promise<OwnServer> {
    return OwnServer.#launch("redis-server", (port) =>
      `--port ${port} --bind 127.0.0.1 --save  --appendonly no --dir /tmp --loglevel warning`.split(
        " ",
      ),
    );
  }

  /** A memcached. */
  static memcached(): Promise<OwnServer> {
    return OwnServer.#launch("memcached", (port) =>
      `-p ${port} -l 127.0.0.1 -u nobody -m 16 -t 1`.split(" "),
    );
  }

  static async #launch(
    program: string,
    options: (port: number) => readonly string[],
  ): Promise<OwnServer> {
    const port = await freePort();
    const server = new OwnServer(port, program, options(port));
    await server.start();
    return server;
  }

  async start(): Promise<void> {
    this.#process = spawn(this.#program, this.#options, { stdio: "ignore" });
    await untilListening(this.port);
  }

  /** The process stands still; its connections stay open and say nothing. */
  freeze(): void {
    this.#process?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#process?.kill("SIGCONT");
  }

  /** Ends the process without a farewell. */
  async kill(): Promise<void> {
    const ending = this.#process;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const exited = once(ending, "exit");
    ending.kill("SIGKILL");
    await exited;
  }
}

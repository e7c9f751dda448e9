// Servers that specs run against: whether they are here, and what is said when they are not.
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";

/** Whether a program is installed. */
export function hasProgram(name: string): boolean {
  try {
    execFileSync("which", [name], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Whether something listens on a port of this machine. */
export async function listens(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Resolves when something listens on a port of this machine. */
export async function untilListening(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await listens(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`Nothing listens on port ${port}.`);
}

/** A port that nobody uses. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/**
 * Describes what needs a server. Where it is missing the suite says so in one line and is skipped;
 * in continuous integration it fails.
 */
export function describeWith(
  server: string,
  isHere: boolean,
  title: string,
  suite: () => void,
): void {
  if (isHere) describe(title, suite);
  else if (process.env["CI"] === "true") {
    it(title, () => {
      throw new Error(`${server} is missing; in CI every suite runs.`);
    });
  } else {
    it(`${title}: skipped, ${server} is missing`, function skipped() {
      this.skip();
    });
  }
}

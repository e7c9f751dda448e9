// Numbers as people read them.

/** Bytes: `812 B`, `4.3 kB`, `12.0 MB`. */
export function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  return count < 1e6 ? `${(count / 1e3).toFixed(1)} kB` : `${(count / 1e6).toFixed(1)} MB`;
}

/** Milliseconds: `0.42 ms`, `42.1 ms`, `1423 ms`. */
export function milliseconds(duration: number): string {
  const digits = duration < 1 ? 2 : duration < 100 ? 1 : 0;
  return `${duration.toFixed(digits)} ms`;
}

/** The time of day: `14:03:27 UTC`. */
export function time(date: Date): string {
  return `${date.toISOString().slice(11, 19)} UTC`;
}

/** The path of a page about a package: `/package/@koa/router/v/15.7.0`. */
export function packagePath(page: string, name: string, version?: string): string {
  const path = `/${page}/${name.split("/").map(encodeURIComponent).join("/").replace(/^%40/, "@")}`;
  return version === undefined ? path : `${path}/v/${encodeURIComponent(version)}`;
}

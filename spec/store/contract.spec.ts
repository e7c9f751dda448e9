// Every store passes the one contract.
import KeyvMemcache from "@keyv/memcache";
import KeyvRedis from "@keyv/redis";
import { Keyv } from "keyv";
import { Keyv as Keyv6 } from "keyv6";
import { openStore } from "../../src/store/open.js";
import { openingOptions } from "../support/opening.js";
import { OwnServer } from "../support/own-server.js";
import { PlainAdapter } from "../support/plain-adapter.js";
import { describeWith, hasProgram, listens } from "../support/servers.js";
import { describeStore } from "../support/store-contract.js";

const REDIS = "redis://127.0.0.1:6379";

/** Describes stores made of one and the same back-end. */
function describeOver(name: string, backend: () => unknown): void {
  describeStore(name, (namespace) => openStore(openingOptions({ store: backend(), namespace })));
}

describeStore("memory", () => openStore(openingOptions({ store: "memory:" })));

const map = new Map<string, unknown>();
describeOver("a Map", () => map);
const overMap = new Keyv();
describeOver("Keyv 5 over a Map", () => overMap);
const overMap6 = new Keyv6();
describeOver("Keyv 6 over a Map", () => overMap6);
const adapter = new PlainAdapter();
describeOver("a storage adapter", () => adapter);
const overAdapter = new Keyv(new PlainAdapter() as never);
describeOver("Keyv 5 over a storage adapter", () => overAdapter);

describeWith("Redis on port 6379", await listens(6379), "Redis", () => {
  const redisAdapter = new KeyvRedis(REDIS);
  const overRedis = new Keyv(redisAdapter);
  const overRedis6 = new Keyv6(new KeyvRedis(REDIS));
  describeOver("Redis by its URL", () => REDIS);
  describeOver("Keyv 5 over Redis", () => overRedis);
  describeOver("Keyv 6 over Redis", () => overRedis6);
  describeOver("the adapter of Redis", () => redisAdapter);
  after(() => Promise.all([overRedis.disconnect(), overRedis6.disconnect()]));
});

describeWith("memcached", hasProgram("memcached"), "Memcached", () => {
  let server: OwnServer;
  let overMemcache: Keyv;
  before(async () => {
    server = await OwnServer.memcached();
    overMemcache = new Keyv(new KeyvMemcache(`127.0.0.1:${server.port}`) as never);
  });
  describeOver("Memcached by its URL", () => `memcached://127.0.0.1:${server.port}`);
  describeOver("Keyv 5 over Memcached", () => overMemcache);
  after(() => {
    (overMemcache.store as KeyvMemcache).client.close();
    return server.kill();
  });
});

describeWith("PostgreSQL on port 5432", await listens(5432), "PostgreSQL", () => {
  describeOver("PostgreSQL by its URL", () => "postgresql://postgres@127.0.0.1:5432/test");
});

describeWith("MariaDB on port 3306", await listens(3306), "MariaDB", () => {
  describeOver("MariaDB by its URL", () => "mariadb://root@127.0.0.1:3306/test");
});

// ioredis against a running server: `NODE_PATH=... node node.js PORT`.
//
// Every reply is compared with a value that this script works out by itself. Everything is run over RESP2, and again over
// RESP3 where the library can (ioredis 6 and later). Mismatches go to standard output, counts to its last line; the exit
// code is 1 if there was any mismatch.
"use strict";

const { isDeepStrictEqual, inspect } = require("node:util");
const Redis = require("ioredis");
const { version } = require("ioredis/package.json");

const port = Number(process.argv[2]);
const open = [];
let checked = 0;
const wrong = [];

function connect(options = {}) {
  const client = new Redis({ host: "127.0.0.1", port, commandTimeout: 20_000, ...options });
  open.push(client);
  return client;
}

function same(what, got, want) {
  checked += 1;
  if (!isDeepStrictEqual(got, want)) wrong.push(`${what}: got ${inspect(got)}, not ${inspect(want)}`);
}

function holds(what, is, got) {
  checked += 1;
  if (!is) wrong.push(`${what}: got ${inspect(got)}`);
}

/** The promise must be rejected with an error of this beginning. */
async function fails(what, text, promise) {
  const got = await promise.catch((error) => error);
  holds(what, got instanceof Error && got.message.startsWith(text), got);
}

const pairs = (flat) => Object.fromEntries(flat.flatMap((x, i) => (i % 2 ? [] : [[x, flat[i + 1]]])));
const range = (n) => Array.from({ length: n }, (_, i) => i);
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Numbers below `n`, the same in every run. */
let seed = 12345;
function random(n) {
  seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
  return (seed >>> 8) % n;
}

async function strings(r) {
  const bytes = Buffer.from(range(1024).map((i) => i % 256));
  same("SET binary", await r.set(Buffer.from("\r\n\0"), bytes), "OK");
  same("GET binary", await r.getBuffer(Buffer.from("\r\n\0")), bytes);
  const large = Buffer.alloc(400_000, "0123456789abcdef\r\n");
  same("SET large", await r.set("large", large), "OK");
  same("GET large", await r.getBuffer("large"), large);
  same("GETRANGE", await r.getrange("large", 2, 20), "23456789abcdef\r\n012");
  same("GET missing", await r.get("missing"), null);
  same("SET NX", await r.set("s", "1", "NX"), "OK");
  same("SET NX again", await r.set("s", "2", "NX"), null);
  same("SET XX GET", await r.set("s", "3", "XX", "GET"), "1");
  same("GETSET", await r.getset("s", "4"), "3");
  same("GETDEL", await r.getdel("s"), "4");
  same("SETNX", [await r.setnx("s", "5"), await r.setnx("s", "6")], [1, 0]);
  same("APPEND", await r.append("s", "\u00e9"), 3);
  same("SETRANGE", await r.setrange("s", 5, "z"), 6);
  same("GET padded", await r.getBuffer("s"), Buffer.from("5\u00e9\0\0z"));
  same("MSET", await r.mset(new Map(range(60).map((i) => [`m${i}`, i]))), "OK");
  same("MGET", await r.mget(range(62).map((i) => `m${i}`)), [...range(60).map(String), null, null]);
  same("MSETNX", [await r.msetnx("m1", 0, "n", 0), await r.exists("n"), await r.msetnx("n", 1, "o", 2)], [0, 0, 1]);
  same("INCR", [await r.incr("i"), await r.incrby("i", 9), await r.decr("i"), await r.decrby("i", 20)], [1, 10, 9, -11]);
  same("INCRBYFLOAT", [await r.incrbyfloat("f", 1.5), await r.incrbyfloat("f", "2.0e2")], ["1.5", "201.5"]);
  same("LCS LEN", await r.call("LCS", "m10", "m11", "LEN"), 1);
  await fails("INCR of text", "ERR value is not an integer or out of range", r.incr("s"));
  await fails("SET syntax", "ERR syntax error", r.call("SET", "a", "b", "EX"));
  await fails("arity", "ERR wrong number of arguments for 'get' command", r.call("GET"));
  await fails("EVAL", "ERR unknown command", r.eval("return 1", 0));
}

async function keys(r) {
  await r.flushall();
  const names = range(500).map((i) => `name:${i}`);
  await Promise.all(names.map(async (name) => same("SET", await r.set(name, name), "OK")));
  same("DBSIZE", await r.dbsize(), 500);
  for (const options of [{}, { count: 13 }, { match: "name:4*" }, { type: "string", count: 500 }, { type: "hash" }]) {
    const found = new Set();
    for await (const some of r.scanStream(options)) some.forEach((name) => found.add(name));
    const want = names.filter((n) => options.type !== "hash" && (!options.match || n.startsWith("name:4")));
    same(`SCAN ${inspect(options)}`, [...found].sort(), want.sort());
  }
  same("KEYS", (await r.keys("name:?")).sort(), range(10).map((i) => `name:${i}`));
  holds("RANDOMKEY", names.includes(await r.randomkey()), "a name that was never set");
  same("TYPE", [await r.type("name:1"), await r.type("missing")], ["string", "none"]);
  same("DEL", await r.del("name:1", "name:2", "missing"), 2);
  same("UNLINK", await r.unlink("name:3", "name:4", "name:3"), 2);
  same("TOUCH", await r.touch("name:5", "name:1"), 1);
  same("RENAME", await r.rename("name:5", "moved"), "OK");
  same("RENAMENX", await r.renamenx("name:6", "moved"), 0);
  same("COPY", [await r.copy("moved", "name:7"), await r.copy("moved", "name:7", "REPLACE")], [0, 1]);
  same("GET copied", await r.get("name:7"), "name:5");
  await fails("RENAME missing", "ERR no such key", r.rename("missing", "x"));
  same("MOVE", await r.move("moved", 5), 1);
  same("GET moved", await connect({ db: 5 }).get("moved"), "name:5");
  same("OBJECT ENCODING", await r.object("ENCODING", "name:7"), "embstr");
  const dump = await r.dumpBuffer("name:7");
  same("RESTORE", await r.restore("restored", 0, dump), "OK");
  same("GET restored", await r.get("restored"), "name:5");
  await fails("RESTORE busy", "BUSYKEY", r.restore("restored", 0, dump));
}

async function expiry(r) {
  same("SET PX", await r.set("t", "v", "PX", 150), "OK");
  const left = await r.pttl("t");
  holds("PTTL", left > 0 && left <= 150, left);
  same("SET EX", await r.set("u", "v", "EX", 100), "OK");
  same("EXPIRE GT", [await r.expire("u", 50, "GT"), await r.expire("u", 500, "GT")], [0, 1]);
  same("PERSIST", [await r.persist("u"), await r.persist("u"), await r.ttl("u")], [1, 0, -1]);
  const at = Math.floor(Date.now() / 1000) + 500;
  same("EXPIREAT", [await r.expireat("u", at), await r.expiretime("u"), await r.pexpiretime("u")], [1, at, at * 1000]);
  same("GETEX", [await r.getex("u", "PERSIST"), await r.ttl("u")], ["v", -1]);
  same("EXPIRE in the past", [await r.expire("u", 0), await r.exists("u")], [1, 0]);
  await pause(300);
  same("expired", [await r.get("t"), await r.ttl("t"), await r.exists("t")], [null, -2, 0]);
  await fails("SETEX", "ERR invalid expire time in 'setex' command", r.setex("t", -1, "v"));
}

async function bits(r) {
  const bytes = Buffer.alloc(32);
  for (let i = 0; i < 60; i++) {
    const at = random(256);
    const mask = 128 >> at % 8;
    same("SETBIT", await r.setbit("bits", at, 1), bytes[at >> 3] & mask ? 1 : 0);
    bytes[at >> 3] |= mask;
  }
  same("GET bits", (await r.getBuffer("bits")).equals(bytes.subarray(0, await r.strlen("bits"))), true);
  const line = [...bytes].map((b) => b.toString(2).padStart(8, "0")).join("");
  const ones = (text) => [...text].filter((bit) => bit === "1").length;
  for (let at = 0; at < 256; at += 17) same("GETBIT", await r.getbit("bits", at), Number(line[at]));
  same("BITCOUNT", await r.bitcount("bits"), ones(line));
  same("BITCOUNT range", await r.bitcount("bits", 3, 9), ones(line.slice(24, 80)));
  same("BITPOS", await r.bitpos("bits", 1, 4), line.indexOf("1", 32));
  await r.set("{far}bits", Buffer.from(bytes).fill(0xf0));
  same("BITOP", await r.bitop("AND", "to", "bits", "{far}bits"), 32);
  same("GET AND", await r.getBuffer("to"), Buffer.from(bytes.map((b, i) => (i < 32 ? b & 0xf0 : 0))));
  const field = ["SET", "u8", 0, 255, "OVERFLOW", "FAIL", "INCRBY", "u8", 0, 1, "GET", "i8", 0];
  same("BITFIELD", await r.bitfield("field", ...field), [0, null, -1]);
}

async function hyperloglogs(r) {
  same("PFADD", [await r.pfadd("h", ...range(9)), await r.pfadd("h", ...range(9)), await r.pfcount("h")], [1, 0, 9]);
  same("PFMERGE", [await r.pfadd("{1}h", ...range(14)), await r.pfmerge("{2}h", "h", "{1}h"), await r.pfcount("{2}h")], [1, "OK", 14]);
  same("PFCOUNT of two", await r.pfcount("h", "{1}h"), 14);
  await r.set("text", "x");
  await fails("PFCOUNT of text", "WRONGTYPE Key is not a valid HyperLogLog string value.", r.pfcount("text"));
}

async function transactions(r, options) {
  const pipe = r.pipeline();
  range(50).forEach((i) => pipe.set(`p${i}`, i).incr(`p${i}`).get(`p${i}`));
  same("pipeline", await pipe.exec(), range(50).flatMap((i) => [[null, "OK"], [null, i + 1], [null, `${i + 1}`]]));
  const multi = r.multi();
  range(50).forEach((i) => multi.incrby(`p${i}`, 7));
  same("MULTI", await multi.exec(), range(50).map((i) => [null, i + 8]));
  const mixed = await r.multi().set("x", "text").incr("x").get("x").exec();
  same("an error inside EXEC", [mixed[0], mixed[1][0]?.message, mixed[2]], [[null, "OK"], "ERR value is not an integer or out of range", [null, "text"]]);
  await fails("EXECABORT", "EXECABORT Transaction discarded because of previous errors.", r.multi().set("x").exec());
  const watcher = connect(options);
  same("WATCH", await watcher.watch("x", "{far}x"), "OK");
  await r.set("{far}x", "changed");
  same("EXEC of a changed key", await watcher.multi().set("x", "lost").exec(), null);
  same("WATCH again", await watcher.watch("x"), "OK");
  same("EXEC of an unchanged key", await watcher.multi().set("x", "won").get("x").exec(), [[null, "OK"], [null, "won"]]);
  same("DISCARD", [await watcher.multi({ pipeline: false }), await watcher.set("x", "lost"), await watcher.discard()], ["OK", "QUEUED", "OK"]);
  same("GET after all", await r.get("x"), "won");
  // Connections that all add at once: nothing may get lost, and each reply is a number of its own.
  const clients = range(4).map(() => connect(options));
  const sums = await Promise.all(range(100).map((i) => clients[i % 4].incr("sum")));
  same("INCR from four connections", sums.sort((a, b) => a - b), range(100).map((i) => i + 1));
}

async function connections(r, options) {
  same("PING", [await r.ping(), await r.ping("hi"), await r.echo("x")], ["PONG", "hi", "x"]);
  const named = connect({ ...options, connectionName: "node-1", db: 2, retryStrategy: () => 10, autoResendUnfulfilledCommands: true });
  same("CLIENT GETNAME", await named.client("GETNAME"), "node-1");
  same("CLIENT SETNAME", await named.client("SETNAME", "node-2"), "OK");
  const info = Object.fromEntries((await named.client("INFO")).trim().split(" ").map((pair) => pair.split("=")));
  same("CLIENT INFO", [info.name, info.db, info["lib-name"], info.resp], ["node-2", "2", "ioredis", `${options.protocol ?? 2}`]);
  same("CLIENT ID", `${await named.client("ID")}`, info.id);
  holds("CLIENT LIST", (await r.client("LIST")).includes(" name=node-2 "), await r.client("LIST"));
  const again = new Promise((done) => named.once("ready", done));
  same("CLIENT KILL", await r.client("KILL", "ID", info.id), 1);
  await again;
  same("GETNAME after CLIENT KILL", await named.client("GETNAME"), "node-1");
  await fails("SELECT", "ERR DB index is out of range", r.select(16));
  await fails("CLIENT nosuch", "ERR unknown subcommand 'nosuch'. Try CLIENT HELP.", r.client("nosuch"));
}

async function server(r, options) {
  const config = async (name) => {
    const got = await r.config("GET", name);
    return Array.isArray(got) ? pairs(got) : got instanceof Map ? Object.fromEntries(got) : got;
  };
  same("CONFIG GET", await config("databases"), { databases: "16" });
  same("CONFIG SET", await r.config("SET", "slowlog-max-len", 77), "OK");
  same("CONFIG GET pattern", (await config("slowlog-*"))["slowlog-max-len"], "77");
  same("CONFIG SET back", await r.config("SET", "slowlog-max-len", 128), "OK");
  await fails("CONFIG SET unknown", "ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'", r.config("SET", "nosuch", 1));
  await r.flushall();
  await r.set("a", 1, "EX", 100);
  const info = Object.fromEntries((await r.info()).split("\r\n").filter((l) => l.includes(":")).map((l) => [l.slice(0, l.indexOf(":")), l.slice(l.indexOf(":") + 1)]));
  same("INFO", [info.tcp_port, info.redis_mode, info.role, info.loading], [`${port}`, "standalone", "master", "0"]);
  holds("INFO db0", info.db0.startsWith("keys=1,expires=1,avg_ttl="), info.db0);
  holds("COMMAND COUNT", (await r.command("COUNT")) > 80, await r.command("COUNT"));
  same("COMMAND INFO", (await r.command("INFO", "mset"))[0].slice(0, 2), ["mset", -3]);
  same("COMMAND GETKEYS", await r.command("GETKEYS", "MSET", "a", "1", "b", "2"), ["a", "b"]);
  const [seconds] = await r.time();
  holds("TIME", Math.abs(Number(seconds) - Date.now() / 1000) < 5, seconds);
  same("ROLE", await r.role(), ["master", 0, []]);
  const hello = await r.call("HELLO");
  const fields = Array.isArray(hello) ? pairs(hello) : hello instanceof Map ? Object.fromEntries(hello) : hello;
  same("HELLO", [fields.server, fields.proto, fields.role], ["redis", options.protocol ?? 2, "master"]);
  same("FLUSHALL", [await r.flushall("ASYNC"), await r.dbsize()], ["OK", 0]);
}

/** Random commands over few keys; a map says what must come back. All are sent without waiting for replies. */
async function model(r, steps) {
  const names = range(16).map((i) => (i % 3 ? `key:${i}` : `{k}${i}`));
  const map = new Map();
  const sent = [];
  await r.del(names);
  const step = (what, promise, want) => sent.push(promise.then((got) => same(what, got, want)));
  for (let i = 0; i < steps; i++) {
    const [key, other, value] = [names[random(16)], names[random(16)], `${random(1000)}`];
    const roll = random(7);
    if (roll === 0) {
      step("SET", r.set(key, value), "OK");
      map.set(key, value);
    } else if (roll === 1) {
      map.set(key, `${Number(map.get(key) ?? 0) + 5}`);
      step("INCRBY", r.incrby(key, 5), Number(map.get(key)));
    } else if (roll === 2) {
      step("MSET", r.mset(key, value, other, value), "OK");
      map.set(key, value).set(other, value);
    } else if (roll === 3) {
      const want = new Set([key, other].filter((k) => map.has(k))).size;
      map.delete(key);
      map.delete(other);
      step("DEL", r.del(key, other), want);
    } else if (roll === 4 && map.has(key)) {
      const moved = map.get(key);
      map.delete(key);
      map.set(other, moved);
      step("RENAME", r.rename(key, other), "OK");
    } else if (roll === 5) {
      step("MGET", r.mget(names), names.map((k) => map.get(k) ?? null));
    } else {
      step("GET", r.get(key), map.get(key) ?? null);
    }
  }
  await Promise.all(sent);
}

async function main() {
  console.log(`ioredis ${version}`);
  const roads = Number(version.split(".")[0]) >= 6 ? [{ protocol: 2 }, { protocol: 3 }] : [{}];
  for (const options of roads) {
    const r = connect(options);
    await r.flushall();
    for (const part of [strings, keys, expiry, bits, hyperloglogs, transactions, connections, server]) {
      const before = [checked, Date.now()];
      await part(r, options);
      console.log(`  ${part.name}: ${checked - before[0]} replies in ${(Date.now() - before[1]) / 1000} s`);
    }
    await model(r, 300);
    await model(connect({ ...options, enableAutoPipelining: true }), 100);
    same("QUIT", await r.quit(), "OK");
  }
  open.forEach((client) => client.disconnect());
}

main().catch((error) => wrong.push(error.stack)).then(() => {
  wrong.forEach((line) => console.log("MISMATCH", line));
  console.log(`${checked} replies checked, ${wrong.length} mismatches`);
  process.exit(wrong.length ? 1 : 0);
});

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { encodeSafetensors, openWeights, readJsonFile, urlFileStore } from "../src/index.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A server on this machine; `base` is the folder /model/ on it, `asked` what was requested. */
async function serve(answer: Answer): Promise<{ base: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers.range ?? ""}`);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(
    () => void server.closeAllConnections(),
    () => void server.close(),
  );
  return { base: `http://127.0.0.1:${(server.address() as AddressInfo).port}/model/`, asked };
}

/** Serves files with ranges, as web servers do. */
const files =
  (content: Readonly<Record<string, Uint8Array>>): Answer =>
  ({ url, headers }, response) => {
    const bytes = content[decodeURIComponent(url!.replace("/model/", ""))];
    if (!bytes) return void response.writeHead(404).end("nothing here");
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? "") ?? [];
    const part = bytes.subarray(Number(first), Number(last) + 1);
    response.writeHead(206, {
      "content-range": `bytes ${first}-${Number(first) + part.length - 1}/${bytes.length}`,
      "content-length": part.length,
    });
    response.end(part);
  };

const weights = (): Uint8Array => {
  const arrays = new Map([["w", { dtype: "F32" as const, shape: [3], values: Float32Array.of(1, 2, 3) }]]);
  return Uint8Array.from([...encodeSafetensors(arrays)].flatMap((piece) => [...piece]));
};
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const storeOf = (base: string) => urlFileStore({ base, fetch });

/** What reading `name` gives or says, without the port. */
const attempt = async (answer: Answer, name = "file", read = (base: string) => storeOf(base).read(name)) => {
  const { base } = await serve(answer);
  return read(base).then(
    (bytes) => `read ${bytes.length} bytes`,
    (error: Error) => error.message.replaceAll(/127\.0\.0\.1:\d+/g, "HOST"),
  );
};

test("opens a folder of weights by parts, and says what is not there", async () => {
  const { base, asked } = await serve(files({ "model.safetensors": weights(), "config.json": text('{"a":1}') }));
  const store = storeOf(base);
  expect(await readJsonFile(store, "config.json")).toEqual({ a: 1 });
  const opened = await openWeights(store, "");
  expect([...(await opened.read("w")).values]).toEqual([1, 2, 3]);
  expect(asked.every((line) => / bytes=\d+-\d+$/.test(line))).toBe(true);
  expect(asked.some((line) => line.startsWith("/model/model.safetensors bytes=") && !line.endsWith("bytes=0-0"))).toBe(
    true,
  );
  await expect(readJsonFile(store, "other.json")).rejects.toThrowErrorMatchingInlineSnapshot(
    `[CheckpointError: readJsonFile: other.json is missing, expected a file. Check the path.]`,
  );
  await expect(openWeights(storeOf(`${base}empty`), "")).rejects.toThrowErrorMatchingInlineSnapshot(
    `[CheckpointError: openWeights: the folder has no weights, expected model.safetensors or model.safetensors.index.json, got an empty or absent folder. Check the path; convert other formats to safetensors first.]`,
  );
});

test("a server without parts has files read whole, once", async () => {
  const { base, asked } = await serve((_, response) => void response.end(text("0123456789")));
  const source = await storeOf(base).open("file");
  expect(source.size).toBe(10);
  expect(new TextDecoder().decode(await source.read(3, 4))).toBe("3456");
  expect(asked.length).toBe(1);
});

test("names are parts of a path below the folder", async () => {
  const { base, asked } = await serve(files({ "a b#?%2e.json": text("x") }));
  expect((await storeOf(base.slice(0, -1)).read("a b#?%2e.json")).length).toBe(1);
  for (const name of ["../secret", "a/../b", "/etc/passwd", "a//b", "a\\b", "", "."])
    await expect(storeOf(base).read(name)).rejects.toThrow("leaves the folder");
  expect(asked.length).toBe(2);
  await expect(storeOf(base).read("..")).rejects.toThrowErrorMatchingInlineSnapshot(
    `[Error: path ".." leaves the folder, expected names separated by "/"]`,
  );
});

test("half a download, more than announced, another file meanwhile: errors", async () => {
  const ranged = (range: string, length: number | undefined, body: string): Answer => {
    return (_, response) => {
      response.writeHead(206, { "content-range": range, ...(length !== undefined && { "content-length": length }) });
      response.write(body);
      response.end();
    };
  };
  expect(
    await attempt(
      (_, response) => void response.writeHead(200, { "content-length": 10 }).write("half", () => response.destroy()),
    ),
  ).toMatchInlineSnapshot(`"http://HOST/model/file stopped after 4 bytes: terminated"`);
  let calls = 0;
  const first =
    (then: Answer): Answer =>
    (request, response) =>
      (calls++ === 0 ? ranged("bytes 0-0/8", 1, "x") : then)(request, response);
  const later = (then: Answer): Promise<string> => {
    calls = 0;
    return attempt(first(then));
  };
  expect(await later(ranged("bytes 0-7/8", undefined, "01234"))).toMatchInlineSnapshot(
    `"http://HOST/model/file stopped early, expected 8 bytes, got 5"`,
  );
  expect(await later(ranged("bytes 0-7/8", undefined, "0123456789"))).toMatchInlineSnapshot(
    `"http://HOST/model/file sent more than announced, expected 8 bytes, got at least 10"`,
  );
  expect(await later(ranged("bytes 0-7/9", 8, "01234567"))).toMatchInlineSnapshot(
    `"http://HOST/model/file changed while it was read, expected 8 bytes as before, got 9"`,
  );
  expect(await later(ranged("bytes 1-8/8", 8, "01234567"))).toMatchInlineSnapshot(
    `"http://HOST/model/file sent bytes 1 to 8, expected 0 to 7"`,
  );
  expect(await later(ranged("pages 1-8", 8, "01234567"))).toMatchInlineSnapshot(
    `"http://HOST/model/file sent a wrong content-range, expected "bytes FIRST-LAST/TOTAL", got "pages 1-8""`,
  );
  expect(await later((_, response) => void response.writeHead(500).end())).toMatchInlineSnapshot(
    `"http://HOST/model/file was answered with status 500, expected 200 or 206"`,
  );
});

test("a redirect may not change the scheme", async () => {
  const moved = await serve(files({ file: text("moved") }));
  const to =
    (location: string): Answer =>
    (_, response) =>
      void response.writeHead(302, { location }).end();
  expect(await attempt(to(`${moved.base}file`))).toBe("read 5 bytes");
  expect(await attempt(to("ftp://example.org/file"))).toMatch(/could not be fetched/);
  const body = { getReader: () => ({ read: async () => ({ done: true }), cancel: async () => undefined }) };
  const answer = { ok: true, status: 200, url: "http://example.org/x", headers: { get: () => null }, body };
  const store = urlFileStore({ base: "https://example.org/", fetch: async () => answer });
  await expect(store.read("x")).rejects.toThrowErrorMatchingInlineSnapshot(
    `[Error: https://example.org/x redirects to http://example.org/x, expected an address that starts with https:]`,
  );
});

test("only web addresses, and only reading", async () => {
  for (const base of ["file:///etc", "model", "https://host/a?b=c", "data:text/plain,x"])
    expect(() => storeOf(base)).toThrow("urlFileStore: base is wrong");
  expect(() => storeOf("ftp://host/")).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: urlFileStore: base is wrong, expected an http: or https: address without query, got "ftp://host/"]`,
  );
  await expect(storeOf("https://host/a").write("x", [])).rejects.toThrowErrorMatchingInlineSnapshot(
    `[Error: https://host/a/ is a web address, expected a store that can be written]`,
  );
  expect(await storeOf("https://host/a").list("")).toEqual([]);
});

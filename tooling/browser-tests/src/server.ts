import { createServer } from "node:http";

/** What a path of the server answers. */
export interface ServedFile {
  /** content type */
  readonly type: string;
  readonly body: string | Uint8Array;
}

export interface ServerOptions {
  readonly files: ReadonlyMap<string, ServedFile>;
  /** more headers, with every answer */
  readonly headers?: Readonly<Record<string, string>>;
  /** gets what pages post */
  readonly onPost?: (text: string) => void;
}

export interface RunningServer {
  /** `http://127.0.0.1:PORT` */
  readonly address: string;
  close(): void;
}

/** Scripts of the server only, WebAssembly allowed, no text to code at run time. */
export const strictPolicy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";

/** Headers under which browsers let a page share memory between threads. */
export const isolation = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
} as const;

/** Serves files from memory on a free port of this machine. */
export async function serve({ files, headers = {}, onPost }: ServerOptions): Promise<RunningServer> {
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    if (request.method === "POST") {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        response.end();
        onPost?.(Buffer.concat(chunks).toString());
      });
      return;
    }
    const path = new URL(request.url ?? "/", "http://127.0.0.1").pathname;
    const file = files.get(path);
    // Browsers ask for an icon by themselves; none is not an error.
    response.statusCode = file ? 200 : path === "/favicon.ico" ? 204 : 404;
    if (file) response.setHeader("content-type", file.type);
    response.end(file?.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return {
    address: `http://127.0.0.1:${port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

// What the tests of the page have in common: static hosts on free ports, and a Chromium that reaches nothing else.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import puppeteer from "puppeteer-core";

/** Where the build puts the page. */
export const page = fileURLToPath(new URL("../../target/page/", import.meta.url));
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".wasm": "application/wasm", ".png": "image/png", ".woff2": "font/woff2" };

/** The longest that anything may take that does not hang: whoever shares the machine may take most of it. */
export const PATIENCE = Number(process.env.PATIENCE ?? 180_000);

/** A static host of the folder `page`, as plain as they come. `given` has texts that stand for files, by path. */
export async function host({ headers = {}, given = {} } = {}) {
  const asked = [];
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, "http://localhost");
    const path = decodeURIComponent(url.pathname);
    asked.push({ method: request.method, path: `${path}${url.search}` });
    const file = join(page, normalize(path.endsWith("/") ? `${path}index.html` : path));
    const bytes = given[path] ?? (await readFile(file).catch(() => undefined));
    if (bytes === undefined) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream", ...headers }).end(bytes);
  });
  await new Promise((done, failed) => server.once("error", failed).listen(0, "127.0.0.1", done));
  // A name that is not the machine's own is no secure context; localhost is one.
  return { url: `http://localhost:${server.address().port}`, asked, stop: () => new Promise((closed) => { server.close(closed); server.closeAllConnections(); }) };
}

/** What Chromium asks by itself, whatever it shows: for its own updates, the time, whether somebody has signed in. */
const BROWSERS_OWN = ["clients2.google.com", "update.googleapis.com", "accounts.google.com", "redirector.gvt1.com", "optimizationguide-pa.googleapis.com"];

/** A proxy that lets nothing through: it remembers what would have left this machine, beyond what the browser asks by itself. */
export async function fence() {
  const strangers = [];
  const met = (url) => { if (!BROWSERS_OWN.includes(new URL(url.includes("://") ? url : `https://${url}`).hostname)) strangers.push(url); };
  const server = createServer((request, response) => { met(request.url); response.writeHead(502).end(); });
  server.on("connect", (request, socket) => { met(request.url); socket.on("error", () => {}).end("HTTP/1.1 502 Bad Gateway\r\n\r\n"); });
  await new Promise((done, failed) => server.once("error", failed).listen(0, "127.0.0.1", done));
  return { proxy: `http://127.0.0.1:${server.address().port}`, strangers, stop: () => new Promise((closed) => { server.close(closed); server.closeAllConnections(); }) };
}

/** Debian's Chromium, or the one that CHROMIUM names, as it runs in a container too. */
export const launch = (proxy) => puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", headless: true, timeout: PATIENCE, protocolTimeout: 2 * PATIENCE,
  args: [
    "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars", "--disable-component-update",
    ...(proxy ? [`--proxy-server=${proxy}`, "--proxy-bypass-list=localhost"] : []),
  ],
});

/** The same, by whoever has left it for a while. */
export const connect = (place) => puppeteer.connect({ browserWSEndpoint: place, protocolTimeout: 2 * PATIENCE, defaultViewport: null });

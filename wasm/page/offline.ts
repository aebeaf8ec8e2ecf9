// The service worker: once loaded, the book works without a network. What has a name of its own for every version, as the engine
// has, is taken from what was kept, and its compiled code with it. For anything else the network is asked first, so that nobody
// reads an old page while there is a new one.
import { exercise, foretold, forerun, forget, warm, whole } from "./forerun";

const scope = self as unknown as {
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
  registration: { scope: string; navigationPreload?: { enable(): Promise<void> } };
  addEventListener(kind: string, listener: (event: any) => void): void;
};
const KEPT = "netscene";

/** What a page asks for to hear what was run ahead for it; the host's own says that nothing was. */
const AHEAD = new URL("ahead.js", location.href).href;

/** Whether the browser can be told what it may get without us. While a scene runs in here, nothing else does. */
const routes = "addRoutes" in ((globalThis as { InstallEvent?: { prototype: object } }).InstallEvent?.prototype ?? {});

scope.addEventListener("install", (event) => {
  event.waitUntil(scope.skipWaiting());
  if (routes) event.waitUntil(event.addRoutes([
    { condition: { requestMode: "navigate" }, source: "race-network-and-fetch-handler" },
    { condition: { urlPattern: new URLPattern({ search: "v=*" }) }, source: { cacheName: KEPT } },
  ]));
});
scope.addEventListener("activate", (event) => event.waitUntil(Promise.all([scope.clients.claim(), scope.registration.navigationPreload?.enable()])));
scope.addEventListener("message", (event) => {
  // A reader is there, and may turn the page: to hear of it is enough to go on living.
  if (event.data === "stay") event.waitUntil(routes ? warm() : Promise.resolve());
  else if (event.data.whole) event.ports[0].postMessage(whole(event.data.whole));
  else if (Array.isArray(event.data)) event.waitUntil(keep(event.data).then(() => { if (routes) return exercise(event.data[0]); }));
});
scope.addEventListener("fetch", (event) => {
  const request = event.request as Request;
  if (request.method !== "GET" || !request.url.startsWith(scope.registration.scope)) return;
  if (request.url === AHEAD) return event.respondWith(foretold(event.clientId).then(script));
  if (!routes || request.mode !== "navigate") return event.respondWith(named(request.url) ? first(request) : latest(request, event.preloadResponse));
  event.waitUntil(forerun(request.url, event.resultingClientId));
  // The browser asks the network itself, and takes what comes first. There is time to keep the page when the reader has it.
  event.respondWith(pause(navigator.onLine ? 300 : 0).then(() => latest(request, event.preloadResponse)));
});

/** A script for one page at one time. */
const script = (text: string) => new Response(text, { headers: { "content-type": "text/javascript", "cache-control": "no-store" } });

const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

/** Whether a file of this name never changes: it has a number of its content in it, `?v=…` or `…-1a2b3c4d.css`. */
function named(url: string): boolean {
  const { pathname, search } = new URL(url);
  return /^\?v=\w+$/.test(search) || /-[0-9a-zA-Z]{8}\.\w+$/.test(pathname);
}

async function keep(urls: string[]): Promise<void> {
  const cache = await caches.open(KEPT);
  // One that fails is no reason to go without the others.
  await Promise.allSettled(urls.map(async (url) => (await cache.match(url)) ?? cache.add(url)));
  // Of what has versions, those that no page asks for any more.
  const now = new Map(urls.filter(named).map((url) => [bare(url), url]));
  const old = (await cache.keys()).filter(({ url }) => named(url) && (now.get(bare(url)) ?? url) !== url);
  await Promise.all(old.map((request) => cache.delete(request)));
}

/** The name of a file without its version. */
function bare(url: string): string {
  return url.replace(/\?v=\w+$/, "?").replace(/-[0-9a-zA-Z]{8}(\.\w+)$/, "-$1");
}

/** What was kept; the network where nothing was. */
async function first(request: Request): Promise<Response> {
  const cache = await caches.open(KEPT);
  return (await cache.match(request)) ?? latest(request, undefined);
}

/** What the network has; what was kept where there is none. */
async function latest(request: Request, preload: Promise<Response | undefined> | undefined): Promise<Response> {
  const cache = await caches.open(KEPT);
  try {
    const response = (await preload) ?? (await fetch(request));
    if (response.ok) void cache.put(request, response.clone()).then(() => forget(request.url));
    return response;
  } catch (error) {
    const kept = await cache.match(request, { ignoreSearch: true });
    if (kept) return kept;
    throw error;
  }
}

// The service worker: once loaded, the book works without a network. It asks the network first, so that nobody reads an old page
// while there is a new one, and keeps what it got.
export {};

const scope = self as unknown as {
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
  registration: { scope: string };
  addEventListener(kind: string, listener: (event: any) => void): void;
};
const KEPT = "netscene";

scope.addEventListener("install", (event) => event.waitUntil(scope.skipWaiting()));
scope.addEventListener("activate", (event) => event.waitUntil(scope.clients.claim()));
scope.addEventListener("message", (event) => event.waitUntil(keep(event.data as string[])));
scope.addEventListener("fetch", (event) => {
  const request = event.request as Request;
  if (request.method === "GET" && request.url.startsWith(scope.registration.scope)) event.respondWith(answer(request));
});

async function keep(urls: string[]): Promise<void> {
  const cache = await caches.open(KEPT);
  // One that fails is no reason to go without the others.
  await Promise.allSettled(urls.map(async (url) => (await cache.match(url)) ?? cache.add(url)));
}

async function answer(request: Request): Promise<Response> {
  const cache = await caches.open(KEPT);
  try {
    const response = await fetch(request);
    if (response.ok) void cache.put(request, response.clone());
    return response;
  } catch (error) {
    const kept = await cache.match(request, { ignoreSearch: true });
    if (kept) return kept;
    throw error;
  }
}

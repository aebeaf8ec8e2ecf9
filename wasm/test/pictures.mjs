// Pictures of three pages, light and dark, wide and on a phone, to be looked at: node wasm/test/pictures.mjs FOLDER
import { mkdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import puppeteer from "puppeteer-core";

const page = fileURLToPath(new URL("../../target/page/", import.meta.url));
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".wasm": "application/wasm", ".woff2": "font/woff2" };
const server = createServer(async (request, response) => {
  const path = new URL(request.url, "http://localhost").pathname;
  const bytes = await readFile(join(page, path)).catch(() => undefined);
  response.writeHead(bytes ? 200 : 404, { "content-type": TYPES[extname(path)] ?? "application/octet-stream" }).end(bytes);
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const to = process.argv[2];
await mkdir(to, { recursive: true });
const browser = await puppeteer.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", headless: true, args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"] });
for (const name of (process.argv[3]?.split(",") ?? ["index", "flow", "repl"])) {
  for (const [size, width, height] of [["wide", 1280, 1500], ["phone", 390, 1700]]) {
    for (const theme of ["light", "dark"]) {
      const tab = await browser.newPage();
      await tab.setViewport({ width, height, isMobile: width < 600, hasTouch: width < 600 });
      await tab.emulateMediaFeatures([{ name: "prefers-color-scheme", value: theme }]);
      await tab.goto(`http://localhost:${server.address().port}/book/${name}.html`, { waitUntil: "load" });
      await tab.waitForFunction(() => {
        const one = document.querySelector("net-scene, net-scene-repl")?.shadowRoot;
        return one?.querySelector(".hops li");
      }, { timeout: 60_000 });
      await tab.evaluate(() => {
        const root = document.querySelector("net-scene, net-scene-repl").shadowRoot;
        root.querySelector(".hops li:nth-child(3)").click();
        root.host.scrollIntoView();
        scrollBy(0, -140);
      });
      await new Promise((done) => setTimeout(done, 900));
      await tab.screenshot({ path: join(to, `${name}-${size}-${theme}.png`) });
      await tab.close();
    }
  }
}
await browser.close();
server.close();

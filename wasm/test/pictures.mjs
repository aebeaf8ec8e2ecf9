// Pictures of the main pages, light and dark, wide and on a phone, to be looked at: node wasm/test/pictures.mjs FOLDER [PAGE,…]
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { host, launch, PATIENCE } from "./host.mjs";

const [to, names = "index,flow,repl"] = process.argv.slice(2);
if (!to) throw new Error("usage: pictures.mjs FOLDER [PAGE,…]");
await mkdir(to, { recursive: true });
const [server, browser] = [await host(), await launch()];
for (const name of names.split(",")) {
  for (const [size, width, height] of [["wide", 1280, 1500], ["phone", 390, 1700]]) {
    for (const theme of ["light", "dark"]) {
      const tab = await browser.newPage();
      tab.setDefaultTimeout(PATIENCE);
      await tab.setViewport({ width, height, isMobile: width < 600, hasTouch: width < 600 });
      await tab.emulateMediaFeatures([{ name: "prefers-color-scheme", value: theme }, { name: "prefers-reduced-motion", value: "reduce" }]);
      await tab.goto(`${server.url}/book/${name}.html`, { waitUntil: "load" });
      const there = (what) => tab.waitForFunction((what) => document.querySelector("net-scene, net-scene-repl")?.shadowRoot?.querySelector(what), {}, what);
      await there(".hops li:nth-child(3)");
      await there(".cm-content");
      await tab.evaluate(() => {
        const root = document.querySelector("net-scene, net-scene-repl").shadowRoot;
        root.querySelector(".hops li:nth-child(3)").click();
        root.host.scrollIntoView();
        scrollBy(0, -140);
      });
      await tab.screenshot({ path: join(to, `${name}-${size}-${theme}.png`) });
      await tab.close();
    }
  }
}
await browser.close();
await server.stop();

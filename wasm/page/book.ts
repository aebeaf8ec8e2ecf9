// The book: every block of a scenario becomes one that can be edited and run; the theme is the book's; a permalink fills the
// page that asks for it; and all pages are kept for reading without a network.
//
// It is loaded beside the page, and nothing is painted before it has made the scenes of the page. The first of them runs in the Worker
// that the head of the page has started, or has run already (ahead.ts): then the page shows itself when that is told. What mdBook's
// own scripts do comes after it.
import { engine } from "./engine";
import { here } from "./here";
import "./net-scene";
import "./repl";
import type { NetScene } from "./net-scene";
import type { NetSceneRepl } from "./repl";
import { unpack } from "./permalink";

performance.mark("netscene-script");

const root = new URL(".", here);
document.documentElement.dataset.netscenePlay = new URL("play.html", root).href;
document.documentElement.dataset.netsceneRepl = new URL("repl.html", root).href;

const DARK = ["navy", "coal", "ayu"];
const theme = () => (DARK.some((name) => document.documentElement.classList.contains(name)) ? "dark" : "light");
const themed = () => {
  for (const one of document.querySelectorAll("net-scene, net-scene-repl")) one.setAttribute("theme", theme());
};

const shared = unpack(location.hash);

/** Makes scenes of the blocks. */
function dress(): void {
  for (const code of document.querySelectorAll<HTMLElement>("pre[data-name] > code")) {
    const pre = code.parentElement!;
    const first = !document.querySelector("net-scene");
    const scene = document.createElement("net-scene") as NetScene;
    scene.setAttribute("name", pre.dataset.name!);
    scene.setAttribute("verbatim", "");
    scene.setAttribute("autorun", first ? "now" : "");
    scene.setAttribute("theme", theme());
    if (pre.dataset.play !== undefined) scene.dataset.play = "";
    const script = (text: string, file?: string) => {
      const made = Object.assign(document.createElement("script"), { type: "text/plain", textContent: text });
      if (file !== undefined) made.dataset.file = file;
      return made;
    };
    scene.append(script(code.textContent ?? ""));
    const others = pre.nextElementSibling;
    if (others?.matches("script.scenario-files")) {
      for (const [file, text] of Object.entries<string>(JSON.parse(others.textContent ?? "{}"))) scene.append(script(text, file));
    }
    // A permalink comes instead of what stands here.
    if (scene.dataset.play !== undefined && location.hash.startsWith("#s=")) scene.removeAttribute("autorun");
    // mdBook steps from page to page with the arrow keys; in a trace and in an editor they are ours.
    scene.addEventListener("keydown", (event) => event.stopPropagation());
    pre.replaceWith(scene);
  }
}

/** What else the page has: its theme, and what a permalink fills. */
function finish(): void {
  themed();
  new MutationObserver(themed).observe(document.documentElement, { attributeFilter: ["class"] });
  const repl = document.querySelector<NetSceneRepl>("net-scene-repl");
  repl?.addEventListener("keydown", (event) => event.stopPropagation());
  const player = document.querySelector<NetScene>("net-scene[data-play]");
  const show = async (what: ReturnType<typeof unpack>) => {
    const scenario = await what;
    if (scenario) (player ?? repl)?.load(scenario);
  };
  if (!player && !repl) return;
  addEventListener("hashchange", () => void show(unpack(location.hash)));
  void show(shared);
}

/** The first flow of the page is drawn, or does not come soon: then the page is laid out, once and with it. */
const shown = new Promise<void>((done) => {
  for (const kind of ["netscene-begun", "netscene-ran"]) addEventListener(kind, () => done(), { once: true });
  setTimeout(done, document.querySelector("pre[data-name]") ? 60 : 0);
});

/** mdBook's own scripts, which can wait until then. */
const others = shown.then(() => {
  document.documentElement.classList.remove("netscene-waits");
  return Promise.all([...document.querySelectorAll<HTMLScriptElement>("script.later")].map(({ src }) => new Promise((done) => {
    document.head.append(Object.assign(document.createElement("script"), { src, onload: done, onerror: done }));
  })));
});

/** How often the service worker hears of a page that is read, in milliseconds: half a minute after the last event Chromium ends it. */
const BREATH = 20_000;

/** Keeps the book for reading without a network, once the page is there. */
async function keep(): Promise<void> {
  if (!("serviceWorker" in navigator) || !isSecureContext) return;
  await Promise.all([engine.idle(), others]);
  await import("./editor");
  await navigator.serviceWorker.register(new URL("offline.js", root), { scope: root.pathname });
  const { active } = await navigator.serviceWorker.ready;
  const pages = [...document.querySelectorAll<HTMLAnchorElement>("nav a[href]")].map((link) => link.href.split("#")[0]);
  const parts = performance.getEntriesByType("resource").map((entry) => entry.name).filter((name) => name.startsWith(root.href));
  setInterval(() => { if (document.visibilityState === "visible") active?.postMessage("stay"); }, BREATH);
  active?.postMessage([...new Set([location.href.split("#")[0], new URL(ENGINE_FILE, root).href, new URL(REST_FILE, root).href, ...pages, ...parts])]);
}

dress();
finish();
const kept = () => void keep().catch(() => { /* Without it the book needs the network, and nothing else is amiss. */ });
if (document.readyState === "complete") kept();
else addEventListener("load", kept);

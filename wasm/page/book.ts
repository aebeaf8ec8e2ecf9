// The book: every block of a scenario becomes one that can be edited and run; the theme is the book's; a permalink fills the
// page that asks for it; and all pages are kept for reading without a network.
import "./net-scene";
import "./repl";
import type { NetScene } from "./net-scene";
import { unpack } from "./permalink";

const root = new URL(".", import.meta.url);
document.documentElement.dataset.netscenePlay = new URL("play.html", root).href;

const DARK = ["navy", "coal", "ayu"];
const theme = () => (DARK.some((name) => document.documentElement.classList.contains(name)) ? "dark" : "light");

/** The scenes of this page, in order. */
for (const code of document.querySelectorAll<HTMLElement>("pre[data-name] > code")) {
  const pre = code.parentElement!;
  const scene = document.createElement("net-scene") as NetScene;
  scene.setAttribute("name", pre.dataset.name!);
  scene.setAttribute("verbatim", "");
  scene.setAttribute("autorun", "");
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
  pre.replaceWith(scene);
}

const themed = () => {
  for (const one of document.querySelectorAll("net-scene, net-scene-repl")) one.setAttribute("theme", theme());
};
themed();
new MutationObserver(themed).observe(document.documentElement, { attributeFilter: ["class"] });

// Play: the scenario of the address.
const player = document.querySelector<NetScene>("net-scene[data-play]");
const shown = async () => {
  const shared = await unpack(location.hash);
  if (player && shared) player.load(shared);
};
if (player) {
  addEventListener("hashchange", () => void shown());
  void shown();
}

// mdBook steps from page to page with the arrow keys; in a trace and in an editor they are ours.
for (const one of document.querySelectorAll("net-scene, net-scene-repl")) one.addEventListener("keydown", (event) => event.stopPropagation());

if ("serviceWorker" in navigator && isSecureContext) {
  void navigator.serviceWorker.register(new URL("offline.js", root), { scope: root.pathname }).then(async () => {
    const ready = await navigator.serviceWorker.ready;
    const pages = [...document.querySelectorAll<HTMLAnchorElement>("nav a[href]")].map((link) => link.href.split("#")[0]);
    const parts = performance.getEntriesByType("resource").map((entry) => entry.name).filter((name) => name.startsWith(root.href));
    ready.active?.postMessage([...new Set([location.href.split("#")[0], new URL("netscene.wasm", root).href, ...pages, ...parts])]);
  }).catch(() => { /* Without it the book needs the network, and nothing else is amiss. */ });
}

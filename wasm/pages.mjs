// Makes the pages of the book, as mdBook has written them, such as are soon read: what a page looks like stands in the page itself,
// and its scripts are one file, which nothing waits for: book.ts runs it when it has shown the page. Otherwise the browser reads no
// further than the first script until a dozen files have come, and asking for them costs it as much time as the scene takes that the
// reader waits for.
//
// What is still asked for has its version behind the name, as everything that the service worker may keep for ever.
import { transform } from "esbuild";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

const book = process.argv[2];
const read = (path) => readFileSync(join(book, path), "utf8");
const taken = new Set();

/** The place of a file beside which a page says that it lies. */
const beside = (page, path) => join(dirname(page), path);

const sheets = new Map();
/** A sheet for a page that is so many folders deep: what it asks for lies elsewhere then. */
async function sheet(path, root) {
  const key = `${root}${path}`;
  if (!sheets.has(key)) {
    const placed = read(path).replace(/url\(['"]?([^'"):]+?-([0-9a-f]{8})\.\w+)['"]?\)/g, (_, file, version) => `url("${root}${join(dirname(path), file)}?v=${version}")`);
    sheets.set(key, (await transform(placed, { loader: "css", minify: true })).code.trim());
  }
  return sheets.get(key);
}

const scripts = new Map();
/** One file of several scripts, each of which may use what those before it have made. It is run when the page is there. */
async function joined(paths) {
  const key = paths.join(" ");
  if (!scripts.has(key)) {
    const text = (await transform(paths.map(read).join("\n;\n").replace(/document\.addEventListener\((['"])DOMContentLoaded\1,/g, "setTimeout("), { minify: true })).code;
    const name = `mdbook${scripts.size || ""}.js`;
    writeFileSync(join(book, name), text);
    scripts.set(key, `${name}?v=${createHash("sha256").update(text).digest("hex").slice(0, 12)}`);
  }
  return scripts.get(key);
}

const SHEET = /[ \t]*<link rel="stylesheet"( id="[\w-]+")? href="([^":]+)">\n/g;
const SCRIPT = /[ \t]*<script src="([^":]+)"><\/script>\n/g;
for (const page of readdirSync(book, { recursive: true }).filter((name) => name.endsWith(".html"))) {
  let html = read(page);
  const root = relative(dirname(page), ".") && `${relative(dirname(page), ".")}/`;
  const styles = [];
  for (const [, id = "", path] of html.matchAll(SHEET)) {
    const place = beside(page, path);
    styles.push(`<style${id}>${await sheet(place, root)}</style>\n`);
    taken.add(place);
  }
  const paths = [...html.matchAll(SCRIPT)].map(([, path]) => beside(page, path));
  for (const path of paths) taken.add(path);
  html = html.replace(SHEET, () => styles.shift()).replace(SCRIPT, "");
  if (paths.length) html = html.replace("</head>", `<script type="text/plain" class="later" src="${root}${await joined(paths)}"></script>\n</head>`);
  // The same without a layout of half a page.
  html = html.replace("document.body.clientWidth >= 1080", 'matchMedia("(min-width: 1080px)").matches');
  writeFileSync(join(book, page), html);
}
if (!sheets.size || !scripts.size) throw new Error("mdBook writes its pages differently now: no sheet or no script was found");
for (const path of taken) rmSync(join(book, path));

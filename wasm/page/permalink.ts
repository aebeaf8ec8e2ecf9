// A whole scenario in the part of an address after `#`: deflated, in base64 for addresses. No server keeps anything.

async function through(bytes: Uint8Array, stream: CompressionStream | DecompressionStream): Promise<Uint8Array> {
  const body = new Blob([bytes as BlobPart]).stream().pipeThrough(stream as unknown as ReadableWritablePair<Uint8Array, Uint8Array>);
  return new Uint8Array(await new Response(body).arrayBuffer());
}

/** What an address holds. */
export interface Shared { text: string; seed: number; files?: Record<string, string> }

/** `s=…`: what follows the `#`. */
export async function pack(shared: Shared): Promise<string> {
  const bytes = await through(new TextEncoder().encode(JSON.stringify(shared)), new CompressionStream("deflate-raw"));
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return "s=" + btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The scenario of an address; nothing where there is none that can be read. */
export async function unpack(hash: string): Promise<Shared | undefined> {
  const found = /^#s=([\w-]+)$/.exec(hash);
  if (!found) return undefined;
  try {
    const binary = atob(found[1].replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = await through(Uint8Array.from(binary, (c) => c.charCodeAt(0)), new DecompressionStream("deflate-raw"));
    const value = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value?.text === "string" && Number.isInteger(value.seed) ? value : undefined;
  } catch {
    return undefined;
  }
}

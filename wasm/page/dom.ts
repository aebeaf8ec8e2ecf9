// Elements in one line.

export function element<K extends keyof HTMLElementTagNameMap>(
  name: K, attributes: Record<string, string | number> = {}, ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

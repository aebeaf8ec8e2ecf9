/** Where this script lies, and the engine beside it. */
export const here = import.meta.url;

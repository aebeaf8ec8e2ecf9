declare module "worker-text" {
  const text: string;
  export default text;
}
declare module "*.css" {
  const text: string;
  export default text;
}
/** The engine's file, by a name that changes with it. */
declare const ENGINE_FILE: string;

declare module "worker-text" {
  const text: string;
  export default text;
}
declare module "*.css" {
  const text: string;
  export default text;
}
/** The engine's two files, by names that change with them. */
declare const ENGINE_FILE: string;
declare const REST_FILE: string;
/** The Worker, in the same way. */
declare const WORKER_FILE: string;
/** What draws, by a number that changes with it. */
declare const DRAWING: string;

/** The names of `/sgcws.js` for modules: `import { Client } from "/sgcws.mjs"`. */
import "./sgcws.js";

export const { Client, backoff, websocketURL } = globalThis.sgcws;

/** Types of `/sgcws.js` (the global `sgcws`) and `/sgcws.mjs`. Times are milliseconds, sizes are bytes. */

export as namespace sgcws;

/** `closed`: at rest. `waiting`: for the next attempt. */
export type State = "closed" | "connecting" | "open" | "waiting";

export type Sendable = string | ArrayBuffer | ArrayBufferView | Blob;

export interface StateChange {
  readonly state: State;
  readonly previous: State;
  /** Time until the next attempt when `waiting`; else null, as while a page that was left is kept for Back. */
  readonly delay: number | null;
  /** Attempts failed in a row. */
  readonly failures: number;
}

export interface Opened {
  /** The sub-protocol the server chose; empty without one. */
  readonly protocol: string;
  /** False for the first connection of this client. */
  readonly reconnected: boolean;
}

export interface Ended {
  /** The close code (RFC 6455 section 7.4); 1006 when there was no close frame. */
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
  /** False when the attempt to connect failed. */
  readonly opened: boolean;
}

export interface Closed extends Ended {
  /** True when another attempt follows. */
  readonly retrying: boolean;
}

export interface Events {
  state: StateChange;
  open: Opened;
  /** A string for a text message; an ArrayBuffer, or a Blob with `binaryType: "blob"`, for a binary one. */
  message: string | ArrayBuffer | Blob;
  close: Closed;
}

/** Time, handed in by tests. */
export interface Clock {
  now(): number;
  setTimeout(call: () => void, delay: number): unknown;
  clearTimeout(timer: unknown): void;
}

/**
 * Where `online`, `visibilitychange` and `pageshow` are heard, which bring the next attempt forward, and `pagehide`,
 * which closes the connection of a page that is left but kept for Back.
 */
export interface Wakers {
  addEventListener(type: string, listener: (event: Event) => void): void;
  removeEventListener(type: string, listener: (event: Event) => void): void;
}

export interface Socket {
  readonly readyState: number;
  readonly protocol: string;
  readonly bufferedAmount: number;
  binaryType: string;
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  send(data: any): void;
  close(code?: number, reason?: string): void;
}

export interface ClientOptions {
  /** Sub-protocols to offer, the one wanted most first. Default: none. */
  protocols?: string | string[];
  /** Shortest wait before an attempt. Default: 500. */
  minDelay?: number;
  /** Longest wait before an attempt. Default: 30,000. */
  maxDelay?: number;
  /** How long one attempt may take. Default: 10,000. */
  connectTimeout?: number;
  /** A connection that ends sooner than this counts as a failed attempt. Default: 5,000. */
  steadyAfter?: number;
  /** Messages kept while there is no connection. Default: 0, none. */
  queueMessages?: number;
  /** Bytes those messages may have together. Default: 1 MiB. */
  queueBytes?: number;
  /** How binary messages are told. Default: "arraybuffer". */
  binaryType?: "arraybuffer" | "blob";
  /** Whether to connect again after this end. Default: always. */
  retry?: (ended: Ended) => boolean;
  /** 0 to below 1. Default: `Math.random`. */
  random?: () => number;
  /** Default: the global one. */
  WebSocket?: new (url: string, protocols?: string | string[]) => Socket;
  clock?: Clock;
  /** Default: the page's window; null hears none. */
  wakers?: Wakers | null;
}

/** One WebSocket that reconnects by itself, with exponential back-off and full jitter. */
export class Client {
  /**
   * @param url A path on this host (`/chat`), or a whole address; `http:` becomes `ws:`, `https:` becomes `wss:`.
   * @throws TypeError if the address or an option's name is wrong; RangeError if an option's value is.
   */
  constructor(url: string | URL, options?: ClientOptions);

  readonly url: string;
  readonly state: State;
  /** The sub-protocol the server chose; empty without one. */
  readonly protocol: string;
  /** Bytes given to `send` that have not left yet, the queue included. */
  readonly bufferedAmount: number;

  /** Call `listener` at each event of that type. Returns a function that takes it off again. */
  on<Type extends keyof Events>(type: Type, listener: (detail: Events[Type]) => void): () => void;
  off<Type extends keyof Events>(type: Type, listener: (detail: Events[Type]) => void): void;

  /** Connect, and stay connected until `close()`. While waiting: try now. Otherwise: nothing. */
  connect(): void;

  /** Send one message. True: given to the connection or to the queue. False: not sent, and not kept. */
  send(data: Sendable): boolean;

  /**
   * Close, and do not come back. At once: nothing that arrives later is told, what is queued is dropped.
   *
   * @param code 1000, or 3000 to 4999. Default: 1000.
   * @param reason Up to 123 bytes of UTF-8.
   */
  close(code?: number, reason?: string): void;
}

/** How long to wait before the next attempt, after so many failures in a row. */
export function backoff(
  failures: number,
  options: { minDelay: number; maxDelay: number; random: () => number },
): number;

/** The `ws:` or `wss:` address of a path or URL. */
export function websocketURL(url: string | URL, base?: string): string;

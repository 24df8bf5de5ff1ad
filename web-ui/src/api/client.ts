import type { Problem } from "./types";

const BASE = "/api/v1";

/** An answer that is not a success: the problem the server sent, or a plain one when it sent none. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem,
  ) {
    super(problem.detail ?? problem.title);
  }
}

export type Query = Record<string, string | number | boolean | undefined | readonly (string | number)[]>;

export interface Answer<T> {
  data: T;
  etag: string | null;
}

let onUnauthenticated: () => void = () => {};

/** Called on every 401 except those of the sign-in itself. */
export function whenUnauthenticated(listener: () => void): void {
  onUnauthenticated = listener;
}

/** The path with its query; arrays repeat their name, undefined is left out. */
export function apiUrl(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) parameters.append(name, String(one));
  }
  const text = parameters.toString();
  return BASE + path + (text ? `?${text}` : "");
}

/** JSON has no NaN: the server writes it, and the infinities, as strings. */
export function parseJson(text: string): unknown {
  if (!/"-?(?:NaN|Infinity)"/.test(text)) return JSON.parse(text);
  return JSON.parse(text, (_key, value: unknown) =>
    value === "NaN" || value === "Infinity" || value === "-Infinity" ? Number(value) : value,
  );
}

async function problemOf(response: Response): Promise<Problem> {
  const plain: Problem = {
    type: "about:blank",
    title: `${response.status} ${response.statusText}`.trim(),
    status: response.status,
  };
  try {
    const body = parseJson(await response.text());
    return body && typeof body === "object" ? { ...plain, ...body } : plain;
  } catch {
    return plain;
  }
}

export async function request<T>(
  method: "GET" | "POST" | "PUT" | "DELETE",
  path: string,
  options: { query?: Query; body?: unknown; headers?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<Answer<T>> {
  const init: RequestInit = {
    method,
    credentials: "same-origin",
    headers: {
      Accept: "application/json",
      ...(options.body === undefined ? {} : { "Content-Type": "application/json" }),
      ...options.headers,
    },
  };
  if (options.body !== undefined) init.body = JSON.stringify(options.body);
  if (options.signal) init.signal = options.signal;
  const response = await fetch(apiUrl(path, options.query), init);
  if (!response.ok) {
    const problem = await problemOf(response);
    if (response.status === 401 && path !== "/session") onUnauthenticated();
    throw new ApiError(response.status, problem);
  }
  const text = response.status === 204 ? "" : await response.text();
  return { data: (text ? parseJson(text) : undefined) as T, etag: response.headers.get("ETag") };
}

export async function get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
  return (await request<T>("GET", path, { ...(query ? { query } : {}), ...(signal ? { signal } : {}) })).data;
}

/** A list that may come bare or as a page. */
export async function getList<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T[]> {
  const body = await get<T[] | { items: T[] }>(path, query, signal);
  return Array.isArray(body) ? body : body.items;
}

export async function post<T>(path: string, body?: unknown, headers?: Record<string, string>): Promise<T> {
  return (await request<T>("POST", path, { body: body ?? {}, headers: { "Idempotency-Key": newKey(), ...headers } }))
    .data;
}

/**
 * Cancels with the version the server has now, so that what is cancelled is what was shown a moment ago and not, say, a
 * run that ended in between (that one answers 409 and is left alone).
 */
export async function cancel(path: string): Promise<void> {
  await postVersion(path, "cancellation");
}

/** Queues a failed run again, in the version the server has now. */
export async function release(path: string): Promise<void> {
  await postVersion(path, "release");
}

async function postVersion(path: string, what: string): Promise<void> {
  const { etag } = await request("GET", path);
  if (etag === null) throw new Error(`${path} came without an ETag, which a ${what} needs.`);
  await request("POST", `${path}/${what}`, { headers: { "If-Match": etag, "Idempotency-Key": newKey() } });
}

/** Deletes what has no version. */
export async function remove(path: string): Promise<void> {
  await request("DELETE", path);
}

/** For an Idempotency-Key: what is sent twice under one is done once. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

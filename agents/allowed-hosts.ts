/**
 * Allow-lists of hosts: a `fetch` that goes nowhere else, also not where an answer sends it on to.
 */
import { MillraceError } from '../core/errors.js';
import type { Host } from '../core/host.js';

type Fetch = (input: string | URL, init?: RequestInit) => Promise<Response>;

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const REDIRECTS_MAX = 10;
/** Meant for the origin that they were given for. */
const PRIVATE_HEADERS = ['authorization', 'cookie', 'proxy-authorization'];

/** Throws `MILL_OPTION_INVALID` for what is no host. */
export function hostsOf(hosts: readonly string[] | undefined): readonly string[] | undefined {
  for (const host of hosts ?? [])
    if (!/^(\*\.)?[a-z0-9.-]+(:\d+)?$|^\[[0-9a-f:]+\](:\d+)?$/i.test(host))
      throw new MillraceError('MILL_OPTION_INVALID', `hosts has ${JSON.stringify(host)}`, {
        hint: "Name hosts, without scheme and path: 'api.bank.example', '*.bank.example', 'localhost:8080'.",
      });
  return hosts?.map((host) => host.toLowerCase());
}

/** The same host, whose network ends at the allow-list. */
export function boundHost(host: Host, hosts: readonly string[] | undefined): Host {
  if (!hosts) return host;
  return hostWithFetch(
    host,
    fetchWithin(hosts, (input, init) => host.fetch(input, init)),
  );
}

/** The same host with another way to the network. */
export function hostWithFetch(host: Host, fetch: Host['fetch']): Host {
  return {
    now: () => host.now(),
    elapsed: () => host.elapsed(),
    random: () => host.random(),
    timer: (delayMs, fire) => host.timer(delayMs, fire),
    fetch,
    print: (text) => host.print(text),
    storage: host.storage,
    pool: host.pool,
  };
}

/** Rejects with `MILL_HOST_REFUSED` for other hosts than those. */
export function fetchWithin(hosts: readonly string[] | undefined, fetch: Fetch): Fetch {
  if (!hosts) return fetch;
  return async (input, init = {}) => {
    const request = new Request(input, init);
    // Whatever can be read once only is kept: a redirect may want it again.
    const body = typeof init.body === 'string' || !request.body ? init.body : await request.arrayBuffer();
    let url = new URL(request.url);
    let { method } = request;
    let sent: RequestInit = {
      ...init,
      method,
      headers: request.headers,
      signal: init.signal ?? request.signal,
      redirect: 'manual',
    };
    if (body !== undefined) sent = { ...sent, body };
    for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects += 1) {
      check(url, hosts);
      const response = await fetch(url, sent);
      const to = REDIRECTS.has(response.status) ? response.headers.get('location') : null;
      if (to === null || request.redirect === 'manual') return response;
      await response.body?.cancel();
      if (request.redirect === 'error') break;
      const next = new URL(to, url);
      method = methodAfter(response.status, method);
      sent = { ...sent, method, headers: headersFor(next, url, request.headers) };
      if (method === 'GET' || method === 'HEAD') sent = { ...sent, body: null };
      url = next;
    }
    throw new TypeError(`${url.origin} redirects where it may not, or without an end`);
  };
}

function check(url: URL, hosts: readonly string[]): void {
  const allowed = /^https?:$/.test(url.protocol) && hosts.some((pattern) => fits(url, pattern));
  if (!allowed)
    throw new MillraceError(
      'MILL_HOST_REFUSED',
      `${url.host || url.protocol} is not among the hosts ${hosts.join(', ')}`,
    );
}

/** Without a port a pattern is for all of them. */
function fits({ host, hostname, port, protocol }: URL, pattern: string): boolean {
  const isPort = /:\d+$/.test(pattern) && !pattern.endsWith(']');
  const withPort = port === '' ? `${host}:${protocol === 'https:' ? 443 : 80}` : host;
  const name = isPort ? withPort : hostname;
  return pattern.startsWith('*.') ? name.endsWith(pattern.slice(1)) : name === pattern;
}

function methodAfter(status: number, method: string): string {
  if (status === 303) return method === 'HEAD' ? 'HEAD' : 'GET';
  return status < 303 && method === 'POST' ? 'GET' : method;
}

function headersFor(next: URL, { origin }: URL, given: Headers): Headers {
  const headers = new Headers(given);
  if (next.origin !== origin) for (const name of PRIVATE_HEADERS) headers.delete(name);
  return headers;
}

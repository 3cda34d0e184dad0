// An endpoint as a value: where it is, who may call it, what it does. The app is a list of these; so is the list that a
// wrong path is answered with.
import type { Principal, Scope } from '../ports.ts';
import type { Call } from './call.ts';

export type Endpoint = {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** In hono's patterns: `/v1/traces/:id`. */
  readonly path: string;
  /** What a key must be good for; undefined: open to all, also without a key. */
  readonly scope: Scope | undefined;
  /** Asks for images: turned away while the gateway drains or holds as much as it may. */
  readonly makesImages?: boolean;
  /** Who is let in without a key because of the link they hold; undefined: they hold none. Throws Refusal for one that is not good. */
  readonly linkHolder?: (call: Call) => Principal | undefined;
  /** One line for people. */
  readonly summary: string;
  /** Throws Refusal, or anything that `toRefusal` understands. */
  readonly handle: (call: Call) => Promise<Response> | Response;
};

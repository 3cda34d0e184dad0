// What the HTTP side is built from. Types only: the composition of a gateway is done by whoever serves it, and a test hands
// in what it likes. Settings and router are functions, because a reload swaps them while requests run.
import type { ImageRouter } from '../../index.ts';
import type { ResolvedOptions } from '../../options.ts';
import type { Clock } from '../../system/clock.ts';
import type { Ids } from '../../system/ids.ts';
import type { Gatekeeper, Idempotency, Traces } from '../ports.ts';
import type { HttpEvent } from './http-event.ts';
import type { JobParts } from './jobs/job-parts.ts';

/** The part of the gateway's settings that HTTP needs. Bytes and real milliseconds. */
export type HttpSettings = {
  /** Model name -> auto, a tier, a route id or a model. */
  readonly aliases: Readonly<Record<string, string>>;
  readonly limits: HttpLimits;
  /** Between comments that keep an idle stream open. */
  readonly heartbeatMs: number;
  /** What links begin with; undefined: where the request came to. */
  readonly publicUrl?: string | undefined;
};

export type HttpLimits = {
  readonly jsonBytes: number;
  readonly headerBytes: number;
  readonly headersTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  /** A client that takes nothing of its answer for so long is dropped. */
  readonly idleWriteMs: number;
  /** Pictures made, or received to work from, and not yet taken or used: beyond it new image requests are turned away. */
  readonly heldBytes: number;
  /** Image requests running at once. */
  readonly waitingRequests: number;
};

export type GatewayParts = {
  readonly router: () => ImageRouter;
  readonly options: () => ResolvedOptions;
  readonly settings: () => HttpSettings;
  readonly gatekeeper: Gatekeeper;
  readonly idempotency: Idempotency;
  readonly traces: Traces;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly observer: { http(event: HttpEvent): void; metricsText(): Promise<string> };
  readonly isDraining: () => boolean;
  /** Where jobs are kept; undefined: nowhere, so nothing can become one. */
  readonly jobs?: JobParts;
  /** Whether records of keys, spend and idempotency are taken; undefined: nobody says. */
  readonly isStoreHealthy?: () => boolean;
};

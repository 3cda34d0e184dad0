// POST /v1/images/edits: pictures and a text become images. What is received counts as held from its first byte until the
// answer was taken, so that uploads and finished pictures share one bound on memory.
import { type Doors, machineDoors } from '../../../system/network/guarded-connector.ts';
import { type EditRules, readEdit } from '../../uploads/read-edit.ts';
import type { Call } from '../call.ts';
import type { Endpoint } from '../endpoint.ts';
import { answerImages } from '../image-answer.ts';
import { EditBodySchema } from '../openai/body.ts';
import { readOrder } from '../openai/order.ts';

/** The part of the gateway's settings that uploads need. Bytes and real milliseconds. */
export type EditSettings = {
  readonly limits: {
    /** A whole body, and all pictures fetched for one request. */
    readonly uploadBytes: number;
    /** One picture. */
    readonly referenceBytes: number;
    readonly bodyTimeoutMs: number;
  };
  readonly imageUrls: {
    readonly allow: boolean;
    /** Empty: any public host. `*.example.com` is every host below example.com. */
    readonly hosts: readonly string[];
  };
};

/** A picture that takes longer to fetch is better sent by the caller, who can see why. */
const FETCH_TIME_MS = 10_000;
const FIELD_NAMES = Object.keys(EditBodySchema.shape);

/** `doors`: how pictures are fetched where URLs are allowed. */
export function editsEndpoint(settings: () => EditSettings, doors: Doors = machineDoors): Endpoint {
  return {
    method: 'POST',
    path: '/v1/images/edits',
    scope: 'images',
    makesImages: true,
    summary: 'Make images from up to 16 pictures and a prompt, as a form or as JSON',
    handle: async (call) => {
      const { fields, images, mask } = await readEdit(call.request, uploadRules(call, settings(), doors));
      const order = readOrder(call.gateway, call.principal, fields, call.headers, 'edit');
      const request = { ...order.request, referenceImages: [...images], mask };
      return answerImages(call, { ...order, request }, { kind: 'edit' });
    },
  };
}

/** What an upload may hold; what it does hold counts as held until the call has ended. */
export function uploadRules(call: Call, { limits, imageUrls }: EditSettings, doors: Doors = machineDoors): EditRules {
  const { held, clock } = call.gateway;
  let reserved = 0;
  call.whenEnded(() => held.release(reserved));
  return {
    bytesLimit: limits.uploadBytes,
    fileBytesLimit: limits.referenceBytes,
    timeLimitMs: limits.bodyTimeoutMs,
    clock,
    fieldNames: FIELD_NAMES,
    reserve: (bytes) => {
      // Who left while the upload was read will not come back to release it.
      if (call.hasEnded || !held.reserve(bytes)) return false;
      reserved += bytes;
      return true;
    },
    urls: imageUrls.allow ? { hosts: imageUrls.hosts, timeLimitMs: FETCH_TIME_MS, doors } : undefined,
  };
}

// Tells a caller what went wrong, whatever it was. The last line of defence: nothing that happens while a reply is written may
// end the process or leave a caller waiting.
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Call } from './call.ts';
import { errorAnswer, toRefusal } from './openai/errors.ts';
import { sendAnswer } from './send.ts';

export function refuse(call: Call, error: unknown): Response {
  const refusal = toRefusal(error, call.gateway);
  if (refusal.details.code === 'internal_error') tellDefect(call, error);
  return replyWith(call, () => sendAnswer(call, errorAnswer(refusal)));
}

/** A reply that cannot be written closes the connection, which the client takes for what it is. */
export function replyWith(call: Call, send: () => Response): Response {
  try {
    return send();
  } catch (error) {
    tellDefect(call, error);
    call.outgoing?.destroy();
    return call.outgoing === undefined ? new Response(null, { status: 500 }) : RESPONSE_ALREADY_SENT;
  }
}

function tellDefect(call: Call, error: unknown): void {
  call.gateway.observer.http({ kind: 'request-defect', id: call.id, where: call.endpoint, error });
}

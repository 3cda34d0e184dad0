// Links that receivers can follow as they are: where the operator says at which URL others reach the gateway, the paths in what
// is told become URLs of it. That is done when it is sent rather than when it is queued: whichever process queued it, with
// whichever settings, it goes out as the one that sends it is told now.

/**
 * `publicUrl` undefined: paths stay paths. Bodies are written by deliveries alone: what is called `url` there and is a path is the
 * gateway's.
 */
export function withPublicLinks(body: string, publicUrl: string | undefined): string {
  if (publicUrl === undefined) return body;
  const told: unknown = JSON.parse(body, (name, value: unknown) =>
    name === 'url' && typeof value === 'string' && value.startsWith('/') ? new URL(value, publicUrl).href : value,
  );
  return JSON.stringify(told);
}

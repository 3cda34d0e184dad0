// Links that anybody could make, for tests that are not about forging them.
import type { PictureLinks } from '../../../src/gateway/http/jobs/job-parts.ts';

export const OPEN_LINKS: PictureLinks = {
  sign: (path, principal) => ({ path: `${path}?expires=9999999999&signature=${principal}`, expiresAt: 9_999_999_999_000 }),
  principalOf: (_path, query) => {
    const principal = query.get('signature');
    return principal === null || principal === 'forged' ? undefined : principal;
  },
};

// Files a user named on the command line: read as text, and where that fails said in words people act on. Errors of the
// system keep their codes to themselves: "no such file or folder" rather than ENOENT.
import { readFile } from 'node:fs/promises';
import { ImageRouterError } from '../domain/error.ts';

/** Reads a text file a user named. Throws `file_unreadable`; `field` is the option, `what` is said to people. */
export async function readText(path: string, field: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw unreadable(path, field, what, error);
  }
}

export function unreadable(path: string, field: string, what: string, cause: unknown): ImageRouterError {
  const reason = systemReason(cause);
  const remedy = 'check the path and its permissions';
  const problem = { field, rule: `must name a readable ${what} (${reason})`, value: JSON.stringify(path), remedy };
  return new ImageRouterError('file_unreadable', `cannot read ${what} ${path}: ${reason}`, { problems: [problem], remedy, cause });
}

/** `no such file or folder` rather than ENOENT. */
export function systemReason(cause: unknown): string {
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : 'unknown error';
  const words: Readonly<Record<string, string>> = {
    ENOENT: 'no such file or folder',
    EACCES: 'permission denied',
    EADDRNOTAVAIL: 'this machine has no such address',
    ENOTFOUND: 'no such host',
    EPERM: 'not permitted',
    EISDIR: 'it is a folder',
    ENOTDIR: 'part of the path is not a folder',
    EEXIST: 'a file is in the way',
    EROFS: 'read-only file system',
    ENOSPC: 'the disk is full',
    EADDRINUSE: 'it is in use',
  };
  return words[code] ?? code;
}

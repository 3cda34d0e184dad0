// The disk or the database did not take a record, or could not be read: nothing is half done, and asking later may work.

export type StoreErrorOptions = ErrorOptions & {
  /** The record may be there all the same: the answer was lost on its way, not the question. */
  readonly mayBeWritten?: boolean;
};

export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly kind = 'unavailable';
  readonly mayBeWritten: boolean;

  constructor(message: string, { mayBeWritten = false, ...options }: StoreErrorOptions = {}) {
    super(message, options);
    this.mayBeWritten = mayBeWritten;
  }
}

/** Whether what was to be written may be there, though its writer was told otherwise. */
export function mayBeWritten(error: unknown): boolean {
  return error instanceof StoreError && error.mayBeWritten;
}

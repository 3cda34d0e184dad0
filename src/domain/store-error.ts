// The disk or the database did not take a record, or could not be read: nothing is half done, and asking later may work.
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly kind = 'unavailable';
}

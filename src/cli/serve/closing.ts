// What was opened part by part is closed in the opposite order, also when a later part could not be opened.
export type WhenClosing = (close: () => Promise<unknown>) => void;

/** What `open` resolves with, and how to close it. */
export async function openInParts<Opened>(
  open: (whenClosing: WhenClosing) => Promise<Opened>,
): Promise<Opened & { close(): Promise<void> }> {
  const closers: (() => Promise<unknown>)[] = [];
  // One that fails must not keep the others open: the process would never end.
  const close = async (): Promise<void> => {
    const closer = closers.pop();
    if (closer !== undefined) await closer().finally(close);
  };
  try {
    return { ...(await open((closer) => closers.push(closer))), close };
  } catch (error) {
    await close();
    throw error;
  }
}

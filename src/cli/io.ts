// What a command may touch of the process: two outputs, standard input, environment, folder, and the signal of Ctrl-C.
// Handed in rather than reached for, so that every command runs in a test without a subprocess.

export interface Output {
  write(text: string, done?: (error?: Error | null) => void): boolean;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export type Io = {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdin: AsyncIterable<string | Uint8Array>;
  readonly env: Environment;
  readonly cwd: string;
  /** Aborted by Ctrl-C: finish what must be finished, say what it cost, leave. */
  readonly signal: AbortSignal;
};

/** Tables and wrapped text fit here when the output is no terminal. */
const DEFAULT_COLUMNS = 120;

export function columnsOf(output: Output): number {
  return Math.max(60, output.columns ?? DEFAULT_COLUMNS);
}

export function print(output: Output, line = ''): void {
  output.write(`${line}\n`);
}

export function printJson(output: Output, value: unknown): void {
  print(output, JSON.stringify(value, undefined, 2));
}

/** Resolves when the output has taken the text: the pace of whoever reads it is the pace of the writer. */
export function writeAll(output: Output, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    output.write(text, (error) => (error ? reject(error) : resolve()));
  });
}

export async function readAll(input: Io['stdin']): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of input) chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  return Buffer.concat(chunks).toString('utf8');
}

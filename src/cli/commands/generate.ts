// image-router generate: one prompt to image files, with progress while it runs and the reasons when it is done.
import type { Command } from 'commander';
import { ImageRouterError } from '../../domain/error.ts';
import type { ImageResult } from '../../domain/result.ts';
import { type AttachmentFlags, readAttachments, withFileNames } from '../attached-files.ts';
import { costJson, describeCost } from '../cost.ts';
import { durationText } from '../duration-text.ts';
import type { SourceFlags } from '../endpoints.ts';
import { columnsOf, type Io, print, printJson, readAll } from '../io.ts';
import { needJson, needPairs } from '../need-text.ts';
import { addSourceOptions, withWorld } from '../open-world.ts';
import { formatNamedBy, type Place, preparePlace, previewPlace, type WrittenFile, writeImages } from '../output-files.ts';
import { paintFor } from '../paint.ts';
import { type Progress, showProgress } from '../progress.ts';
import { addRequestOptions, type RequestFlags, requestOf } from '../request-options.ts';
import { renderPairs } from '../table.ts';
import { systemReason } from '../text-file.ts';
import { eventJson } from '../trace-text.ts';

type Flags = RequestFlags & AttachmentFlags & SourceFlags & { readonly output?: string; readonly json?: boolean };

export function addGenerate(program: Command, io: Io): void {
  const command = program
    .command('generate')
    .description('make an image inside the limits given')
    .argument('<prompt>', 'what the image shows; - reads standard input')
    .option('-o, --output <place>', 'file, folder, or pattern with {n} {id} {route} {ext}; default: a new file named after the prompt')
    .option('--json', 'one JSON object on stdout');
  addSourceOptions(addRequestOptions(command)).action((prompt: string, flags: Flags) => generate(prompt, flags, io));
}

export async function promptOf(argument: string, io: Io): Promise<string> {
  return argument === '-' ? (await readAll(io.stdin)).trim() : argument;
}

async function generate(argument: string, flags: Flags, io: Io): Promise<void> {
  const prompt = await promptOf(argument, io);
  const format = flags.format ?? formatNamedBy(flags.output);
  const attached = await readAttachments(flags, io.cwd);
  const request = requestOf(prompt, format === undefined ? flags : { ...flags, format }, attached);
  const place = await preparePlace(flags.output, prompt, request.format, io.cwd);
  await withWorld(flags, io, async ({ router, clock, source }) => {
    const progress = flags.json === true ? undefined : showProgress(io, clock);
    const preview = previewWriter(place, progress, io);
    const hooks = { signal: io.signal, onPreview: preview.onPreview, ...(progress === undefined ? {} : { onEvent: progress.onEvent }) };
    const result = await router
      .generate(request, hooks)
      .catch((error: unknown) => Promise.reject(withFileNames(error, flags)))
      .finally(() => progress?.close());
    const files = await save(result, place, io.cwd);
    const made: Made = { result, files, preview: preview.files(), asksPreview: request.preview === true };
    if (flags.json === true) printJson(io.stdout, resultJson(made, source.kind));
    else print(io.stdout, describeResult(made, io));
  });
}

type Made = {
  readonly result: ImageResult;
  readonly files: readonly WrittenFile[];
  /** Empty when there was none. */
  readonly preview: readonly WrittenFile[];
  readonly asksPreview: boolean;
};

type PreviewWriter = {
  readonly onPreview: (preview: ImageResult) => Promise<'continue'>;
  files(): readonly WrittenFile[];
};

/** Writes the preview the moment it arrives. One that cannot be written is said, and does not stop the image. */
function previewWriter(place: Place, progress: Progress | undefined, io: Io): PreviewWriter {
  let files: readonly WrittenFile[] = [];
  return {
    onPreview: async (preview) => {
      try {
        files = await writeImages(preview, previewPlace(place), io.cwd);
        progress?.note(preview.elapsedMs, `preview is here: ${files.map(({ path }) => path).join(', ')}`);
      } catch (error) {
        progress?.note(preview.elapsedMs, `preview is here but cannot be written: ${systemReason(error)}`);
      }
      return 'continue';
    },
    files: () => files,
  };
}

/** An image that was paid for and cannot be written is an error that says so. */
async function save(result: ImageResult, place: Place, cwd: string): Promise<readonly WrittenFile[]> {
  try {
    return await writeImages(result, place, cwd);
  } catch (cause) {
    const message = `the image was made (${describeCost(result.cost)}) but cannot be written: ${systemReason(cause)}`;
    throw new ImageRouterError('file_unreadable', message, { trace: result.trace, remedy: 'name another place with --output', cause });
  }
}

function describeResult(made: Made, io: Io): string {
  const { result, files, preview } = made;
  const paint = paintFor(io.stdout, io.env);
  const width = columnsOf(io.stdout);
  const fileText = (file: WrittenFile): string =>
    `${paint('bold', file.path)}  ${file.width}x${file.height} ${file.format}, ${kilobytes(file.bytes)}`;
  const summary: readonly (readonly [string, string])[] = [
    ...preview.map((file) => ['preview', `${fileText(file)}, after ${durationText(result.preview?.elapsedMs ?? 0)}`] as const),
    ...(made.asksPreview && result.preview === undefined ? [['preview', NO_PREVIEW] as const] : []),
    ...files.map((file) => ['file', fileText(file)] as const),
    ['route', `${result.target} (${result.tier})`],
    ['time', `${durationText(result.elapsedMs)} of ${durationText(result.need.budgetMs)}`],
    ['cost', describeCost(result.cost)],
    ...(result.degraded === undefined ? [] : [['degraded', paint('yellow', result.degraded)] as const]),
    ...result.warnings.map(({ code, detail }) => ['warning', paint('yellow', `${code}: ${detail}`)] as const),
  ];
  return [renderPairs(summary, width, ''), '', paint('bold', 'need'), renderPairs(needPairs(result.need), width)].join('\n');
}

const NO_PREVIEW = 'none: it failed, the image is a preview itself, or time or price cap leave no room for one beside it';

function kilobytes(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.max(1, Math.round(bytes / 1_000))} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function resultJson({ result, files, preview }: Made, source: string): unknown {
  const { id, route, target, tier, degraded, warnings, elapsedMs } = result;
  return {
    id,
    route,
    target,
    tier,
    source,
    elapsedMs: Math.round(elapsedMs),
    cost: costJson(result.cost),
    degraded: degraded ?? null,
    warnings,
    files,
    ...(result.preview === undefined
      ? {}
      : { preview: { route: result.preview.route, elapsedMs: Math.round(result.preview.elapsedMs), files: preview } }),
    need: needJson(result.need),
    trace: result.trace.events.map(eventJson),
  };
}

// Where things stand in a YAML document, as `line:column`: for people who must find a mistake in a file they wrote. A problem
// names its field with dots (`endpoints.0.baseUrl`), and keys may hold dots themselves (`gateway.aliases.gpt-image-1.5`), so
// a path is matched against the keys there are rather than split.
import { type Document, isAlias, isMap, isScalar, isSeq, type LineCounter, type Node } from 'yaml';
import type { Problem } from '../../domain/error.ts';

export type SyntaxProblem = Problem & { readonly place: string };

export function syntaxProblems({ errors }: Document.Parsed): readonly SyntaxProblem[] {
  return errors.map((error) => {
    const [start] = error.linePos ?? [];
    const rule = `is not valid YAML: ${error.message.split(/ at line |\n/)[0]}`;
    const remedy = 'correct the syntax; JSON is accepted too';
    return { field: 'the file', rule, value: undefined, remedy, place: `${start?.line ?? 1}:${start?.col ?? 1}` };
  });
}

export type Read = { readonly kind: 'value'; readonly value: unknown } | { readonly kind: 'problem'; readonly problem: Problem };

/** The document as plain data, unless it is one of those that grow without bound when they are read. */
export function readValue(document: Document.Parsed): Read {
  try {
    return { kind: 'value', value: document.toJS() };
  } catch (cause) {
    const rule = `cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`;
    return { kind: 'problem', problem: { field: 'the file', rule, value: undefined, remedy: 'use fewer aliases' } };
  }
}

/** Answers with the place of a field, or of the nearest thing around it that is in the file. */
export function placesIn(document: Document.Parsed, lines: LineCounter): (field: string) => string {
  return (field) => {
    const offset = offsetIn(document.contents, field.split('.'), document);
    if (offset === undefined) return '1:1';
    const { line, col } = lines.linePos(offset);
    return `${line}:${col}`;
  };
}

/** Where a key stands rather than its value: when the key is wrong it is the point, and else it is on the same line. */
function offsetIn(node: unknown, path: readonly string[], document: Document.Parsed): number | undefined {
  if (isAlias(node)) return offsetIn(node.resolve(document), path, document);
  if (isSeq(node)) return offsetInList(node.items, path, document);
  if (!isMap(node)) return undefined;
  for (let length = path.length; length > 0; length -= 1) {
    const name = path.slice(0, length).join('.');
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === name);
    if (pair !== undefined) return offsetIn(pair.value, path.slice(length), document) ?? startOf(pair.key);
  }
  return undefined;
}

function offsetInList(items: readonly unknown[], [first, ...rest]: readonly string[], document: Document.Parsed): number | undefined {
  const item = first === undefined ? undefined : items[Number(first)];
  return item === undefined ? undefined : (offsetIn(item, rest, document) ?? startOf(item));
}

function startOf(node: unknown): number | undefined {
  return isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? rangeOf(node)?.[0] : undefined;
}

function rangeOf(node: Node): Node['range'] {
  return node.range;
}

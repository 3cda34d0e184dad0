// JSON in pieces. A picture is two megabytes of base64 that never changes: kept as bytes and laid between head and tail of
// the envelope, it costs nothing per request, where JSON.stringify would copy and scan all of it every time.

/** Serialises as JSON.stringify does, except that a Buffer stands for a string whose characters need no escaping. */
export function jsonParts(value: unknown): readonly Buffer[] {
  const writer = { text: '', parts: [] as Buffer[] };
  write(writer, value);
  return [...writer.parts, Buffer.from(writer.text)];
}

type Writer = { text: string; readonly parts: Buffer[] };

function write(writer: Writer, value: unknown): void {
  if (Buffer.isBuffer(value)) {
    writer.parts.push(Buffer.from(`${writer.text}"`), value);
    writer.text = '"';
  } else if (Array.isArray(value)) {
    writeList(writer, '[', ']', value, (item) => write(writer, item));
  } else if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, member]) => member !== undefined);
    writeList(writer, '{', '}', entries, ([name, member]) => {
      writer.text += `${JSON.stringify(name)}:`;
      write(writer, member);
    });
  } else {
    writer.text += JSON.stringify(value) ?? 'null';
  }
}

function writeList<Item>(writer: Writer, open: string, close: string, items: readonly Item[], writeItem: (item: Item) => void): void {
  writer.text += open;
  for (const [index, item] of items.entries()) {
    if (index > 0) writer.text += ',';
    writeItem(item);
  }
  writer.text += close;
}

// multipart/form-data, read by Node's own parser. The body is whole and bounded before it comes here, so a form can never
// take more memory than the server allowed it.

export type Form = {
  readonly fields: Readonly<Record<string, string>>;
  /** In the order they came. */
  readonly files: readonly { readonly name: string; readonly bytes: Buffer }[];
};

/** Undefined when the body is not the form its content type promises. */
export async function readForm(contentType: string, body: Buffer): Promise<Form | undefined> {
  let parsed: FormData;
  try {
    parsed = await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } }).formData();
  } catch {
    return undefined;
  }
  const fields: Record<string, string> = {};
  const files: { name: string; bytes: Buffer }[] = [];
  for (const [name, value] of parsed.entries()) {
    if (typeof value === 'string') fields[name] = value;
    else files.push({ name, bytes: Buffer.from(await value.arrayBuffer()) });
  }
  return { fields, files };
}

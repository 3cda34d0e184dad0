// An edit's body by its content type.
import { describe, expect, it } from 'vitest';
import { type EditRules, readEdit } from '../../../src/gateway/uploads/read-edit.ts';
import { picture } from '../../providers/support/pictures.ts';
import { formBytes, formRules, refusalOf, requestOf, type TestPart } from './support.ts';

const png = await picture(64, 48, 'png');
const rules: EditRules = { ...formRules(), fieldNames: ['prompt', 'size', 'n'], urls: undefined };
const readAs = (type: string, bytes: Uint8Array) => readEdit(requestOf([bytes], { headers: { 'content-type': type } }).request, rules);
const readParts = (parts: readonly TestPart[]) => readEdit(requestOf([formBytes(parts)]).request, rules);

describe('an edit', () => {
  it('is the same as a form and as JSON', async () => {
    const expected = { fields: { prompt: 'a fox' }, images: [png], mask: undefined };
    const json = { prompt: 'a fox', images: [{ image_url: `data:image/png;base64,${png.toString('base64')}` }] };
    expect(
      await readParts([
        { name: 'prompt', content: 'a fox' },
        { name: 'image', content: png },
      ]),
    ).toEqual(expected);
    expect(await readAs('Application/JSON; charset=utf-8', Buffer.from(JSON.stringify(json)))).toEqual(expected);
  });

  it('of no other type is read', async () => {
    for (const type of [
      '',
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/mixed; boundary=x',
      'image/png',
      'application/jsonx',
    ]) {
      expect(await refusalOf(readAs(type, png)), type).toMatchObject({ status: 415, code: 'unsupported_media_type' });
    }
  });

  it('without an image is refused, and told where it belongs', async () => {
    const refusal = await refusalOf(readParts([{ name: 'prompt', content: 'a fox' }]));
    expect(refusal).toMatchObject({ status: 400, code: 'missing_required_parameter', param: 'image' });
    expect(refusal.remedy).toContain('/v1/images/generations');
  });

  it('may leave a form field out by leaving it empty, except for the prompt', async () => {
    const { fields } = await readParts([
      { name: 'size', content: '' },
      { name: 'prompt', content: '' },
      { name: 'image', content: png },
    ]);
    expect(fields).toEqual({ prompt: '' });
  });
});

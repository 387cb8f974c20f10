import { toBase64 } from '../model/base64.ts';
import type { Photo } from '../model/intake.ts';

/** Longest side of a picture that is kept, in pixels: print stays readable. */
const LONGEST = 2000;
/** Larger files are made smaller where they can be, in bytes. */
const LARGE = 600_000;

/** A file as it is kept: large pictures smaller, as JPEG. @throws Error when a picture cannot be read */
export async function photoOf(file: File): Promise<Photo> {
  const isPicture = file.type.startsWith('image/');
  const kept = isPicture && file.size > LARGE ? await smaller(file) : file;
  return {
    name: file.name,
    contentType: kept.type || 'application/octet-stream',
    data: toBase64(new Uint8Array(await kept.arrayBuffer())),
  };
}

async function smaller(file: File): Promise<Blob> {
  const picture = await createImageBitmap(file);
  const factor = Math.min(1, LONGEST / Math.max(picture.width, picture.height));
  const canvas = new OffscreenCanvas(Math.round(picture.width * factor), Math.round(picture.height * factor));
  canvas.getContext('2d')?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  return canvas.convertToBlob({ type: 'image/jpeg', quality: 0.85 });
}

import type { JsonObject } from '../../types.ts';

/** Options of services that take a model and a prompt too, and make pictures or films. */
const MEDIA_OPTIONS = [
  'size',
  'width',
  'height',
  'aspect_ratio',
  'quality',
  'partial_images',
  'negative_prompt',
  'guidance_scale',
  'num_inference_steps',
];

/** Whether a request is for a picture, a film or a transcript; the latter names its format, which models describe. */
export function isForMedia(body: JsonObject): boolean {
  return typeof body.response_format === 'string' || MEDIA_OPTIONS.some((name) => name in body);
}

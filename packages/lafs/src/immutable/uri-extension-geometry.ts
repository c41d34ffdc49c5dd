import { type EncodingGeometry, EncodingParameterError, geometryOfSegments } from './encoding-geometry.js';
import { type CodecParameters, erasureCodecName, type UriExtension } from './uri-extension.js';
import { UriExtensionError } from './uri-extension-error.js';

/**
 * The geometry that a URI extension block describes, once its entries agree with each other and with what
 * the capability says (k, n and size).
 *
 * @throws {@link UriExtensionError} `inconsistent`
 */
export function uriExtensionGeometry(
  extension: UriExtension,
  capability: { readonly required: number; readonly total: number; readonly size: number },
): EncodingGeometry {
  const { required, total, size } = capability;
  agree('needed_shares', extension.required, required);
  agree('total_shares', extension.total, total);
  agree('size', extension.size, size);
  if (extension.codecName !== erasureCodecName)
    throw inconsistent('codec_name', `expected ${erasureCodecName}`);
  const geometry = geometryOf(extension);
  agree('num_segments', extension.segmentCount, geometry.segmentCount);
  agreeCodec('codec_params', extension.codecParameters, geometry, geometry.segmentSize);
  agreeCodec('tail_codec_params', extension.tailCodecParameters, geometry, geometry.paddedTailSegmentSize);
  return geometry;
}

function geometryOf(extension: UriExtension): EncodingGeometry {
  try {
    return geometryOfSegments(extension);
  } catch (error) {
    if (error instanceof EncodingParameterError) throw inconsistent('segment_size', error.message);
    throw error;
  }
}

function agreeCodec(key: string, found: CodecParameters, geometry: EncodingGeometry, size: number): void {
  agree(key, found.size, size);
  agree(key, found.required, geometry.required);
  agree(key, found.total, geometry.total);
}

function agree(key: string, found: number, expected: number): void {
  if (found !== expected) throw inconsistent(key, `expected ${expected}, found ${found}`);
}

function inconsistent(key: string, detail: string): UriExtensionError {
  return new UriExtensionError('inconsistent', `${key}: ${detail}`, key);
}

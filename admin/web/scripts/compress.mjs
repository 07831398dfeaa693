// Writes a .br and a .gz beside every file of the build that gets smaller by it, so that the server compresses nothing.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const dist = new URL('../dist', import.meta.url).pathname;
for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name);
  // index.html is filled in per answer; fonts are compressed already.
  if (!entry.isFile() || !/\.(js|css|svg|json|md)$/.test(path)) continue;
  const text = readFileSync(path);
  const options = { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: text.length } };
  for (const [suffix, packed] of [['.br', brotliCompressSync(text, options)], ['.gz', gzipSync(text, { level: 9 })]]) {
    if (packed.length < text.length) writeFileSync(path + suffix, packed);
  }
}

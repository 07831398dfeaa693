// Prints what each part of the build weighs on the wire, and fails when the entry is over its budget: everything that the sign-in
// page must load before it can be seen.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const budget = 250 * 1024;
const dist = new URL('../dist', import.meta.url).pathname;
const manifest = JSON.parse(readFileSync(join(dist, 'manifest.json'), 'utf8'));
const weigh = (file, suffix) => {
  const path = join(dist, file);
  return statSync(existsSync(path + suffix) ? path + suffix : path).size;
};

function filesOf(key, seen = new Set()) {
  const chunk = manifest[key];
  if (!chunk || seen.has(key)) return [];
  seen.add(key);
  return [chunk.file, ...(chunk.css ?? []), ...(chunk.imports ?? []).flatMap((k) => filesOf(k, seen))];
}

const kb = (bytes) => `${(bytes / 1024).toFixed(1)} KB`.padStart(10);
const entry = Object.keys(manifest).find((k) => manifest[k].isEntry);
const first = new Set(filesOf(entry));
const total = (files, suffix) => [...files].reduce((sum, f) => sum + weigh(f, suffix), 0);

console.log(`${'what is loaded'.padEnd(44)}${'gzip'.padStart(10)}${'brotli'.padStart(10)}`);
console.log(`${'entry'.padEnd(44)}${kb(total(first, '.gz'))}${kb(total(first, '.br'))}`);
for (const [key, chunk] of Object.entries(manifest).filter(([, c]) => c.isDynamicEntry).sort(([a], [b]) => (a < b ? -1 : 1))) {
  const more = new Set(filesOf(key).filter((f) => !first.has(f)));
  console.log(`${(chunk.src ?? chunk.name ?? key).replace('src/', '').padEnd(44)}${kb(total(more, '.gz'))}${kb(total(more, '.br'))}`);
}
if (total(first, '.gz') > budget) {
  console.error(`the entry is ${kb(total(first, '.gz')).trim()} compressed; the budget is ${kb(budget).trim()}`);
  process.exit(1);
}

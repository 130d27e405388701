/**
 * Builds dist/: our own files and the parts of the npm packages that pages use, each under a name
 * that holds a hash of its content, so that a browser may keep it for ever.
 *
 * Run after `npm ci --ignore-scripts`:   node build.mjs
 *
 * dist/manifest.json says which name stands for which file: {"site.css": "site.1a2b3c4d5e6f.css"}.
 * The same input gives the same bytes on every machine. Text files get a .gz beside them.
 * Knows nothing of Flask; workshops/web/assets.py reads the manifest.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const HERE = dirname(fileURLToPath(import.meta.url));
const DIST = join(HERE, 'dist');
const DESIGN_SYSTEM = 'node_modules/@scottish-government/design-system/dist';
const ROBOTO = 'node_modules/@fontsource/roboto/files';

//: The document icons that templates/components/file_download.html may ask for.
const DOCUMENT_ICONS = [
    'csv', 'excel', 'file', 'generic', 'ical', 'image', 'odp', 'ods', 'odt', 'pdf', 'ppt', 'text', 'word', 'xml', 'zip'
];

//: Logical name -> source file. A file comes after those it points to, because its content, and
//: so its hash, holds their hashed names.
const SOURCES = [
    ...['latin', 'latin-ext'].flatMap(subset => ['400', '700'].map(weight =>
        [`roboto-${subset}-${weight}.woff2`, `${ROBOTO}/roboto-${subset}-${weight}-normal.woff2`])),
    ['icons.svg', `${DESIGN_SYSTEM}/images/icons/icons.stack.svg`],
    ...DOCUMENT_ICONS.map(icon => [`document-${icon}.svg`, `${DESIGN_SYSTEM}/images/documents/svg/${icon}.svg`]),
    ['favicon.svg', 'favicon.svg'],
    ['design-system.css', `${DESIGN_SYSTEM}/css/design-system.min.css`],
    ['design-system.js', `${DESIGN_SYSTEM}/scripts/design-system.js`],
    ['site.css', 'site.css'],
    ['site.js', 'site.js']
];

const manifest = {};

function hashedName(name, content) {
    const hash = createHash('sha256').update(content).digest('hex').slice(0, 12);
    const dot = name.lastIndexOf('.');
    return `${name.slice(0, dot)}.${hash}${name.slice(dot)}`;
}

function known(reference, inFile) {
    const name = reference.replace(/^\.\//, '');
    if (!(name in manifest)) {
        throw new Error(`${inFile} points to ${reference}, which is not among the files of build.mjs.`);
    }
    return manifest[name];
}

/** CSS: url(...) of our files becomes the hashed name; data: addresses stay. Source maps are not shipped. */
function rewriteCss(text, name) {
    return text
        .replace(/\/\*# sourceMappingURL=.*?\*\/\s*/g, '')
        .replace(/url\(\s*(["']?)(?!data:)([^"')]+)\1\s*\)/g, (_, quote, reference) => `url("${known(reference, name)}")`);
}

/** JavaScript: import('./name') and from './name' become the hashed name. */
function rewriteJs(text, name) {
    return text
        .replace(/\/\/# sourceMappingURL=.*\s*$/g, '')
        .replace(/(\bimport\(\s*|\bfrom\s+)(["'])(\.\/[^"']+)\2/g,
            (_, before, quote, reference) => `${before}${quote}./${known(reference, name)}${quote}`);
}

function built(name, source) {
    const content = readFileSync(join(HERE, source));
    if (name.endsWith('.css')) {
        return Buffer.from(rewriteCss(content.toString('utf8'), name));
    }
    if (name.endsWith('.js')) {
        return Buffer.from(rewriteJs(content.toString('utf8'), name));
    }
    return content;
}

if (!existsSync(join(HERE, DESIGN_SYSTEM)) || !existsSync(join(HERE, ROBOTO))) {
    console.error('The npm packages are missing. Run `npm ci --ignore-scripts` in the folder static/ first.');
    process.exit(1);
}

// Everything is made in a folder beside dist/, which it then replaces: a build that fails half way
// leaves the old one working.
const MAKING = `${DIST}.new`;
rmSync(MAKING, { recursive: true, force: true });
mkdirSync(MAKING, { recursive: true });
for (const [name, source] of SOURCES) {
    const content = built(name, source);
    const target = hashedName(name, content);
    manifest[name] = target;
    writeFileSync(join(MAKING, target), content);
    if (/\.(css|js|svg)$/.test(name)) {
        writeFileSync(join(MAKING, `${target}.gz`), gzipSync(content, { level: 9 }));
    }
}
const sorted = Object.fromEntries(Object.entries(manifest).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(join(MAKING, 'manifest.json'), `${JSON.stringify(sorted, null, 2)}\n`);
rmSync(DIST, { recursive: true, force: true });
renameSync(MAKING, DIST);
console.log(`Built ${SOURCES.length} files into static/dist.`);

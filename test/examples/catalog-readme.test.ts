/** The README of the catalog example shows what its commands print. */
import t from 'tap';
import { checkReadme } from './readme.js';

t.test('examples/catalog/README.md', (t) => checkReadme(t, 'examples/catalog/README.md'));

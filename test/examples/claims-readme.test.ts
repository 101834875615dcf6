/** The README of the claims example shows what its commands print. */
import t from 'tap';
import { checkReadme, shownIn } from './readme.js';

t.test('blocks are found', async (t) => {
  const block = (info: string, text: string): string => `\`\`\`${info}\n${text}\n\`\`\`\n\n`;
  const markdown = `${block('sh', 'a\nb')}${block('text', 'c')}${block('sh', 'd')}text\n\n${block('text', 'e')}`;
  t.same(shownIn(`${markdown}${block('sh', 'f')}${block('text lines=2', 'g')}`), [
    { commands: ['a', 'b'], lines: undefined, text: 'c\n' },
    { commands: ['f'], lines: 2, text: 'g\n' },
  ]);
});

t.test('examples/claims/README.md', (t) => checkReadme(t, 'examples/claims/README.md'));

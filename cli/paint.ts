/** Colours for a terminal, and plain text for everything else. */
export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
}

const sequence = (open: number, close: number) => (text: string) => `\x1b[${open}m${text}\x1b[${close}m`;
const plain = (text: string): string => text;

const COLOURED: Paint = { bold: sequence(1, 22), dim: sequence(2, 22), red: sequence(31, 39), green: sequence(32, 39) };
const PLAIN: Paint = { bold: plain, dim: plain, red: plain, green: plain };

/** Colours only where a person sees them: not in pipes, and not against https://no-color.org. */
export function paintFor(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): Paint {
  return stream.isTTY && !env.NO_COLOR && env.TERM !== 'dumb' ? COLOURED : PLAIN;
}

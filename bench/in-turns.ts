/** A B B A: what changes slowly, as the clock of a warm machine does, falls on both sides alike. */
export async function inTurns<S>(
  pairs: number,
  sides: readonly [S, S],
  run: (side: S) => Promise<void>,
): Promise<void> {
  const [a, b] = sides;
  for (let pair = 0; pair < pairs; pair += 1) for (const side of pair % 2 === 0 ? [a, b] : [b, a]) await run(side);
}

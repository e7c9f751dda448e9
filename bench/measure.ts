// Measures candidates against each other: interleaved rounds, medians, ratios within one run.

/** Something measured: runs its operation `times` times. */
export interface Candidate {
  readonly name: string;
  readonly run: (times: number) => Promise<void>;
}

/** Measures and prints a table; the first candidate is the one that the others are compared with. */
export async function compare(
  title: string,
  candidates: readonly Candidate[],
  { times = 200_000, rounds = 15 }: { times?: number; rounds?: number } = {},
): Promise<void> {
  const taken = candidates.map((): number[] => []);
  for (const { run } of candidates) await run(times / 10);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, { run }] of candidates.entries()) {
      globalThis.gc?.();
      const started = process.hrtime.bigint();
      await run(times);
      taken[index]!.push(Number(process.hrtime.bigint() - started) / times);
    }
  }
  console.log(`\n${title} (${rounds} rounds of ${times.toLocaleString("en")}, median)\n`);
  for (const [index, { name }] of candidates.entries()) {
    const ratio = median(taken[index]!.map((value, round) => value / taken[0]![round]!));
    const figure = `${median(taken[index]!).toFixed(0).padStart(8)} ns`;
    console.log(`${name.padEnd(44)}${figure}${ratio.toFixed(2).padStart(9)} ×`);
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)]!;
}

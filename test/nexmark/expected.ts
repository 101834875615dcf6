/**
 * Answers to Nexmark's queries over the first 20,000 events of the seeded generator: rows, and their checksum. Computed by brute
 * force over the whole input, and compared with another engine's where that can run the query.
 */
export type Expected = Readonly<Record<string, readonly [rows: number, checksum: string]>>;

/** At 10,000 events a second of event time: two seconds. */
export const AT_10_000: Expected = {
  q0: [18400, '70943fe93be07922'],
  q1: [18400, '7f68715b54815ec0'],
  q2: [80, '052fc79f126d60ba'],
  q3: [69, '0434ead61737e098'],
  q4: [5, '0044ab5030af8652'],
  q5: [5, '000f9e7386cae511'],
  q7: [1, '0003dae97f6a1783'],
  q8: [188, '0bb31b1be3f72c47'],
  q9: [1112, '4597df2c9db24fc3'],
  q10: [18400, '73ec515e817744a2'],
  q11: [376, '18912cf2bedf0143'],
  q13: [18400, '7912780d3b4b86b0'],
  q14: [5105, '407f6cca38f24b48'],
  q15: [1, '001dc522c25eb756'],
  q16: [6017, '7a616d9760aa04d9'],
  q17: [1197, '4a8f4217bafd83d8'],
  q18: [4976, '36f5b257e97cdc62'],
  q19: [8615, '1de3ee86a3b78ffa'],
  q20: [3400, 'd225fae3fe21db51'],
  q21: [17512, '4a1557c9ede4c987'],
  q22: [18400, '85201709cd958ce4'],
  q23: [0, '0000000000000000'],
};

/** At 1,000 a second: twenty seconds. */
export const AT_1_000: Expected = {
  q4: [5, '003159dacb469dd1'],
  q5: [14, '00668ca85200229c'],
  q7: [2, '0028603ea96d2c8a'],
  q8: [148, '09970e5d7a8d276f'],
  q9: [1112, '4300384eb6dd951f'],
  q11: [376, '186f0f43c1f15477'],
};

/** SHA-256 of the first events as lines of JSON, by how many they are. */
export const DIGESTS: Readonly<Record<number, string>> = {
  1000: '270349832e5a7f3e38774db74f245a4f161441e45bc909080c0559bdb4c55989',
  10000: 'bd930c526d9fd80cbecf5762e0eb4f575e8e39398e91219ea648574ebb3b6b6f',
  100000: '315490422a76576b802d2ccc37105516f00643c55f0487e7acdbfcbc4f36f8f5',
  200000: 'b691e815c48eadbfedb9bc56f80d5df235ddeb45ee10e270d3ecde41756b9d9d',
};

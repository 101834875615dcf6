/**
 * Numbers of operators and tables in a base: a row's key has numbers where a file's rows have names.
 *
 * Invariant: numbers go up in the order of first use and never change; an operator has that of its first table.
 */
import type { TableName } from './base-codec.js';

export interface TableNumbers {
  readonly operator: number;
  readonly table: number;
}

export class BaseNames {
  /** By number. */
  readonly all: TableName[] = [];
  readonly #numbers = new Map<string, TableNumbers>();
  readonly #operators = new Map<string, number>();
  /** Rows come table by table, for the most part, with one object for its name. */
  #last: TableName | undefined;
  #lastNumbers: TableNumbers = { operator: 0, table: 0 };

  /** Given out now, if need be. */
  numbersOf(name: TableName): TableNumbers {
    if (name !== this.#last) {
      this.#lastNumbers = this.#numbers.get(textOf(name)) ?? this.#add(name);
      this.#last = name;
    }
    return this.#lastNumbers;
  }

  operator(uid: string): number | undefined {
    return this.#operators.get(uid);
  }

  #add({ operator, table, kind }: TableName): TableNumbers {
    const number = this.all.length;
    this.all.push({ operator, table, kind });
    const own = this.#operators.get(operator) ?? number;
    this.#operators.set(operator, own);
    const numbers = { operator: own, table: number };
    this.#numbers.set(textOf({ operator, table, kind }), numbers);
    return numbers;
  }
}

function textOf({ operator, table, kind }: TableName): string {
  return `${operator}/${kind}/${table}`;
}

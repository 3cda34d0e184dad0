// What is kept for each target and operation. Looked up many times a request, so no key is put together for it.
import type { TargetId } from './route.ts';
import type { Operation } from './vocabulary.ts';

export class ByTarget<Value> {
  readonly #maps = new Map<Operation, Map<TargetId, Value>>();
  readonly #all: Value[] = [];

  get(target: TargetId, operation: Operation): Value | undefined {
    return this.#maps.get(operation)?.get(target);
  }

  /** Once for each. */
  add(target: TargetId, operation: Operation, value: Value): void {
    this.#all.push(value);
    const map = this.#maps.get(operation) ?? new Map<TargetId, Value>();
    this.#maps.set(operation, map.set(target, value));
  }

  /** As they came. */
  values(): readonly Value[] {
    return this.#all;
  }
}

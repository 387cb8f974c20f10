import { truth } from '../operators.ts';
import { isCoarser, valueIn } from '../quantity.ts';
import { asQuantity, boolean, EMPTY, type Items, string } from '../values.ts';
import type { Call, FunctionGroup } from './call.ts';

/** FHIRPath 5.9, 6.5.3 and comparable(). */
export const UTILITIES: FunctionGroup = {
  not: [
    0,
    0,
    (call) => {
      const value = truth(call.input, 'not()', call.environment);
      return value === undefined ? EMPTY : boolean(!value);
    },
  ],
  trace: [
    1,
    2,
    (call) => {
      const name = call.textParameter(0) ?? '';
      call.environment.trace(
        name,
        call.count === 1 ? call.input : call.input.flatMap((item, i) => call.on(1, item, i)),
      );
      return call.input;
    },
  ],
  defineVariable: [
    1,
    2,
    (call) => {
      const name = call.textParameter(0);
      if (name === undefined) return call.input;
      call.variable = { name, value: call.count === 1 ? call.input : call.onInput(1) };
      return call.input;
    },
  ],
  comparable: [1, 1, comparable],
  pathname: [0, 1, pathname],
};

function comparable(call: Call): Items {
  const other = call.argument(0);
  if (call.input.length !== 1 || other.length !== 1) return EMPTY;
  const parameter = call.parameter(0);
  const left = call.value === undefined ? undefined : asQuantity(call.value);
  const right = parameter === undefined ? undefined : asQuantity(parameter);
  if (left === undefined || right === undefined) return EMPTY;
  return boolean(isCoarser(left, right) !== undefined && valueIn(left, right, false) !== undefined);
}

/** Where items are in the resource; those that are not in it are left out. */
function pathname(call: Call): Items {
  const short = call.parameter(0);
  if (short !== undefined && short.kind !== 'Boolean') throw call.wrongParameter(0, 'a Boolean', short);
  return call.input.flatMap((item) => {
    if (item.kind !== 'Node' || item.path === undefined) return [];
    if (short?.value === true) return string(item.path);
    return string(item.path.replace(/(\.[^.[\]]+)(?=\.|$)/g, '$1[0]'));
  });
}

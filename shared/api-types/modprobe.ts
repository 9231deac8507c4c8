import type { z } from 'zod';
import { argument, bounds, defaulted, list, object, type Rule, word } from './fields.ts';

const argumentList = (description: string) =>
  list(argument('An argument, passed as it is.'), description, { min: 1, max: bounds.argumentsMax });

const hasName = "has(self.moduleName) && self.moduleName != ''";
const hasOrder = 'has(self.modulesLoadingOrder) && self.modulesLoadingOrder.size() > 0';

const rules: readonly Rule[] = [
  {
    rule: `!(${hasName}) || !has(self.rawArgs) || !(has(self.rawArgs.load) || has(self.rawArgs.unload))`,
    message: 'expected either moduleName or rawArgs, got both: leave one of them out',
  },
  {
    rule: `(${hasName}) || (has(self.rawArgs) && has(self.rawArgs.load) && has(self.rawArgs.unload))`,
    message:
      'expected moduleName, or rawArgs with both load and unload: name the kernel module or give both argument lists',
  },
  {
    rule: `!(${hasOrder}) || self.modulesLoadingOrder.size() >= 2`,
    message:
      'modulesLoadingOrder: expected at least two kernel modules, the topmost first: add those it needs or leave the list out',
  },
  {
    rule: `!(${hasOrder}) || (${hasName})`,
    message: 'modulesLoadingOrder: expected moduleName beside it: set moduleName to the first of the list',
  },
  {
    rule: `!(${hasOrder}) || !(${hasName}) || self.modulesLoadingOrder[0] == self.moduleName`,
    message: 'modulesLoadingOrder: expected moduleName as the first of the list: put the topmost kernel module first',
  },
  {
    rule: `!(${hasOrder}) || self.modulesLoadingOrder.all(a, self.modulesLoadingOrder.exists_one(b, a == b))`,
    message: 'modulesLoadingOrder: expected each kernel module once: remove the duplicate',
  },
];

export const modprobeSchema = object(
  'How modprobe is called.',
  {
    moduleName: word('The kernel module to load, without `.ko`. Needed unless rawArgs are given.').optional(),
    dirName: defaulted(word('Folder in the image that holds lib/modules/<kernel>: modprobe gets it as -d.'), '/opt'),
    parameters: list(
      argument('A parameter, such as debug=1. It may hold spaces.'),
      'Parameters of the kernel module.',
      {
        max: bounds.argumentsMax,
      },
    ).optional(),
    args: object('Further arguments, before the name of the kernel module.', {
      load: argumentList('For loading.').optional(),
      unload: argumentList('For unloading.').optional(),
    }).optional(),
    rawArgs: object('The whole argument lists; all other fields but firmwarePath are then unused.', {
      load: argumentList('For loading.').optional(),
      unload: argumentList('For unloading.').optional(),
    }).optional(),
    firmwarePath: word(
      'Folder in the image whose content is copied to the firmware folder of the node before loading, and removed at unload.',
    ).optional(),
    modulesLoadingOrder: list(
      word('A kernel module, without `.ko`.'),
      'Kernel modules that depend on each other without saying so, topmost (moduleName) first: loaded from last to first, unloaded from first to last.',
      { max: bounds.moduleNamesMax },
    ).optional(),
  },
  rules,
);
export type ModprobeSpec = z.infer<typeof modprobeSchema>;

import type { Command } from './command.js';

/** A command as it stands in the list. */
export interface ListedCommand {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Loads the command: only what is called is loaded, for each module is a file to open. */
  load(): Promise<Command>;
}

/** The commands, in the order of the help. */
export const COMMANDS: readonly ListedCommand[] = [
  {
    name: 'simulate',
    summary: 'tell what the settings would do under a load',
    load: async () => (await import('./simulate-command.js')).simulateCommand,
  },
  {
    name: 'replay',
    summary: 'decide a recorded log again, or under other settings',
    load: async () => (await import('./replay/replay-command.js')).replayCommand,
  },
  {
    name: 'config',
    summary: 'print the effective configuration and where each value comes from',
    load: async () => (await import('./config-command.js')).configCommand,
  },
  {
    name: 'size',
    summary: 'advise on the size of a pool',
    load: async () => (await import('./size-command.js')).sizeCommand,
  },
  {
    name: 'doctor',
    summary: 'look whether this machine and the servers bear a gateway',
    load: async () => (await import('./doctor/doctor-command.js')).doctorCommand,
  },
  {
    name: 'top',
    summary: 'watch a running gateway',
    load: async () => (await import('./top/top-command.js')).topCommand,
  },
  {
    name: 'pgbouncer',
    summary: 'write a pgbouncer.ini for the pools of a gateway',
    load: async () => (await import('./pgbouncer-command.js')).pgbouncerCommand,
  },
];

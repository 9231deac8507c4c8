export interface ElfModuleOptions {
  name?: string;
  vermagic?: string;
  depends?: readonly string[];
  bits?: 32 | 64;
  endian?: 'little' | 'big';
  /** ELF's `e_type`: 1 is an object file, as a module is. */
  type?: number;
  /** Name of the section with what the module says of itself. */
  infoSection?: string;
  /** What the module does, so to speak. */
  text?: Buffer;
}

/** The smallest ELF object that is laid out as a kernel module: sections `.text`, `.modinfo`, `.shstrtab`. It does nothing. */
export function elfModule(options: ElfModuleOptions = {}): Buffer {
  const { bits = 64, endian = 'little', type = 1, infoSection = '.modinfo', text = Buffer.from('code') } = options;
  const write = writer(endian);
  const word = bits / 8;
  const names = Buffer.from(`\0.text\0${infoSection}\0.shstrtab\0`);
  const at = (name: string) => names.indexOf(`\0${name}\0`) + 1;
  const parts = [
    { name: at('.text'), type: 1, bytes: text },
    { name: at(infoSection), type: 1, bytes: moduleInfoOf(options) },
    { name: at('.shstrtab'), type: 3, bytes: names },
  ];
  const headerBytes = bits === 64 ? 64 : 52;
  let offset = headerBytes;
  const headers = parts.map(({ name, type: kind, bytes }) => {
    const header = [
      write(4, name),
      write(4, kind),
      write(word, 0),
      write(word, 0),
      write(word, offset),
      write(word, bytes.length),
    ];
    offset += bytes.length;
    return Buffer.concat([...header, write(4, 0), write(4, 0), write(word, 1), write(word, 0)]);
  });
  const entryBytes = headers[0]!.length;
  const header = [
    Buffer.from([
      0x7f,
      0x45,
      0x4c,
      0x46,
      bits === 64 ? 2 : 1,
      endian === 'little' ? 1 : 2,
      1,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
    ]),
    write(2, type),
    write(2, bits === 64 ? 62 : 3),
    write(4, 1),
    write(word, 0),
    write(word, 0),
    write(word, offset),
    write(4, 0),
    ...[headerBytes, 0, 0, entryBytes, headers.length + 1, headers.length].map((value) => write(2, value)),
  ];
  return Buffer.concat([...header, ...parts.map(({ bytes }) => bytes), Buffer.alloc(entryBytes), ...headers]);
}

function moduleInfoOf({ name = 'nic', vermagic = '6.1.0-28-amd64 SMP ', depends = [] }: ElfModuleOptions): Buffer {
  const pairs = ['license=GPL', `depends=${depends.join(',')}`, `name=${name}`, `vermagic=${vermagic}`];
  return Buffer.from(pairs.map((pair) => `${pair}\0`).join(''));
}

function writer(endian: 'little' | 'big') {
  return (bytes: number, value: number): Buffer => {
    const buffer = Buffer.alloc(bytes);
    // Six bytes are what Buffer writes at most, and more than any offset here.
    const used = Math.min(bytes, 6);
    if (endian === 'little') buffer.writeUIntLE(value, 0, used);
    else buffer.writeUIntBE(value, bytes - used, used);
    return buffer;
  };
}
